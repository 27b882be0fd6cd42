package wasm

import (
	"bytes"
	"encoding/binary"
	"errors"
)

// What follows makes endless guests end. wazero can check at each loop whether a call has been given up, but that leaves native
// code each time round, costs a goroutine a call, and misses recursion. So a module gets two globals and a short piece of code at
// the head of every loop and function: it counts down, and every stopEvery times it looks whether the host has set the other global,
// and leaves native code once (memory.grow by 0 does that), so that Go's scheduler and collector are not kept out.

const (
	// stopExport is the global that the watchdog sets.
	stopExport = "spillway_stop"
	// stopEvery is some 5 us. Its unsigned form has bit 6 of the last byte clear, so it is its signed form, too.
	stopEvery = 4096
	// maxGrowth bounds the code with its checks: loops and functions of three bytes each would be twelve times as long. What
	// compilers make grows by a half.
	maxGrowth = 4

	sectionFunction = 3
	sectionMemory   = 5
	sectionGlobal   = 6
	sectionExport   = 7
	sectionStart    = 8
	sectionImport   = 2
	sectionCode     = 10
)

// errNotUnderstood says that a module has something that this does not know. It is not wrong for that.
var errNotUnderstood = errors.New("the module has code that cannot be instrumented")

type wasmSection struct {
	id   byte
	body []byte
}

// instrument gives the module with its checks. An error leaves it to wazero's.
func instrument(code []byte) ([]byte, error) {
	sections, err := split(code)
	if err != nil {
		return nil, err
	}
	globals, fits, err := countGlobals(sections)
	if err != nil || !fits {
		return nil, errNotUnderstood
	}
	out := append([]byte(nil), code[:headerSize]...)
	seen := byte(0)
	for _, s := range sections {
		if s.id != 0 && s.id > seen && s.id != 12 && s.id != 13 { // data count and tags stand out of order
			if seen < sectionGlobal && s.id > sectionGlobal {
				out = appendSection(out, sectionGlobal, appendGlobals(nil, 0))
			}
			if seen < sectionExport && s.id > sectionExport {
				return nil, errNotUnderstood // a plugin exports something
			}
			seen = s.id
		}
		switch s.id {
		case sectionGlobal:
			n, body := uvarintOf(s.body)
			s.body = appendGlobals(body, n)
		case sectionExport:
			n, body := uvarintOf(s.body)
			s.body = appendExport(body, n, globals+1)
		case sectionCode:
			if s.body, err = instrumentCode(s.body, globals); err != nil {
				return nil, err
			}
		}
		out = appendSection(out, s.id, s.body)
	}
	return out, nil
}

func split(code []byte) ([]wasmSection, error) {
	var list []wasmSection
	for at := headerSize; at < len(code); {
		size, n := binary.Uvarint(code[at+1:])
		body := at + 1 + max(n, 0)
		if n <= 0 || size > uint64(len(code)-body) {
			return nil, errCutShort
		}
		list = append(list, wasmSection{code[at], code[body : body+int(size)]})
		at = body + int(size)
	}
	return list, nil
}

// countGlobals is the index of the first new global. fits: there is a memory and code, and nothing runs before the module is there.
func countGlobals(sections []wasmSection) (n uint64, fits bool, err error) {
	memory, body := false, false
	for _, s := range sections {
		switch s.id {
		case sectionImport:
			more, err := importedGlobals(s.body)
			if err != nil {
				return 0, false, err
			}
			n += more
		case sectionGlobal:
			count, _ := uvarintOf(s.body)
			n += count
		case sectionMemory:
			memory = true
		case sectionCode:
			body = true
		case sectionStart:
			return 0, false, nil
		}
	}
	return n, memory && body, nil
}

// importedGlobals counts globals among imports. Hosts of plugins have functions only.
func importedGlobals(section []byte) (uint64, error) {
	r := reader{p: section}
	for range r.uvarint() {
		r.skip(r.uvarint())
		r.skip(r.uvarint())
		if r.byte() != 0 || r.failed {
			return 0, errNotUnderstood
		}
		r.uvarint()
	}
	return 0, nil
}

func uvarintOf(b []byte) (uint64, []byte) {
	n, size := binary.Uvarint(b)
	return n, b[max(size, 0):]
}

func appendSection(out []byte, id byte, body []byte) []byte {
	out = binary.AppendUvarint(append(out, id), uint64(len(body)))
	return append(out, body...)
}

