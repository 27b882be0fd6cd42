package geo

import (
	"encoding/binary"
	"math"
	"net/netip"
)

// written is a database in MaxMind's format (version 2.0 of its specification) in the making: enough of it for tests.
type written struct {
	nodes [][2]int // a node's number, or ^index of a record; 0 is none
	data  []byte
	at    []int // of each record in data
}

func newWritten() *written { return &written{nodes: make([][2]int, 1)} }

// put gives a network a record. Networks must not lie in one another.
func (w *written) put(network string, record any) *written {
	prefix := netip.MustParsePrefix(network)
	bits, address := prefix.Bits(), prefix.Addr().As16()
	if prefix.Addr().Is4() {
		four := prefix.Addr().As4()
		bits, address = bits+96, [16]byte{}
		copy(address[12:], four[:])
	}
	w.at = append(w.at, len(w.data))
	w.data = appendValue(w.data, record)
	node := 0
	for i := range bits {
		side := int(address[i/8]>>(7-i%8)) & 1
		if i == bits-1 {
			w.nodes[node][side] = ^(len(w.at) - 1)
			break
		}
		if w.nodes[node][side] == 0 {
			w.nodes = append(w.nodes, [2]int{})
			w.nodes[node][side] = len(w.nodes) - 1
		}
		node = w.nodes[node][side]
	}
	return w
}

// bytes is the file.
func (w *written) bytes() []byte {
	var out []byte
	n := len(w.nodes)
	for _, node := range w.nodes {
		for _, side := range node {
			value := side
			switch {
			case side == 0:
				value = n
			case side < 0:
				value = n + 16 + w.at[^side]
			}
			out = append(out, byte(value>>16), byte(value>>8), byte(value))
		}
	}
	out = append(out, make([]byte, 16)...)
	out = append(out, w.data...)
	out = append(out, "\xab\xcd\xefMaxMind.com"...)
	return appendValue(out, pairs{
		{"node_count", uint32(n)},
		{"record_size", uint32(24)},
		{"ip_version", uint32(6)},
		{"database_type", "Test-City"},
		{"binary_format_major_version", uint32(2)},
		{"binary_format_minor_version", uint32(0)},
		{"build_epoch", uint32(1)},
		{"languages", []any{"en"}},
		{"description", pairs{}},
	})
}

// pairs are a map in order.
type pairs []struct {
	name  string
	value any
}

func appendValue(dst []byte, v any) []byte {
	const kindString, kindDouble, kindUint32, kindMap, kindArray = 2, 3, 6, 7, 11
	switch v := v.(type) {
	case string:
		return append(appendControl(dst, kindString, len(v)), v...)
	case float64:
		return binary.BigEndian.AppendUint64(appendControl(dst, kindDouble, 8), math.Float64bits(v))
	case uint32:
		return binary.BigEndian.AppendUint32(appendControl(dst, kindUint32, 4), v)
	case []any:
		dst = appendControl(dst, kindArray, len(v))
		for _, e := range v {
			dst = appendValue(dst, e)
		}
	case pairs:
		dst = appendControl(dst, kindMap, len(v))
		for _, e := range v {
			dst = appendValue(appendValue(dst, e.name), e.value)
		}
	}
	return dst
}

// appendControl is for sizes below 29, or strings below 285.
func appendControl(dst []byte, kind, size int) []byte {
	first, more := size, []byte(nil)
	if size >= 29 {
		first, more = 29, []byte{byte(size - 29)}
	}
	if kind > 7 {
		return append(append(dst, byte(first), byte(kind-7)), more...)
	}
	return append(append(dst, byte(kind<<5|first)), more...)
}
