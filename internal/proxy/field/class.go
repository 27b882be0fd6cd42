package field

import "encoding/binary"

// class has a bit for each use that a byte may be put to.
type class uint8

const (
	inName   class = 1 << iota // field name: tchar without upper case
	inToken                    // tchar: methods, protocols
	inValue                    // field value: visible, space, tab, obs-text
	inTarget                   // request target: neither space, control byte nor fragment
)

var classes = func() (t [256]class) {
	for c := range 256 {
		if c == '\t' || c >= ' ' && c != 0x7f {
			t[c] |= inValue
		}
		if c > ' ' && c != 0x7f && c != '#' {
			t[c] |= inTarget
		}
	}
	for _, c := range []byte("!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyz") {
		t[c] |= inName | inToken
	}
	for _, c := range []byte("ABCDEFGHIJKLMNOPQRSTUVWXYZ") {
		t[c] |= inToken
	}
	return t
}()

// Lowered maps the bytes of a token (RFC 9110 section 5.6.2) to lower case, and every other byte to 0: a name is checked and lowered in
// one pass.
var Lowered = func() (t [256]byte) {
	for c := range 256 {
		if classes[c]&inToken != 0 {
			t[c] = lower(byte(c))
		}
	}
	return t
}()

func consistsOf[T ~string | ~[]byte](p T, c class) bool {
	for i := range len(p) {
		if classes[p[i]]&c == 0 {
			return false
		}
	}
	return true
}

// ValidName reports whether p is a field name in lower case, as every name is inside the proxy.
func ValidName[T ~string | ~[]byte](p T) bool { return len(p) > 0 && consistsOf(p, inName) }

// ValidToken reports whether p is a token (RFC 9110 section 5.6.2), such as a method.
func ValidToken[T ~string | ~[]byte](p T) bool { return len(p) > 0 && consistsOf(p, inToken) }

// IsToken reports whether c may stand in a token.
func IsToken(c byte) bool { return classes[c]&inToken != 0 }

// ValidValue reports whether p may be a field value: no control byte, and no white space at its ends (RFC 9113 section 8.2.1).
func ValidValue[T ~string | ~[]byte](p T) bool {
	return len(p) == 0 || !IsSpace(p[0]) && !IsSpace(p[len(p)-1]) && consistsOf(p, inValue)
}

// ValidTarget reports whether p has only bytes that a request target may have: no space, control byte or fragment.
func ValidTarget[T ~string | ~[]byte](p T) bool { return len(p) > 0 && consistsOf(p, inTarget) }

// IsSpace reports whether c is a space or a tab.
func IsSpace(c byte) bool { return c == ' ' || c == '\t' }

const (
	ones  = 0x0101010101010101
	highs = 0x8080808080808080
)

// HasControl reports whether p holds a byte below 0x20 other than a tab, or 0x7f. Eight bytes at a time: a byte's high
// bit comes out of the subtraction when it was below 0x20 (or out of the second when it was 0x7f).
func HasControl(p []byte) bool {
	for len(p) >= 8 {
		w := binary.LittleEndian.Uint64(p)
		del := w ^ (0x7f * ones)
		if ((w-0x20*ones)&^w|(del-ones)&^del)&highs != 0 && !consistsOf(p[:8], inValue) {
			return true
		}
		p = p[8:]
	}
	return !consistsOf(p, inValue)
}
