package cel

import (
	"errors"
	"testing"
	"unicode/utf8"
)

// FuzzCompile wants a program or an *Error with a reason of any text, and of a program an answer.
func FuzzCompile(f *testing.F) {
	for _, expr := range typical {
		f.Add(expr)
	}
	for _, expr := range []string{"", "a = b", "((((", "request.headers[", "'", "“", "\xff", "request.path.matches('\\\\x{10FFFF}')", "!!!true", "[1,2].exists(x, x > 1)", "a.?b", "true ? 1 : 2", "request.path + '\xff' == ''"} {
		f.Add(expr)
	}
	f.Fuzz(func(t *testing.T, expr string) {
		p, err := Compile(expr)
		var e *Error
		switch {
		case err == nil:
			p.Match(usual())
			p.Explain(usual())
		case !errors.As(err, &e) || e.Reason == "" || e.Line < 0 || e.Column < 0:
			t.Errorf("%q: %v", expr, err)
		}
		if err := CheckStrict(expr); err != nil && utf8.ValidString(expr) && (!errors.As(err, &e) || e.Line < 1 || e.Column < 1) {
			t.Errorf("%q: %v", expr, err)
		}
	})
}
