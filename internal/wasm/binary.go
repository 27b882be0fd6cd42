package wasm

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
)

const (
	magic        = "\x00asm"
	headerSize   = 8
	sectionTable = 4
)

var errCutShort = errors.New("the module is cut short or damaged")

// checkHeader says what the bytes are, if they are no core module.
func checkHeader(code []byte) error {
	switch {
	case len(code) == 0:
		return errors.New("the file is empty")
	case bytes.HasPrefix(code, []byte("\x1f\x8b")):
		return errors.New("this is a gzip archive: unpack it, or push the image as it is")
	case bytes.HasPrefix(code, []byte("\x7fELF")):
		return errors.New("this is a program for Linux: build for WebAssembly (GOOS=wasip1 GOARCH=wasm, or --target wasm32-wasip1)")
	case bytes.HasPrefix(code, []byte("(module")):
		return errors.New("this is WebAssembly text: translate it first (wat2wasm)")
	case len(code) < headerSize && bytes.HasPrefix(code, []byte(magic)):
		return errCutShort
	case !bytes.HasPrefix(code, []byte(magic)):
		return fmt.Errorf("this is no WebAssembly module: it begins with %q", code[:min(len(code), headerSize)])
	}
	switch version := binary.LittleEndian.Uint32(code[4:]); {
	case version == 1:
		return nil
	case version>>16 == 1:
		return errors.New("this is a WebAssembly component: proxy-wasm wants a core module (for Rust, crate-type cdylib and target wasm32-wasip1)")
	default:
		return fmt.Errorf("WebAssembly version %d is not known", version)
	}
}

// limitTables gives every table a maximum, because a guest could otherwise make the host allocate a gigabyte. Modules
// without tables, or whose tables have small limits, are given back as they are.
func limitTables(code []byte) ([]byte, error) {
	for at := headerSize; at < len(code); {
		id := code[at]
		size, n := binary.Uvarint(code[at+1:])
		body := at + 1 + max(n, 0)
		if n <= 0 || size > uint64(len(code)-body) {
			return nil, errCutShort
		}
		end := body + int(size)
		if id == sectionTable {
			limited, err := limitedTables(code[body:end])
			if err != nil || limited == nil {
				return code, err
			}
			out := append(bytes.Clone(code[:at]), sectionTable)
			out = binary.AppendUvarint(out, uint64(len(limited)))
			return append(append(out, limited...), code[end:]...), nil
		}
		at = end
	}
	return code, nil
}

// limitedTables is the section with its maxima, nil if it is in a form that wazero refuses by itself.
func limitedTables(section []byte) ([]byte, error) {
	r := reader{p: section}
	tables := r.uvarint()
	if tables > maxTables {
		return nil, fmt.Errorf("the module has %d tables, more than the limit of %d", tables, maxTables)
	}
	out := binary.AppendUvarint(nil, tables)
	for range tables {
		kind, flags := r.byte(), r.byte()
		if r.failed || flags > 1 {
			return nil, nil
		}
		least := r.uvarint()
		most := uint64(maxTable)
		if flags == 1 {
			most = min(most, r.uvarint())
		}
		if r.failed {
			return nil, nil
		}
		if least > maxTable {
			return nil, fmt.Errorf("a table of %d entries is more than %d", least, maxTable)
		}
		out = append(out, kind, 1)
		out = binary.AppendUvarint(binary.AppendUvarint(out, least), max(most, least))
	}
	if len(r.p) > 0 {
		return nil, nil
	}
	return out, nil
}

// reader reads a section; failed is set when there is less than it wants.
type reader struct {
	p      []byte
	failed bool
}

func (r *reader) byte() byte {
	if len(r.p) == 0 {
		r.failed = true
		return 0
	}
	b := r.p[0]
	r.p = r.p[1:]
	return b
}

func (r *reader) uvarint() uint64 {
	v, n := binary.Uvarint(r.p)
	if n <= 0 {
		r.failed, r.p = true, nil
		return 0
	}
	r.p = r.p[n:]
	return v
}
