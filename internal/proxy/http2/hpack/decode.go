package hpack

import (
	"errors"
	"io"

	"github.com/spillway-lb/spillway/internal/proxy/header"
	xhpack "golang.org/x/net/http2/hpack"
)

// ErrMalformed is a header block that no encoder may send. The connection's compression state is lost.
var ErrMalformed = errors.New("hpack: malformed header block")

// Sink receives the fields of a block in order. name and value are valid during the call only, but for the name of a
// known id, which is id.Name(). An error ends decoding; the compression state is lost then.
type Sink interface {
	Field(id header.ID, name, value []byte) error
}

// Decoder is the reading half of a connection's compression state.
type Decoder struct {
	table   table
	allowed uint32
	name    scratch
	value   scratch
}

// NewDecoder makes a decoder whose table the peer may let grow to size bytes, as announced in SETTINGS.
func NewDecoder(size uint32) *Decoder {
	return &Decoder{table: table{max: size}, allowed: size}
}

// scratch collects a decoded string.
type scratch struct{ b []byte }

func (s *scratch) Write(p []byte) (int, error) {
	s.b = append(s.b, p...)
	return len(p), nil
}

// Decode decodes one whole header block.
func (d *Decoder) Decode(block []byte, sink Sink) error {
	sizeUpdates := 0
	first := true
	for len(block) > 0 {
		b := block[0]
		var err error
		switch {
		case b&0x80 != 0:
			block, err = d.indexed(block, sink)
		case b&0xe0 == 0x20:
			// At most two, and only before the first field: RFC 7541 section 4.2.
			if sizeUpdates++; !first || sizeUpdates > 2 {
				return ErrMalformed
			}
			block, err = d.sizeUpdate(block)
			if err != nil {
				return err
			}
			continue
		case b&0xc0 == 0x40:
			block, err = d.literal(block, 6, true, sink)
		default:
			block, err = d.literal(block, 4, false, sink)
		}
		if err != nil {
			return err
		}
		first = false
	}
	return nil
}

func (d *Decoder) sizeUpdate(p []byte) ([]byte, error) {
	size, p, err := readInt(p, 5)
	if err != nil || size > d.allowed {
		return nil, ErrMalformed
	}
	d.table.setMax(size)
	return p, nil
}

func (d *Decoder) indexed(p []byte, sink Sink) ([]byte, error) {
	i, p, err := readInt(p, 7)
	if err != nil {
		return nil, err
	}
	id, name, value, ok := d.lookup(i)
	if !ok {
		return nil, ErrMalformed
	}
	return p, sink.Field(id, name, value)
}

func (d *Decoder) literal(p []byte, prefix uint, index bool, sink Sink) ([]byte, error) {
	i, p, err := readInt(p, prefix)
	if err != nil {
		return nil, err
	}
	var id header.ID
	var name, value []byte
	if i > 0 {
		var ok bool
		if id, name, _, ok = d.lookup(i); !ok {
			return nil, ErrMalformed
		}
		if index && id == header.Other && i > staticLen {
			// The name lives in the table, which the insertion below may move.
			d.name.b = append(d.name.b[:0], name...)
			name = d.name.b
		}
	} else {
		if name, p, err = readString(p, &d.name); err != nil {
			return nil, err
		}
		if id = header.Lookup(name); id != header.Other {
			name = id.Name()
		}
	}
	if value, p, err = readString(p, &d.value); err != nil {
		return nil, err
	}
	if index {
		d.table.add(id, 0, name, value)
	}
	return p, sink.Field(id, name, value)
}

func (d *Decoder) lookup(i uint32) (id header.ID, name, value []byte, ok bool) {
	if i == 0 {
		return 0, nil, nil, false
	}
	if i <= staticLen {
		f := &static[i]
		return f.id, f.name, f.value, true
	}
	i -= staticLen
	if i > d.table.count {
		return 0, nil, nil, false
	}
	e := d.table.at(d.table.inserted - i + 1)
	name = d.table.name(e)
	if e.id != header.Other {
		name = e.id.Name()
	}
	return e.id, name, d.table.value(e), true
}

// readInt reads an integer with an n-bit prefix, RFC 7541 section 5.1. More than 32 bits are refused.
func readInt(p []byte, n uint) (uint32, []byte, error) {
	if len(p) == 0 {
		return 0, nil, ErrMalformed
	}
	mask := uint32(1)<<n - 1
	v := uint32(p[0]) & mask
	p = p[1:]
	if v < mask {
		return v, p, nil
	}
	for shift := uint(0); len(p) > 0 && shift <= 21; shift += 7 {
		b := p[0]
		p = p[1:]
		v += uint32(b&0x7f) << shift
		if b&0x80 == 0 {
			return v, p, nil
		}
	}
	return 0, nil, ErrMalformed
}

// readString reads a string literal. A plain one is a slice of p, a Huffman-coded one is decoded into s.
func readString(p []byte, s *scratch) (v, rest []byte, err error) {
	if len(p) == 0 {
		return nil, nil, ErrMalformed
	}
	huffman := p[0]&0x80 != 0
	n, p, err := readInt(p, 7)
	if err != nil || uint64(n) > uint64(len(p)) {
		return nil, nil, ErrMalformed
	}
	v, rest = p[:n:n], p[n:]
	if !huffman {
		return v, rest, nil
	}
	s.b = s.b[:0]
	if _, err := xhpack.HuffmanDecode(io.Writer(s), v); err != nil {
		return nil, nil, ErrMalformed
	}
	return s.b, rest, nil
}
