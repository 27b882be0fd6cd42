package field

import (
	"strings"
	"testing"

	"golang.org/x/net/http/httpguts"
)

// FuzzGrammar holds the tables against those of x/net, which are for names in any case and for values without their ends.
func FuzzGrammar(f *testing.F) {
	for _, seed := range []string{"", "a", "x-a", "X-A", "a b", "a\tb", "a\r\nb", "ü", "\x7f", "content-length", " a", "a ", "12345678\x01", "1234567\x7f9"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, s string) {
		lower := strings.Map(func(r rune) rune {
			if 'A' <= r && r <= 'Z' {
				return r + 'a' - 'A'
			}
			return r
		}, s)
		if got, want := ValidName(s), httpguts.ValidHeaderFieldName(s) && lower == s; got != want {
			t.Errorf("ValidName(%q) = %v", s, got)
		}
		if got, want := ValidToken([]byte(s)), httpguts.ValidHeaderFieldName(s); got != want {
			t.Errorf("ValidToken(%q) = %v", s, got)
		}
		if got, want := ValidValue(s), httpguts.ValidHeaderFieldValue(s) && strings.Trim(s, " \t") == s; got != want {
			t.Errorf("ValidValue(%q) = %v", s, got)
		}
		if got, want := HasControl([]byte(s)), !httpguts.ValidHeaderFieldValue(s); got != want {
			t.Errorf("HasControl(%q) = %v", s, got)
		}
		if got, want := string(Trim([]byte(s))), strings.Trim(s, " \t"); got != want {
			t.Errorf("Trim(%q) = %q", s, got)
		}
		p := []byte(s)
		if Lower(p); string(p) != lower && strings.ToValidUTF8(s, "") == s {
			t.Errorf("Lower(%q) = %q", s, p)
		}
		if !EqualFold(s, p) {
			t.Errorf("EqualFold(%q, %q)", s, p)
		}
	})
}

func TestLists(t *testing.T) {
	var got []string
	for list := []byte(" a ,, b,\t,c"); ; {
		element, rest, done := NextElement(list)
		if done {
			break
		}
		got = append(got, string(element))
		list = rest
	}
	if strings.Join(got, "|") != "a|b|c" {
		t.Errorf("elements %q", got)
	}
	for text, want := range map[string]int64{"0": 0, "007": 7, "123456789012345678": 123456789012345678, "": -1, "-1": -1, "1 ": -1, "1234567890123456789": -1} {
		n, ok := ParseLength([]byte(text))
		if !ok {
			n = -1
		}
		if n != want {
			t.Errorf("ParseLength(%q) = %d", text, n)
		}
	}
}
