package cel

import (
	"bytes"

	"github.com/google/cel-go/common/ast"
	"github.com/google/cel-go/common/operators"
	"github.com/google/cel-go/common/types"
)

// outcome is a truth value of CEL.
type outcome uint8

const (
	no outcome = iota
	yes
	failed // an error, such as an absent header
)

func truth(b bool) outcome {
	if b {
		return yes
	}
	return no
}

// The closures of the three types. A text or number whose second result is false is an error.
type (
	condition func(f *frame) outcome
	textual   func(f *frame) ([]byte, bool)
	numeric   func(f *frame) (int64, bool)
)

// compiler makes closures of a checked expression. What it does not know makes rare true: cel-go runs the whole then.
type compiler struct {
	checked *ast.AST
	rare    bool
}

func (c *compiler) is(e ast.Expr, t *types.Type) bool {
	return c.checked.GetType(e.ID()).IsExactType(t)
}

func (c *compiler) condition(e ast.Expr) condition {
	switch e.Kind() {
	case ast.LiteralKind:
		o := truth(e.AsLiteral() == types.True)
		return func(*frame) outcome { return o }
	case ast.CallKind:
		return c.call(e.AsCall())
	}
	c.rare = true
	return nil
}

func (c *compiler) call(e ast.CallExpr) condition {
	switch name := e.FunctionName(); name {
	case operators.LogicalAnd:
		return and(c.condition(e.Args()[0]), c.condition(e.Args()[1]))
	case operators.LogicalOr:
		return or(c.condition(e.Args()[0]), c.condition(e.Args()[1]))
	case operators.LogicalNot:
		return not(c.condition(e.Args()[0]))
	case "contains":
		return c.search(e, bytes.Contains)
	case "startsWith":
		return c.search(e, bytes.HasPrefix)
	case "endsWith":
		return c.search(e, bytes.HasSuffix)
	case "matches":
		return c.matches(e)
	default:
		return c.comparison(name, e.Args())
	}
}

// and absorbs an error when the other side is false.
func and(a, b condition) condition {
	return func(f *frame) outcome {
		left := a(f)
		if left == no {
			return no
		}
		if right := b(f); right != yes {
			return right
		}
		return left
	}
}

// or absorbs an error when the other side is true.
func or(a, b condition) condition {
	return func(f *frame) outcome {
		left := a(f)
		if left == yes {
			return yes
		}
		if right := b(f); right != no {
			return right
		}
		return left
	}
}

func not(a condition) condition {
	return func(f *frame) outcome {
		switch a(f) {
		case no:
			return yes
		case yes:
			return no
		default:
			return failed
		}
	}
}

func (c *compiler) search(e ast.CallExpr, holds func(s, part []byte) bool) condition {
	of, what, part := c.texts(e.Target(), e.Args()[0])
	if part != nil {
		constant := []byte(*part)
		return func(f *frame) outcome {
			s, ok := of(f)
			if !ok {
				return failed
			}
			return truth(holds(s, constant))
		}
	}
	return func(f *frame) outcome {
		s, ok := of(f)
		part, okToo := what(f)
		if !ok || !okToo {
			return failed
		}
		return truth(holds(s, part))
	}
}

func (c *compiler) matches(e ast.CallExpr) condition {
	of := c.text(e.Target())
	s, _ := literalText(e.Args()[0])
	p, err := newPattern(s)
	if err != nil {
		c.rare = true
		return nil
	}
	return func(f *frame) outcome {
		s, ok := of(f)
		if !ok {
			return failed
		}
		return truth(p.match(s))
	}
}

// orders say for each comparison whether it holds when the left side is less, equal, greater.
var orders = map[string][3]bool{
	operators.Equals:        {false, true, false},
	operators.NotEquals:     {true, false, true},
	operators.Less:          {true, false, false},
	operators.LessEquals:    {true, true, false},
	operators.Greater:       {false, false, true},
	operators.GreaterEquals: {false, true, true},
}

func (c *compiler) comparison(name string, args []ast.Expr) condition {
	order, known := orders[name]
	switch {
	case !known || len(args) != 2:
	case c.is(args[0], types.StringType) && c.is(args[1], types.StringType):
		a, b, constant := c.texts(args[0], args[1])
		if constant != nil && order[0] == order[2] {
			return equals(a, *constant, truth(order[1]), truth(order[0]))
		}
		return compareTexts(order, a, b)
	case c.is(args[0], types.IntType) && c.is(args[1], types.IntType):
		return compareNumbers(order, c.number(args[0]), c.number(args[1]))
	}
	c.rare = true
	return nil
}

// equals is the frequent comparison: for equality with a text of the condition.
func equals(of textual, constant string, equal, different outcome) condition {
	return func(f *frame) outcome {
		s, ok := of(f)
		switch {
		case !ok:
			return failed
		case string(s) == constant:
			return equal
		default:
			return different
		}
	}
}

func compareTexts(order [3]bool, a, b textual) condition {
	return func(f *frame) outcome {
		left, ok := a(f)
		right, okToo := b(f)
		if !ok || !okToo {
			return failed
		}
		return truth(order[bytes.Compare(left, right)+1])
	}
}

func compareNumbers(order [3]bool, a, b numeric) condition {
	return func(f *frame) outcome {
		left, ok := a(f)
		right, okToo := b(f)
		switch {
		case !ok || !okToo:
			return failed
		case left < right:
			return truth(order[0])
		case left == right:
			return truth(order[1])
		default:
			return truth(order[2])
		}
	}
}
