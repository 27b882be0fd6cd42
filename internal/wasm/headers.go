package wasm

import (
	"bytes"
	"strings"
)

// Headers is a header map of a message: its pseudo-header fields (":path", ":status") and its fields, names in lower case.
// What a guest sees is what At gives; setters take names in lower case, and may refuse a change with an error, which the
// guest does not see but the log does.
type Headers interface {
	Len() int
	At(i int) (name, value []byte)
	Set(name string, value []byte) error
	Add(name string, value []byte) error
	Del(name string) error
}

const (
	cookie    = "cookie"
	setCookie = "set-cookie"
)

// separator joins the values of a repeated field into one (RFC 9110 section 5.3, RFC 9113 section 8.2.3).
func separator(name string) string {
	if name == cookie {
		return "; "
	}
	return ", "
}

// first is the first value of a name.
func first(h Headers, name []byte) ([]byte, bool) {
	for i := range h.Len() {
		if n, v := h.At(i); equalFold(n, name) {
			return v, true
		}
	}
	return nil, false
}

// equalFold compares with a name in lower case.
func equalFold(lower, name []byte) bool {
	return len(lower) == len(name) && (bytes.Equal(lower, name) || bytes.EqualFold(lower, name))
}

// joined is all values of a name in one.
func joined(h Headers, name []byte) ([]byte, bool) {
	var value []byte
	found := 0
	for i := range h.Len() {
		n, v := h.At(i)
		if !equalFold(n, name) {
			continue
		}
		if found++; found == 1 {
			value = v
			continue
		}
		value = append(append(value[:len(value):len(value)], separator(string(n))...), v...)
	}
	return value, found > 0
}

// list is the map as a guest gets it; join makes repeated fields one, but for cookies that a server sets.
func list(h Headers, join bool) Pairs {
	pairs := make(Pairs, 0, h.Len())
next:
	for i := range h.Len() {
		n, v := h.At(i)
		if join && string(n) != setCookie {
			for j := range pairs {
				if pairs[j].Name == string(n) {
					pairs[j].Value += separator(pairs[j].Name) + string(v)
					continue next
				}
			}
		}
		pairs = append(pairs, Pair{string(n), string(v)})
	}
	return pairs
}

// count is the number of fields in list. Every callback for a head is told it.
func count(h Headers, join bool) int {
	n := h.Len()
	if !join {
		return n
	}
	var few [32][]byte // most heads have no more
	seen := few[:0]
	kinds := uint64(0) // a name of a kind that was not there before is new
	for i := range n {
		name, _ := h.At(i)
		kind := uint64(1) << (kindOf(name) & 63)
		if kinds&kind == 0 || string(name) == setCookie || !among(seen, name) {
			seen = append(seen, name)
		}
		kinds |= kind
	}
	return len(seen)
}

// kindOf is the same for names that are.
func kindOf(name []byte) int {
	if len(name) == 0 {
		return 0
	}
	return len(name) + 7*int(name[len(name)/2]) + 3*int(name[len(name)-1])
}

func among(names [][]byte, name []byte) bool {
	for _, other := range names {
		if len(other) == len(name) && bytes.Equal(other, name) {
			return true
		}
	}
	return false
}

// size is what Envoy says to proxy_get_header_map_size: the bytes of names and values.
func size(h Headers) int {
	n := 0
	for i := range h.Len() {
		name, value := h.At(i)
		n += len(name) + len(value)
	}
	return n
}

// replaceAll makes the map what pairs say, as far as it may be changed.
func replaceAll(h Headers, pairs Pairs, add func(name string, value []byte) error) (refused error) {
	wanted := map[string]bool{}
	for i := range pairs {
		pairs[i].Name = strings.ToLower(pairs[i].Name)
		wanted[pairs[i].Name] = true
	}
	for _, name := range names(h) {
		if !wanted[name] && name[0] != ':' {
			refused = firstError(refused, h.Del(name))
		}
	}
	seen := map[string]bool{}
	for _, f := range pairs {
		set := h.Set
		if seen[f.Name] {
			set = add
		}
		seen[f.Name] = true
		refused = firstError(refused, set(f.Name, trimmed([]byte(f.Value))))
	}
	return refused
}

func names(h Headers) []string {
	var all []string
	for i := range h.Len() {
		if n, _ := h.At(i); len(n) > 0 {
			all = append(all, string(n))
		}
	}
	return all
}

func firstError(a, b error) error {
	if a != nil {
		return a
	}
	return b
}

// fixed is a map that nobody changes: what an HTTP or gRPC call brought.
type fixed Pairs

func (f fixed) Len() int                      { return len(f) }
func (f fixed) At(i int) (name, value []byte) { return []byte(f[i].Name), []byte(f[i].Value) }
func (fixed) Set(string, []byte) error        { return errFixed }
func (fixed) Add(string, []byte) error        { return errFixed }
func (fixed) Del(string) error                { return errFixed }

var errFixed = refused{"the map is of an answer that has come"}
