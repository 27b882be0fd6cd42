package message

import "testing"

func TestValidAuthority(t *testing.T) {
	valid := []string{
		"a", "A.Example", "a.example:80", "a:", "a:0", "a:65535", "a_b", "a~b", "127.0.0.1:8080", "a%00b", "a%Fe",
		"!$&'()*+;=", "[::1]", "[::1]:80", "[::]:", "[2001:DB8::1]", "[::ffff:192.0.2.1]:443",
	}
	for _, a := range valid {
		if !ValidAuthority([]byte(a)) {
			t.Errorf("%q is refused", a)
		}
	}
	invalid := []string{
		"", ":", ":80", "a,b", "a:65536", "a:000080", "a:8x", "a:-1", "a:80:80", "a:+1", "u@a", "u:p@a", "a b", "a/b", "a?b",
		"a#b", "a\\b", "a\"b", "a<b", "a|b", "a\x00", "a\x7f", "\xc3\xa4", "a%", "a%4", "a%zz", "a%4g", "%%41",
		"[", "]", "[]", "[]:80", "[::1", "::1", "a]b", "[a]b", "[::1]80", "[::1]x:80", "[::1]:65536", "[::1]:x", "[[::1]]",
		"[:::]", "[::1::2]", "[1:2]", "[12345::]", "[192.0.2.1]", "[.]", "[::1%25lo]", "[::1%lo]", "[v1.a]", "x[::1]",
	}
	for _, a := range invalid {
		if ValidAuthority([]byte(a)) {
			t.Errorf("%q is accepted", a)
		}
	}
}

// An address in brackets allocates once, for netip.
func TestValidNameAllocatesNothing(t *testing.T) {
	name := []byte("store.example.com:8080")
	if n := testing.AllocsPerRun(100, func() {
		if !ValidAuthority(name) {
			t.Fatal("refused")
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
