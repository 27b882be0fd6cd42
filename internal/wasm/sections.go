package wasm

import "slices"

// arity is how many values a function type takes and gives.
type arity struct{ parameters, results int }

// maxArity bounds a function's parameters and its results: what browsers allow, and more than compilers make.
const maxArity = 1000

const (
	sectionCustom = 0
	sectionType   = 1
	customName    = "name"
	// functionNames is the part of the name section with what stack traces show.
	functionNames = 1
)

// withoutCustom leaves of the custom sections the names of functions: wazero searches the names of locals once for each function,
// and what tools add is of no use here.
func withoutCustom(code []byte) ([]byte, error) {
	sections, err := split(code)
	if err != nil {
		return nil, err
	}
	out := slices.Clone(code[:headerSize])
	for _, s := range sections {
		switch {
		case s.id != sectionCustom:
			out = appendSection(out, s.id, s.body)
		case isName(s):
			out = appendSection(out, s.id, withoutLocals(s.body))
		}
	}
	return out, nil
}

func isName(s wasmSection) bool {
	r := reader{p: s.body}
	n := r.uvarint()
	return n == uint64(len(customName)) && len(r.p) >= len(customName) && string(r.p[:n]) == customName
}

// withoutLocals is a name section with the names of functions alone; it is left as it is if it is in no form that is known.
func withoutLocals(body []byte) []byte {
	r := reader{p: body}
	r.skip(r.uvarint()) // the length may be padded
	head := append([]byte{byte(len(customName))}, customName...)
	out := slices.Clone(head)
	for len(r.p) > 0 {
		before := r.p
		id := r.byte()
		r.skip(r.uvarint())
		if r.failed {
			return head // names are no reason to refuse a module
		}
		if id == functionNames {
			out = append(out, before[:len(before)-len(r.p)]...)
		}
	}
	return out
}

// typesOf reads a type section; ok is false if it is in a form that wazero refuses by itself.
func typesOf(section []byte) (types []arity, ok bool) {
	r := reader{p: section}
	for range r.uvarint() {
		if r.byte() != 0x60 {
			return nil, false
		}
		in := r.uvarint()
		r.skip(in)
		out := r.uvarint()
		r.skip(out)
		if r.failed {
			return nil, false
		}
		types = append(types, arity{int(in), int(out)})
	}
	return types, true
}

// importedFunctions are the types of what is imported; ok is false if something is no function. A section in a form that wazero
// refuses by itself is read as far as it goes.
func importedFunctions(section []byte) (types []uint64, ok bool) {
	r := reader{p: section}
	for range r.uvarint() {
		r.skip(r.uvarint())
		r.skip(r.uvarint())
		switch kind := r.byte(); {
		case r.failed:
			return types, true
		case kind != 0:
			return nil, false
		}
		types = append(types, r.uvarint())
	}
	return types, true
}

// indices reads a section that is a list of numbers.
func indices(section []byte) (list []uint64) {
	r := reader{p: section}
	for range r.uvarint() {
		i := r.uvarint()
		if r.failed {
			break
		}
		list = append(list, i)
	}
	return list
}
