package wasm

import (
	"errors"
	"fmt"
	"time"
)

// What compiling costs. wazero's compiler takes time that grows with the square of a function's basic blocks (dominators, nests
// of loops), with blocks times the values that are alive across them (phis, registers), and with blocks times the square of
// those. A hundred kilobytes can so keep it busy for hours, and a deadline is only looked at between functions. So a function's
// cost is estimated beforehand. The constants were measured on a machine of 2026 with two busy cores: what is estimated at
// maxFunctionTime takes 2 to 17 s there. Of gofmt, a module of 5 MB, the largest function is estimated at 0.06 s; of the 20,000
// functions of Go's compiler one is at 6.5 s, the next at 4.

const (
	// maxFunctionTime bounds the estimate of one function.
	maxFunctionTime = 8 * time.Second
	// maxExports bounds a module's exports: wazero compares each function with each of them.
	maxExports = 2000
	// maxFunctions bounds a module's functions, for the same reason.
	maxFunctions = 1_000_000
)

// weight is what a function consists of.
type weight struct {
	blocks, loops int
	// values may be alive across a block: locals that are used, and the deepest operand stack at a block.
	values int
	// carried are the values that blocks, branches and calls hand over.
	carried int
	bytes   int
}

// time estimates how long wazero compiles it.
func (w weight) time() time.Duration {
	b, l, v := float64(w.blocks), float64(w.loops), float64(w.values)
	ns := 10*b*b + 50*b*v + 300*l*v + (l+b/5)*v*v + 100*float64(w.carried) + 500*float64(w.bytes)
	return time.Duration(min(ns, 1e18))
}

// check says in words what there is too much of.
func (w weight) check(name string) error {
	if t := w.time(); t > maxFunctionTime {
		return fmt.Errorf("%s has %d basic blocks, %d loops and %d values that may be alive across them in %d bytes of code: compiling it"+
			" would take too long; split it, or have the compiler inline less", name, w.blocks, w.loops, w.values, w.bytes)
	}
	return nil
}

// scales weighs the functions of one module.
type scales struct {
	types     []arity
	functions []uint64 // the type of each, imports first
}

// newScales reads what weighing needs. An error is in words.
func newScales(sections []wasmSection) (*scales, error) {
	s := &scales{}
	for _, x := range sections {
		switch x.id {
		case sectionType:
			types, ok := typesOf(x.body)
			if !ok {
				return nil, errCutShort
			}
			s.types = types
		case sectionImport:
			functions, ok := importedFunctions(x.body)
			if !ok {
				return nil, errors.New("the module imports something that is no function: hosts of plugins have functions only")
			}
			s.functions = functions
		case sectionFunction:
			s.functions = append(s.functions, indices(x.body)...)
		case sectionExport:
			if n, _ := uvarintOf(x.body); n > maxExports {
				return nil, fmt.Errorf("the module exports more than %d things", maxExports)
			}
		}
	}
	if len(s.functions) > maxFunctions {
		return nil, fmt.Errorf("the module has %d functions, more than the limit of %d", len(s.functions), maxFunctions)
	}
	for i, t := range s.types {
		if max(t.parameters, t.results) > maxArity {
			return nil, fmt.Errorf("type %d has %d parameters and %d results, more than the limit of %d", i, t.parameters, t.results, maxArity)
		}
	}
	return s, nil
}

// checkWeight refuses modules of which one function would keep the compiler busy.
func checkWeight(code []byte) error {
	sections, err := split(code)
	if err != nil {
		return err
	}
	s, err := newScales(sections)
	if err != nil {
		return err
	}
	for _, x := range sections {
		if x.id != sectionCode {
			continue
		}
		r := reader{p: x.body}
		n := r.uvarint()
		first := uint64(len(s.functions)) - min(n, uint64(len(s.functions)))
		for i := range n {
			size := r.uvarint()
			if r.failed || size > uint64(len(r.p)) {
				return errCutShort
			}
			if err := s.function(first+i, r.p[:size]); err != nil {
				return err
			}
			r.p = r.p[size:]
		}
	}
	return nil
}

func (s *scales) function(i uint64, body []byte) error {
	name := fmt.Sprintf("function %d", i)
	w, err := s.weigh(s.typeOf(i), body)
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return w.check(name)
}

// typeOf is a function's type; the empty one if there is none.
func (s *scales) typeOf(function uint64) arity {
	if function >= uint64(len(s.functions)) {
		return arity{}
	}
	return s.typeAt(s.functions[function])
}

func (s *scales) typeAt(i uint64) arity {
	if i >= uint64(len(s.types)) {
		return arity{}
	}
	return s.types[i]
}
