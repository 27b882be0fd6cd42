package cel

import (
	"errors"
	"fmt"
	"io"
	"regexp"
	"regexp/syntax"
	"strings"
	"unicode/utf8"
)

// maxPattern is the documented limit of a regular expression, in characters.
const maxPattern = 100

// pattern is a regular expression as RE2 sees it with its Latin-1 option: a byte is a character, in it and in the text.
type pattern struct{ re *regexp.Regexp }

// checkPattern says what is wrong with a regular expression.
func checkPattern(s string) error {
	if n := utf8.RuneCountInString(s); n > maxPattern {
		return fmt.Errorf("the regular expression has %d characters, at most %d are allowed", n, maxPattern)
	}
	_, err := newPattern(s)
	return err
}

func newPattern(s string) (pattern, error) {
	re, err := regexp.Compile(latin1(s))
	if err != nil {
		var at *syntax.Error
		if errors.As(err, &at) {
			return pattern{}, fmt.Errorf("the regular expression is not valid RE2: %s: %s", at.Code, at.Expr)
		}
		return pattern{}, fmt.Errorf("the regular expression is not valid RE2: %w", err)
	}
	return pattern{re: re}, nil
}

// instructions is the length of the compiled program, which bounds the steps for each byte of a text.
func instructions(s string) int {
	parsed, err := syntax.Parse(latin1(s), syntax.Perl)
	if err != nil {
		return 0
	}
	program, err := syntax.Compile(parsed.Simplify())
	if err != nil {
		return 0
	}
	return len(program.Inst)
}

func (p pattern) match(b []byte) bool {
	if isASCII(b) {
		return p.re.Match(b)
	}
	return p.re.MatchReader(&latin1Reader{p: b})
}

func isASCII(b []byte) bool {
	for _, c := range b {
		if c >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// latin1 writes each byte as the character that it is in Latin-1.
func latin1(s string) string {
	var b strings.Builder
	for i := range len(s) {
		b.WriteRune(rune(s[i]))
	}
	return b.String()
}

// latin1Reader gives the bytes of a text as characters.
type latin1Reader struct{ p []byte }

func (r *latin1Reader) ReadRune() (rune, int, error) {
	if len(r.p) == 0 {
		return 0, 0, io.EOF
	}
	c := r.p[0]
	r.p = r.p[1:]
	return rune(c), 1, nil
}
