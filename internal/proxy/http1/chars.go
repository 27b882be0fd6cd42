package http1

import "encoding/binary"

// lowered maps the bytes of a token (RFC 9110 section 5.6.2) to lower case and every other byte to 0.
var lowered = tokenTable(true)

// token is the same table without the change of case, for methods.
var token = tokenTable(false)

func tokenTable(lower bool) (t [256]byte) {
	for _, c := range []byte("!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyz") {
		t[c] = c
	}
	for c := byte('A'); c <= 'Z'; c++ {
		t[c] = c
		if lower {
			t[c] = c + 'a' - 'A'
		}
	}
	return t
}

const (
	ones  = 0x0101010101010101
	highs = 0x8080808080808080
)

// hasControl reports whether b holds a byte below 0x20 other than a tab, or 0x7f. Eight bytes at a time: a byte's high
// bit comes out of the subtraction when it was below 0x20 (or out of the second when it was 0x7f).
func hasControl(b []byte) bool {
	for len(b) >= 8 {
		w := binary.LittleEndian.Uint64(b)
		del := w ^ (0x7f * ones)
		if ((w-0x20*ones)&^w|(del-ones)&^del)&highs != 0 && controlIn(b[:8]) {
			return true
		}
		b = b[8:]
	}
	return controlIn(b)
}

func controlIn(b []byte) bool {
	for _, c := range b {
		if c < 0x20 && c != '\t' || c == 0x7f {
			return true
		}
	}
	return false
}

// trim cuts spaces and tabs from both ends.
func trim(b []byte) []byte {
	for len(b) > 0 && (b[0] == ' ' || b[0] == '\t') {
		b = b[1:]
	}
	for len(b) > 0 && (b[len(b)-1] == ' ' || b[len(b)-1] == '\t') {
		b = b[:len(b)-1]
	}
	return b
}

// lower changes upper-case letters in place.
func lower(b []byte) {
	for i, c := range b {
		if c >= 'A' && c <= 'Z' {
			b[i] = c + 'a' - 'A'
		}
	}
}

// equalFold compares b with an ASCII string in lower case.
func equalFold(b []byte, s string) bool {
	if len(b) != len(s) {
		return false
	}
	for i, c := range b {
		if c >= 'A' && c <= 'Z' {
			c += 'a' - 'A'
		}
		if c != s[i] {
			return false
		}
	}
	return true
}

// nextElement cuts the first element off a comma-separated list. Empty elements are skipped; done says there is none.
func nextElement(list []byte) (element, rest []byte, done bool) {
	for len(list) > 0 {
		end := 0
		for end < len(list) && list[end] != ',' {
			end++
		}
		element = trim(list[:end])
		if end < len(list) {
			end++
		}
		list = list[end:]
		if len(element) > 0 {
			return element, list, false
		}
	}
	return nil, nil, true
}
