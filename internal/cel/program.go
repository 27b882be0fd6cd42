package cel

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/google/cel-go/common/ast"
	"github.com/google/cel-go/common/types"
)

// MaxLength is the documented limit of a matcher, and of all matchers of a chain together, in characters.
const MaxLength = 512

// maxSteps bounds what a condition costs for each byte of what it looks at: instructions of its regular expressions.
const maxSteps = 1000

// Program is a compiled condition. It is never changed.
type Program struct {
	expr      string
	condition condition
	warnings  []string
}

// Compile compiles a condition. Its errors are *Error. An empty one holds for every request.
func Compile(expr string) (*Program, error) {
	p := &Program{expr: expr}
	if expr == "" {
		p.condition = func(*frame) outcome { return yes }
		return p, nil
	}
	checked, err := check(expr)
	if err != nil {
		return nil, err
	}
	if t := checked.GetType(checked.Expr().ID()); !t.IsExactType(types.BoolType) {
		return nil, &Error{Reason: fmt.Sprintf("the condition is %s, neither true nor false: compare it, as with == 'text'", typeName(t))}
	}
	if p.condition, err = compile(checked); err != nil {
		return nil, &Error{Reason: err.Error()}
	}
	p.warnings = warnings(checked)
	return p, nil
}

// Match reports whether the condition holds.
func (p *Program) Match(a Attributes) bool {
	f := frames.Get().(*frame)
	f.a = a
	o := p.condition(f)
	f.release()
	return o == yes
}

// String is the condition's text.
func (p *Program) String() string { return p.expr }

// Warnings say which parts of the condition can never hold.
func (p *Program) Warnings() []string { return p.warnings }

// Join makes the one condition of a chain of its matchers, of which one has to hold. An empty one holds always.
func Join(exprs ...string) (string, error) {
	parts := slices.Clone(exprs)
	for i, e := range parts {
		if e == "" {
			return "", nil
		}
		if len(exprs) > 1 {
			parts[i] = "(" + e + ")"
		}
	}
	joined := strings.Join(parts, " || ")
	if n := utf8.RuneCountInString(joined); n > MaxLength {
		return "", &Error{Reason: fmt.Sprintf("the matchers of the chain have %d characters together, at most %d are allowed", n, MaxLength)}
	}
	return joined, nil
}

// check parses a condition, refuses what the subset has not, and checks the types.
func check(expr string) (*ast.AST, error) {
	if n := utf8.RuneCountInString(expr); n > MaxLength {
		return nil, &Error{Reason: fmt.Sprintf("the condition has %d characters, at most %d are allowed", n, MaxLength)}
	}
	if err := checkQuotes(expr); err != nil {
		return nil, err
	}
	env, err := language()
	if err != nil {
		return nil, &Error{Reason: err.Error()}
	}
	parsed, issues := env.Parse(expr)
	if issues.Err() != nil {
		return nil, syntaxError(issues)
	}
	native := parsed.NativeRep()
	if err := (subset{native.SourceInfo()}).expr(native.Expr()); err != nil {
		return nil, err
	}
	if n := steps(native.Expr()); n > maxSteps {
		return nil, &Error{Reason: fmt.Sprintf("the regular expressions cost %d steps for each character, at most %d are allowed: make repetitions shorter", n, maxSteps)}
	}
	checked, issues := env.Check(parsed)
	if issues.Err() != nil {
		return nil, typeError(issues)
	}
	return checked.NativeRep(), nil
}

// compile makes the closure of a checked expression that is true or false.
func compile(checked *ast.AST) (condition, error) {
	c := &compiler{checked: checked}
	if f := c.condition(checked.Expr()); !c.rare {
		return f, nil
	}
	if literal, found := otherwiseHost(checked.Expr()); found {
		return nil, &Error{Reason: fmt.Sprintf("a condition with + or / cannot compare the host with %q: write it in lower case and without a port", literal)}
	}
	return fallback(checked)
}

// otherwiseHost is a literal that is compared with the host, and that cel-go would compare otherwise than closures do: letters in
// upper case, or a port, would evade the condition.
func otherwiseHost(e ast.Expr) (literal string, found bool) {
	compared := func(x, y ast.Expr) {
		if s, ok := literalText(y); ok && isHost(x) && !found && (string(lowered(nil, s)) != s || hasPort(s)) {
			literal, found = s, true
		}
	}
	each(e, func(e ast.Expr) {
		if e.Kind() != ast.CallKind {
			return
		}
		operands := e.AsCall().Args()
		if e.AsCall().IsMemberFunction() {
			operands = append([]ast.Expr{e.AsCall().Target()}, operands...)
		}
		if len(operands) == 2 {
			compared(operands[0], operands[1])
			compared(operands[1], operands[0])
		}
	})
	return literal, found
}

// each visits an expression and those in it.
func each(e ast.Expr, visit func(ast.Expr)) {
	ast.PostOrderVisit(e, ast.NewExprVisitor(visit))
}

// steps sums up what the regular expressions cost.
func steps(e ast.Expr) (n int) {
	each(e, func(e ast.Expr) {
		if e.Kind() == ast.CallKind && e.AsCall().FunctionName() == "matches" {
			p, _ := literalText(e.AsCall().Args()[0])
			n += instructions(p)
		}
	})
	return n
}
