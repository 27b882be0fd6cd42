package cel

import (
	"math"
	"strings"

	"github.com/google/cel-go/common/ast"
	"github.com/google/cel-go/common/operators"
	"github.com/google/cel-go/common/types"
)

// text compiles what has a text as value.
func (c *compiler) text(e ast.Expr) textual {
	switch e.Kind() {
	case ast.LiteralKind:
		if s, ok := literalText(e); ok {
			return constantText(s)
		}
	case ast.IdentKind:
		a := attributes[e.AsIdent()]
		if a.never != "" {
			return func(*frame) ([]byte, bool) { return nil, false }
		}
		if a.text != nil {
			return a.text
		}
	case ast.CallKind:
		switch call := e.AsCall(); call.FunctionName() {
		case operators.Index:
			return c.header(call.Args()[0], call.Args()[1])
		case "lower", "lowerAscii":
			return cased(c.text(call.Target()), 'A')
		case "upper", "upperAscii":
			return cased(c.text(call.Target()), 'a')
		}
	}
	c.rare = true
	return nil
}

// texts compiles two that are compared; constant is the second, if it is a literal. A literal beside the host is in lower case,
// as that is, and is compared with the host and its port where it has one itself.
func (c *compiler) texts(x, y ast.Expr) (a, b textual, constant *string) {
	a, b = c.text(x), c.text(y)
	if s, literal := literalText(y); literal {
		if isHost(x) {
			a, s = hostFor(s)
			b = constantText(s)
		}
		return a, b, &s
	}
	if s, literal := literalText(x); literal && isHost(y) {
		b, s = hostFor(s)
		a = constantText(s)
	}
	return a, b, nil
}

func isHost(e ast.Expr) bool {
	if e.Kind() == ast.IdentKind {
		return e.AsIdent() == "request.host"
	}
	if e.Kind() != ast.CallKind || e.AsCall().FunctionName() != operators.Index {
		return false
	}
	args := e.AsCall().Args()
	name, _ := literalText(args[1])
	return args[0].AsIdent() == "request.headers" && strings.EqualFold(name, "host")
}

// hostFor is the host as it is compared with a literal, and the literal as it is compared with the host.
func hostFor(s string) (textual, string) {
	s = string(lowered(nil, s))
	if hasPort(s) {
		return hostPort, s
	}
	return host, s
}

func hasPort(s string) bool {
	_, port, found := strings.Cut(s, ":")
	return found && port != "" && strings.Trim(port, "0123456789") == "" || strings.Contains(s, "]:")
}

func constantText(s string) textual {
	b := []byte(s)
	return func(*frame) ([]byte, bool) { return b, true }
}

// header compiles the value of a field that is named in the condition: names are in lower case on the way here.
func (c *compiler) header(of, key ast.Expr) textual {
	name, literal := literalText(key)
	if of.Kind() != ast.IdentKind || !literal {
		c.rare = true
		return nil
	}
	if attributes[of.AsIdent()].never != "" {
		return func(*frame) ([]byte, bool) { return nil, false }
	}
	return field(name)
}

// field is a header of the request. Names are in lower case on the way here; the host is not always a field.
func field(name string) textual {
	if name = string(lowered(nil, name)); name == "host" {
		return host
	}
	return func(f *frame) ([]byte, bool) { return f.a.Header(name) }
}

// cased changes the 26 letters from first on to the other case of ASCII.
func cased(of textual, first byte) textual {
	return func(f *frame) ([]byte, bool) {
		s, ok := of(f)
		if !ok {
			return nil, false
		}
		n := len(f.scratch)
		for _, b := range s {
			if b-first < 26 {
				b ^= 'a' ^ 'A'
			}
			f.scratch = append(f.scratch, b)
		}
		return f.since(n), true
	}
}

// number compiles what has a number as value.
func (c *compiler) number(e ast.Expr) numeric {
	switch e.Kind() {
	case ast.LiteralKind:
		if n, ok := e.AsLiteral().(types.Int); ok {
			return func(*frame) (int64, bool) { return int64(n), true }
		}
	case ast.IdentKind:
		a := attributes[e.AsIdent()]
		if a.never != "" {
			return func(*frame) (int64, bool) { return 0, false }
		}
		if a.number != nil {
			return a.number
		}
	case ast.CallKind:
		if call := e.AsCall(); call.FunctionName() == integer {
			return c.integer(call.Args()[0])
		}
	}
	c.rare = true
	return nil
}

func (c *compiler) integer(of ast.Expr) numeric {
	if c.is(of, types.IntType) {
		return c.number(of)
	}
	s := c.text(of)
	return func(f *frame) (int64, bool) {
		b, ok := s(f)
		if !ok {
			return 0, false
		}
		return parseInt(b)
	}
}

// parseInt reads a decimal number as strconv does, without an error to allocate.
func parseInt(b []byte) (int64, bool) {
	negative := len(b) > 0 && b[0] == '-'
	if negative || len(b) > 0 && b[0] == '+' {
		b = b[1:]
	}
	if len(b) == 0 {
		return 0, false
	}
	var n int64 // negative, as there is one more of those
	for _, c := range b {
		if c < '0' || c > '9' {
			return 0, false
		}
		d := int64(c - '0')
		if n < (math.MinInt64+d)/10 {
			return 0, false
		}
		n = n*10 - d
	}
	if negative {
		return n, true
	}
	return -n, n != math.MinInt64
}
