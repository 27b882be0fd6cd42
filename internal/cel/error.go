package cel

import (
	"fmt"
	"strings"

	"github.com/google/cel-go/common"
	"github.com/google/cel-go/common/ast"
)

// Error is a condition that cannot be compiled.
type Error struct {
	// Line and Column count from 1, in characters; 0 is the expression as a whole.
	Line, Column int
	// Reason says what is wrong, and what to write instead.
	Reason string
}

func (e *Error) Error() string {
	if e.Line == 0 {
		return e.Reason
	}
	return fmt.Sprintf("%d:%d: %s", e.Line, e.Column, e.Reason)
}

func errorAt(l common.Location, format string, args ...any) *Error {
	return &Error{Line: l.Line(), Column: l.Column() + 1, Reason: fmt.Sprintf(format, args...)}
}

// begin is where the text of an expression begins: cel-go has the place of its operator.
func begin(info *ast.SourceInfo, e ast.Expr) common.Location {
	switch e.Kind() {
	case ast.IdentKind: // its last dot, when it was checked
		l := info.GetStartLocation(e.ID())
		return common.NewLocation(l.Line(), max(l.Column()-max(strings.LastIndex(e.AsIdent(), "."), 0), 0))
	case ast.SelectKind:
		return begin(info, e.AsSelect().Operand())
	case ast.CallKind:
		if c := e.AsCall(); c.IsMemberFunction() {
			return begin(info, c.Target())
		} else if infix(c.FunctionName()) && len(c.Args()) > 0 {
			return begin(info, c.Args()[0])
		}
	}
	return info.GetStartLocation(e.ID())
}

// infix reports whether an operator stands behind its first operand: cel-go writes _ for operands.
func infix(name string) bool { return strings.HasPrefix(name, "_") }
