package urlmap

import (
	"bytes"
	"fmt"
	"strings"

	iradix "github.com/hashicorp/go-immutable-radix/v2"
)

// hosts maps host patterns to values: exact names, then the longest wildcard, then "*". It never changes.
type hosts[T any] struct {
	exact *iradix.Tree[T]
	// wildcard is keyed by what follows the "*", such as ".example.com".
	wildcard *iradix.Tree[T]
}

func newHosts[T any]() hosts[T] {
	return hosts[T]{exact: iradix.New[T](), wildcard: iradix.New[T]()}
}

// find returns the value of the most specific pattern. A wildcard stands for any number of labels, at least one.
func (h *hosts[T]) find(host []byte) (T, bool) {
	if v, ok := h.exact.Get(host); ok {
		return v, true
	}
	if h.wildcard.Len() > 0 {
		for i := 1; i < len(host); i++ {
			if host[i] != '.' {
				continue
			}
			if v, ok := h.wildcard.Get(host[i:]); ok {
				return v, true
			}
		}
		return h.wildcard.Get(nil)
	}
	var none T
	return none, false
}

// findOneLabel is find with wildcards that stand for exactly one label.
func (h *hosts[T]) findOneLabel(host []byte) (T, bool) {
	if v, ok := h.exact.Get(host); ok {
		return v, true
	}
	if i := bytes.IndexByte(host, '.'); i > 0 {
		if v, ok := h.wildcard.Get(host[i:]); ok {
			return v, true
		}
	}
	return h.wildcard.Get(nil)
}

// get returns the value of a pattern itself.
func (h *hosts[T]) get(pattern string) (T, bool) {
	if suffix, ok := strings.CutPrefix(pattern, "*"); ok {
		return h.wildcard.Get([]byte(suffix))
	}
	return h.exact.Get([]byte(pattern))
}

// with returns the set with the value of one pattern changed; remove takes the pattern out.
func (h hosts[T]) with(pattern string, v T, remove bool) hosts[T] {
	tree, key := &h.exact, pattern
	if suffix, ok := strings.CutPrefix(pattern, "*"); ok {
		tree, key = &h.wildcard, suffix
	}
	if remove {
		*tree, _, _ = (*tree).Delete([]byte(key))
	} else {
		*tree, _, _ = (*tree).Insert([]byte(key), v)
	}
	return h
}

// each calls fn for every pattern.
func (h *hosts[T]) each(fn func(pattern string, v T)) {
	h.exact.Root().Walk(func(k []byte, v T) bool {
		fn(string(k), v)
		return false
	})
	h.wildcard.Root().Walk(func(k []byte, v T) bool {
		fn("*"+string(k), v)
		return false
	})
}

// HostOf is the host that rules compare: an authority without port and without a trailing dot, in lower case.
func HostOf(authority []byte) []byte {
	host := authority
	if i := bytes.LastIndexByte(host, ':'); i >= 0 && bytes.IndexByte(host[i:], ']') < 0 {
		host = host[:i]
	}
	if n := len(host); n > 1 && host[n-1] == '.' {
		host = host[:n-1]
	}
	return lowerCase(host)
}

// lowerCase copies only what is not in lower case.
func lowerCase(p []byte) []byte {
	for _, c := range p {
		if 'A' <= c && c <= 'Z' {
			return bytes.ToLower(p)
		}
	}
	return p
}

// CheckHost says what is wrong with a host pattern: "*", "*.example.com" or "foo.example.com", lower case, no port.
func CheckHost(pattern string) error {
	rest := pattern
	if pattern == "*" {
		return nil
	}
	if after, ok := strings.CutPrefix(pattern, "*."); ok {
		rest = after
	}
	switch {
	case rest == "":
		return fmt.Errorf("host %q is empty", pattern)
	case strings.ToLower(rest) != rest:
		return fmt.Errorf("host %q is not in lower case", pattern)
	case strings.ContainsAny(rest, "*/ \t") || strings.HasSuffix(rest, "."):
		return fmt.Errorf("host %q is not valid", pattern)
	}
	return nil
}
