package accesslog

import "unicode/utf8"

const hexDigits = "0123456789abcdef"

// appendText appends the inside of a JSON string. Bytes that are not UTF-8 become U+FFFD, so that a line is valid JSON
// whatever a client sends.
func appendText[T ~string | ~[]byte](b []byte, s T) []byte {
	start := 0
	for i := 0; i < len(s); {
		c := s[i]
		if c < utf8.RuneSelf {
			if c < ' ' || c == '"' || c == '\\' || c == 0x7f {
				b = append(b, s[start:i]...)
				b = appendEscape(b, c)
				start = i + 1
			}
			i++
			continue
		}
		n := runeLength(s, i)
		if n == 0 {
			b = append(b, s[start:i]...)
			b = append(b, "\ufffd"...)
			start = i + 1
			n = 1
		}
		i += n
	}
	return append(b, s[start:]...)
}

// runeLength is the length of the valid UTF-8 sequence at i, or 0.
func runeLength[T ~string | ~[]byte](s T, i int) int {
	var window [utf8.UTFMax]byte
	n := copy(window[:], s[i:min(len(s), i+utf8.UTFMax)])
	r, size := utf8.DecodeRune(window[:n])
	if r == utf8.RuneError && size <= 1 {
		return 0
	}
	return size
}

func appendEscape(b []byte, c byte) []byte {
	switch c {
	case '"', '\\':
		return append(b, '\\', c)
	case '\n':
		return append(b, '\\', 'n')
	case '\r':
		return append(b, '\\', 'r')
	case '\t':
		return append(b, '\\', 't')
	}
	return append(b, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
}
