package cel

import (
	"fmt"
	"net/netip"
	"strings"

	"github.com/google/cel-go/common/ast"
	"github.com/google/cel-go/common/operators"
)

// warnings find what is correct but can never hold.
func warnings(checked *ast.AST) (list []string) {
	warn := func(e ast.Expr, format string, args ...any) {
		at := begin(checked.SourceInfo(), e)
		list = append(list, fmt.Sprintf("%d:%d: ", at.Line(), at.Column()+1)+fmt.Sprintf(format, args...))
	}
	each(checked.Expr(), func(e ast.Expr) {
		switch e.Kind() {
		case ast.IdentKind:
			if a := attributes[e.AsIdent()]; a.never != "" {
				warn(e, "%s never has a value: %s", e.AsIdent(), a.never)
			}
		case ast.CallKind:
			if c := e.AsCall(); c.FunctionName() == operators.Equals {
				vain(c.Args()[0], c.Args()[1], warn)
				vain(c.Args()[1], c.Args()[0], warn)
			}
		}
	})
	return list
}

// vain finds comparisons of an attribute with a text that it never has.
func vain(a, b ast.Expr, warn func(e ast.Expr, format string, args ...any)) {
	s, literal := literalText(b)
	if a.Kind() != ast.IdentKind || !literal {
		return
	}
	switch name := a.AsIdent(); name {
	case "source.ip", "source.address":
		if ip, err := netip.ParseAddr(s); err != nil || ip.Unmap().String() != s {
			warn(b, "%s is one address in its shortest form, and never %q: for networks write %s.startsWith('10.0.')", name, s, name)
		}
	case "request.path":
		if strings.Contains(s, "?") {
			warn(b, "request.path has no query, and is never %q: write request.query beside it", s)
		}
	case "request.scheme":
		if s != "http" && s != "https" {
			warn(b, "request.scheme is http or https, and never %q", s)
		}
	}
}
