package cel

import (
	"slices"
	"strings"

	"github.com/google/cel-go/common"
	"github.com/google/cel-go/common/ast"
	"github.com/google/cel-go/common/operators"
	"github.com/google/cel-go/common/types"
)

// allowedOperators are by cel-go's names.
var allowedOperators = []string{
	operators.Equals, operators.NotEquals, operators.LogicalAnd, operators.LogicalOr, operators.LogicalNot,
	operators.Less, operators.LessEquals, operators.Greater, operators.GreaterEquals, operators.Index,
	operators.Add, operators.Divide, // GKE's CRD lets them through
}

// allowedMembers are the functions that are written behind a text, and how many arguments they have.
var allowedMembers = map[string]int{
	"contains": 1, "startsWith": 1, "endsWith": 1, "matches": 1, "lower": 0, "upper": 0, "lowerAscii": 0, "upperAscii": 0,
}

const integer = "int"

var arguments = []string{"no argument", "one argument"}

// subset refuses what is outside of the documented language, in the order of the text.
type subset struct{ info *ast.SourceInfo }

func (s subset) expr(e ast.Expr) error {
	switch e.Kind() {
	case ast.LiteralKind:
		return s.literal(e)
	case ast.IdentKind, ast.SelectKind:
		return s.attribute(e)
	case ast.CallKind:
		return s.call(e, e.AsCall())
	case ast.ListKind:
		return s.refuse(e, "lists cannot be used in a match condition: write a == 'x' || a == 'y'")
	default:
		return s.refuse(e, "maps and messages cannot be used in a match condition")
	}
}

func (s subset) refuse(e ast.Expr, format string, args ...any) error {
	return errorAt(begin(s.info, e), format, args...)
}

func (s subset) literal(e ast.Expr) error {
	switch e.AsLiteral().(type) {
	case types.String, types.Int, types.Bool:
		return nil
	case types.Bytes:
		return s.refuse(e, "byte strings cannot be used in a match condition: write the text without the b before it")
	case types.Null:
		return s.refuse(e, "null cannot be used in a match condition: an absent header never matches, so there is nothing to ask")
	default:
		return s.refuse(e, "only whole numbers can be used in a match condition, written like 8080")
	}
}

// dotted is the name that a chain of selections spells; empty if it is none.
func dotted(e ast.Expr) string {
	switch e.Kind() {
	case ast.IdentKind:
		return e.AsIdent()
	case ast.SelectKind:
		if x := e.AsSelect(); dotted(x.Operand()) != "" {
			return dotted(x.Operand()) + "." + x.FieldName()
		}
	}
	return ""
}

func (s subset) attribute(e ast.Expr) error {
	name := dotted(e)
	a, known := attributes[name]
	switch {
	case known && a.kind == fields:
		return s.refuse(e, "%s is used with the name of a header: write %s['name']", name, name)
	case known:
		return nil
	case name == "":
		return s.refuse(e, "a field can only be taken of request, source and connection; for a header write request.headers['name']")
	}
	for _, prefix := range []string{"request.headers.", "response.headers."} {
		if key, found := strings.CutPrefix(name, prefix); found {
			return s.refuse(e, "headers are asked for by index: write %s['%s']", strings.TrimSuffix(prefix, "."), key)
		}
	}
	if of, last, found := cutLast(name); found && isMember(last) {
		return s.refuse(e, "%s is a function: write %s.%s(...)", last, of, last)
	}
	return s.refuse(e, "there is no %s: %s", name, attributeAdvice(name))
}

func cutLast(name string) (of, last string, found bool) {
	i := strings.LastIndex(name, ".")
	return name[:max(i, 0)], name[i+1:], i >= 0
}

func (s subset) call(e ast.Expr, c ast.CallExpr) error {
	name := c.FunctionName()
	switch {
	case c.IsMemberFunction():
		return s.member(e, c)
	case name == operators.Index:
		return s.index(c)
	case name == integer && len(c.Args()) != 1:
		return errorAt(s.name(e, name), "int takes one argument: write int(request.headers['name'])")
	case name == integer, slices.Contains(allowedOperators, name):
		return s.all(c.Args())
	case isMember(name):
		return errorAt(s.name(e, name), "%s is written behind a text: write request.path.%s(...)", name, name)
	}
	if why, operator := operatorAdvice[name]; operator {
		return s.refuse(e, "%s", why)
	}
	return errorAt(s.name(e, name), "there is no function %s: %s", name, functionAdvice(name))
}

func isMember(name string) bool {
	_, member := allowedMembers[name]
	return member
}

// name is where the name of a function stands: cel-go has the place of the parenthesis behind it.
func (s subset) name(e ast.Expr, name string) common.Location {
	l := s.info.GetStartLocation(e.ID())
	return common.NewLocation(l.Line(), max(l.Column()-len(name), 0))
}

func (s subset) all(list []ast.Expr) error {
	for _, e := range list {
		if err := s.expr(e); err != nil {
			return err
		}
	}
	return nil
}

func (s subset) member(e ast.Expr, c ast.CallExpr) error {
	name := c.FunctionName()
	if n, known := allowedMembers[name]; !known {
		return errorAt(s.name(e, name), "there is no function %s: %s", name, functionAdvice(name))
	} else if n != len(c.Args()) {
		return errorAt(s.name(e, name), "%s takes %s, and %d are given", name, arguments[n], len(c.Args()))
	}
	if err := s.expr(c.Target()); err != nil {
		return err
	}
	if name == "matches" {
		return s.pattern(c.Args()[0])
	}
	return s.all(c.Args())
}

// pattern checks a regular expression, which must be known beforehand.
func (s subset) pattern(e ast.Expr) error {
	p, literal := literalText(e)
	if !literal {
		return s.refuse(e, "the regular expression of matches must be written out in quotes")
	}
	if err := checkPattern(p); err != nil {
		return s.refuse(e, "%s", err)
	}
	return nil
}

func (s subset) index(c ast.CallExpr) error {
	of, key := c.Args()[0], c.Args()[1]
	if a, known := attributes[dotted(of)]; !known {
		if err := s.expr(of); err != nil {
			return err
		}
		return s.refuse(of, "only request.headers has values by name")
	} else if a.kind != fields {
		return s.refuse(of, "%s is one value, not several by name", dotted(of))
	}
	name, literal := literalText(key)
	switch {
	case literal && !isToken(name):
		return s.refuse(key, "%q is no name of a header", name)
	case key.Kind() == ast.LiteralKind && !literal:
		return s.refuse(key, "the name of a header is a text: write %s['name']", dotted(of))
	}
	return s.expr(key)
}

// isToken reports whether a name can be that of a field (RFC 9110, 5.6.2).
func isToken(name string) bool {
	for i := range len(name) {
		c := name[i]
		if c <= ' ' || c >= 0x7f || strings.IndexByte("\"(),/:;<=>?@[\\]{}", c) >= 0 {
			return false
		}
	}
	return name != ""
}

func literalText(e ast.Expr) (string, bool) {
	if e.Kind() != ast.LiteralKind {
		return "", false
	}
	s, ok := e.AsLiteral().(types.String)
	return string(s), ok
}
