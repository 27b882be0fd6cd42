package cel

import (
	celgo "github.com/google/cel-go/cel"
	"github.com/google/cel-go/common/ast"
	"github.com/google/cel-go/common/types"
	"github.com/google/cel-go/common/types/ref"
	"github.com/google/cel-go/common/types/traits"
	"github.com/google/cel-go/interpreter"
)

// runtimeCost bounds what cel-go may spend on one evaluation, in its own units.
const runtimeCost = 1 << 20

// fallback runs on cel-go what is not worth a closure. It allocates.
func fallback(checked *ast.AST) (condition, error) {
	env, err := language()
	if err != nil {
		return nil, err
	}
	program, err := env.PlanProgram(checked, celgo.CostLimit(runtimeCost))
	if err != nil {
		return nil, err
	}
	return func(f *frame) outcome {
		v, _, err := program.Eval(activation{f})
		if b, ok := v.(types.Bool); err == nil && ok {
			return truth(bool(b))
		}
		return failed
	}, nil
}

// activation shows attributes to cel-go.
type activation struct{ f *frame }

var _ interpreter.Activation = activation{}

// Parent implements interpreter.Activation.
func (activation) Parent() interpreter.Activation { return nil }

// ResolveName implements interpreter.Activation.
func (v activation) ResolveName(name string) (any, bool) {
	a, known := attributes[name]
	switch {
	case !known || a.never != "":
		return nil, false
	case a.kind == fields:
		return headers{Mapper: noHeaders, f: v.f}, true
	case a.kind == number:
		n, ok := a.number(v.f)
		return types.Int(n), ok
	}
	b, ok := a.text(v.f)
	return types.String(b), ok
}

var noHeaders = types.NewStringStringMap(types.DefaultTypeAdapter, nil)

// headers is the map of a request's fields. It is only ever indexed: the subset has no other use of it.
type headers struct {
	traits.Mapper
	f *frame
}

// Find implements traits.Mapper.
func (h headers) Find(key ref.Val) (ref.Val, bool) {
	name, ok := key.(types.String)
	if !ok {
		return nil, false
	}
	get := field(string(name))
	b, ok := get(h.f)
	return types.String(b), ok
}

// Get implements traits.Mapper.
func (h headers) Get(key ref.Val) ref.Val {
	if v, ok := h.Find(key); ok {
		return v
	}
	return types.NewErr("no such key: %v", key)
}
