package cel

import (
	"strconv"

	"github.com/google/cel-go/common/ast"
	"github.com/google/cel-go/common/operators"
	"github.com/google/cel-go/parser"
)

// Step is one part of a condition, with what it came to.
type Step struct {
	// Depth is 0 for the whole condition, 1 for its parts, and so on.
	Depth int
	// Text is the part, as cel-go writes it.
	Text string
	// Value is true or false, a text in quotes or a number; "no value" where the request has none, and for what came to an
	// error by that.
	Value string
}

const noValue = "no value"

// oneLine is a column that no condition reaches, for cel-go, which wraps lines.
const oneLine = 1 << 16

// Explain says why a condition holds or not: each part before its own parts, and last the attributes. All parts are shown,
// also those that Match needs not look at. It takes its time.
func (p *Program) Explain(a Attributes) []Step {
	if p.expr == "" {
		return []Step{{Text: "true", Value: "true"}}
	}
	checked, err := check(p.expr)
	if err != nil {
		return nil // it was compiled before
	}
	x := &explainer{checked: checked, frame: &frame{a: a}}
	x.condition(checked.Expr(), 0)
	return x.steps
}

type explainer struct {
	checked *ast.AST
	frame   *frame
	steps   []Step
}

func (x *explainer) step(e ast.Expr, depth int, value string) {
	text, err := parser.Unparse(e, x.checked.SourceInfo(), parser.WrapOnColumn(oneLine))
	if err != nil {
		text = x.checked.SourceInfo().Description()
	}
	x.steps = append(x.steps, Step{Depth: depth, Text: text, Value: value})
}

func (x *explainer) condition(e ast.Expr, depth int) {
	x.step(e, depth, x.outcome(e))
	for _, part := range parts(e) {
		x.condition(part, depth+1)
	}
	if len(parts(e)) == 0 {
		x.attributes(e, depth+1)
	}
}

func (x *explainer) outcome(e ast.Expr) string {
	part := ast.NewCheckedAST(ast.NewAST(e, x.checked.SourceInfo()), x.checked.TypeMap(), x.checked.ReferenceMap())
	f, err := compile(part)
	if err != nil {
		return noValue + ": " + err.Error()
	}
	switch f(x.frame) {
	case yes:
		return "true"
	case no:
		return "false"
	default:
		return noValue
	}
}

// parts are what && || and ! connect; a && b && c has three.
func parts(e ast.Expr) []ast.Expr {
	if e.Kind() != ast.CallKind {
		return nil
	}
	c := e.AsCall()
	switch name := c.FunctionName(); name {
	case operators.LogicalNot:
		return c.Args()
	case operators.LogicalAnd, operators.LogicalOr:
		return append(same(name, c.Args()[0]), same(name, c.Args()[1])...)
	}
	return nil
}

func same(name string, e ast.Expr) []ast.Expr {
	if e.Kind() == ast.CallKind && e.AsCall().FunctionName() == name {
		return parts(e)
	}
	return []ast.Expr{e}
}

// attributes shows what a part asks of the request.
func (x *explainer) attributes(e ast.Expr, depth int) {
	switch e.Kind() {
	case ast.IdentKind:
		x.step(e, depth, x.value(e))
	case ast.CallKind:
		c := e.AsCall()
		if c.FunctionName() == operators.Index {
			x.step(e, depth, x.value(e))
			x.attributes(c.Args()[1], depth) // a name that is no literal
			return
		}
		if c.IsMemberFunction() {
			x.attributes(c.Target(), depth)
		}
		for _, a := range c.Args() {
			x.attributes(a, depth)
		}
	}
}

func (x *explainer) value(e ast.Expr) string {
	c := &compiler{checked: x.checked}
	if e.Kind() == ast.IdentKind && attributes[e.AsIdent()].kind == number {
		if n, ok := c.number(e)(x.frame); ok {
			return strconv.FormatInt(n, 10)
		}
		return noValue
	}
	if f := c.text(e); !c.rare {
		if s, ok := f(x.frame); ok {
			return strconv.Quote(string(s))
		}
	}
	return noValue
}
