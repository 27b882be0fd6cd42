package wasm

import (
	"encoding/binary"
	"strings"
)

// Pair is a header field.
type Pair struct{ Name, Value string }

// Pairs is a list of fields on the ABI's wire: a count, the lengths of each name and value, then each with a zero behind it.
type Pairs []Pair

func (p Pairs) size() int {
	if len(p) == 0 {
		return 0
	}
	n := 4
	for _, f := range p {
		n += 8 + len(f.Name) + 1 + len(f.Value) + 1
	}
	return n
}

// append writes the list behind b. An empty one is nothing.
func (p Pairs) append(b []byte) []byte {
	if len(p) == 0 {
		return b
	}
	b = binary.LittleEndian.AppendUint32(b, uint32(len(p)))
	for _, f := range p {
		b = binary.LittleEndian.AppendUint32(b, uint32(len(f.Name)))
		b = binary.LittleEndian.AppendUint32(b, uint32(len(f.Value)))
	}
	for _, f := range p {
		b = append(append(b, f.Name...), 0)
		b = append(append(b, f.Value...), 0)
	}
	return b
}

// parsePairs reads a guest's list. One that is malformed or too large is empty, as it is in Envoy.
func parsePairs(b []byte) Pairs {
	if len(b) < 4 || len(b) > maxPairsBytes {
		return nil
	}
	count := binary.LittleEndian.Uint32(b)
	if count > maxPairs || len(b) < 4+int(count)*8 {
		return nil
	}
	lengths, rest := b[4:4+count*8], b[4+count*8:]
	list := make(Pairs, 0, count)
	for ; len(lengths) > 0; lengths = lengths[8:] {
		name, after, good := terminated(rest, binary.LittleEndian.Uint32(lengths))
		if !good {
			return nil
		}
		value, after, good := terminated(after, binary.LittleEndian.Uint32(lengths[4:]))
		if !good {
			return nil
		}
		list, rest = append(list, Pair{string(name), string(value)}), after
	}
	if len(rest) > 0 {
		return nil
	}
	return list
}

func terminated(b []byte, n uint32) (text, rest []byte, good bool) {
	if uint64(n)+1 > uint64(len(b)) || b[n] != 0 {
		return nil, nil, false
	}
	return b[:n], b[n+1:], true
}

// get is the first value of a name.
func (p Pairs) get(name string) (string, bool) {
	for _, f := range p {
		if strings.EqualFold(f.Name, name) {
			return f.Value, true
		}
	}
	return "", false
}