// appendGlobals adds the countdown, the sign to stop and a place for a size, all i32 and 0.
func appendGlobals(body []byte, n uint64) []byte {
	out := append(binary.AppendUvarint(nil, n+3), body...)
	return append(out, bytes.Repeat([]byte{0x7f, 0x01, 0x41, 0x00, 0x0b}, 3)...)
}

func appendExport(body []byte, n, global uint64) []byte {
	out := append(binary.AppendUvarint(nil, n+1), body...)
	out = append(binary.AppendUvarint(out, uint64(len(stopExport))), stopExport...)
	return binary.AppendUvarint(append(out, 0x03), global)
}

// checks are the pieces of code that a module gets. They leave the stack as it is.
type checks struct {
	// head stands at the head of loops and functions.
	head []byte
	// keep and charge stand around an instruction that moves memory or a table: a kilobyte, or as many entries, counts as a loop.
	keep, charge []byte
}

// newChecks makes the pieces for the globals that begin at countdown: it, the sign to stop, and a place for a size.
func newChecks(countdown uint64) checks {
	global := func(op byte, i uint64) []byte { return binary.AppendUvarint([]byte{op}, i) }
	const get, set = 0x23, 0x24
	c := append(global(get, countdown), 0x41, 0x01, 0x48, 0x04, 0x40) // global.get, i32.const 1, i32.lt_s, if
	c = append(append(c, global(get, countdown+1)...), 0x04, 0x40, 0x00, 0x0b)
	c = binary.AppendUvarint(append(c, 0x41), stopEvery) // i32.const
	c = append(append(c, global(set, countdown)...), 0x41, 0x00, 0x40, 0x00, 0x1a, 0x0b)
	c = append(append(c, global(get, countdown)...), 0x41, 0x01, 0x6b)
	c = append(c, global(set, countdown)...)

	keep := append(global(set, countdown+2), global(get, countdown+2)...)
	charge := append(global(get, countdown), global(get, countdown+2)...)
	charge = append(charge, 0x41, 0x0a, 0x76, 0x6b) // i32.const 10, i32.shr_u, i32.sub
	return checks{c, keep, append(charge, global(set, countdown)...)}
}

func instrumentCode(section []byte, countdown uint64) ([]byte, error) {
	r := reader{p: section}
	n := r.uvarint()
	pieces := newChecks(countdown)
	out := binary.AppendUvarint(make([]byte, 0, 2*len(section)), n)
	var body []byte
	for range n {
		size := r.uvarint()
		if r.failed || size > uint64(len(r.p)) {
			return nil, errCutShort
		}
		var err error
		if body, err = pieces.body(body[:0], r.p[:size]); err != nil {
			return nil, err
		}
		out = append(binary.AppendUvarint(out, uint64(len(body))), body...)
		if len(out) > maxGrowth*len(section)+pageSize {
			return nil, errNotUnderstood
		}
		r.p = r.p[size:]
	}
	return out, nil
}

const (
	opLoop     = 0x03
	opPrefixed = 0xfc
)

// isBulk reports whether an instruction of the prefix may take as long as thousands of others: it moves memory or a table.
func isBulk(p []byte) bool {
	r := reader{p: p}
	op := r.uvarint()
	return op == 8 || op == 10 || op == 11 || op == 12 || op == 14 || op == 15 || op == 17
}

// instrumentBody copies a function with its checks: a piece at its head and at that of each loop, others around what takes long.
func (c checks) body(out, body []byte) ([]byte, error) {
	r := reader{p: body}
	for range r.uvarint() { // locals
		r.uvarint()
		if r.byte(); r.failed {
			return nil, errCutShort // the count may be anything
		}
	}
	out = append(append(out, body[:len(body)-len(r.p)]...), c.head...)
	for len(r.p) > 0 && !r.failed {
		before := r.p
		op := r.byte()
		if !r.immediates(op) {
			return nil, errNotUnderstood
		}
		bulk := op == opPrefixed && isBulk(before[1:])
		if bulk {
			out = append(out, c.keep...)
		}
		out = append(out, before[:len(before)-len(r.p)]...)
		switch {
		case bulk:
			out = append(out, c.charge...)
		case op == opLoop:
			out = append(out, c.head...)
		}
	}
	if r.failed {
		return nil, errCutShort
	}
	return out, nil
}
