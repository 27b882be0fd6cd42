// Package unitkey is the one codec for keys of units that have several parts.
//
// In: parts that may hold anything, also what a user wrote. Out: a key that says exactly these parts and no others, so
// that no value can pass for two. A package gives each kind of unit a struct with a String method and a parse function
// made of these two:
//
//	key := unitkey.Join(gateway.String(), region, name)
//	parts, ok := unitkey.Split(key, 3)
package unitkey

import "strings"

// Join makes one key of parts. NUL, which stands between the parts of a store's and an engine's own keys, is escaped, too.
func Join(parts ...string) string {
	var b strings.Builder
	for i, part := range parts {
		if i > 0 {
			b.WriteByte('|')
		}
		if !strings.ContainsAny(part, "|\\\x00") {
			b.WriteString(part)
			continue
		}
		for _, c := range []byte(part) {
			switch c {
			case '|', '\\':
				b.WriteByte('\\')
				b.WriteByte(c)
			case 0:
				b.WriteString(`\0`)
			default:
				b.WriteByte(c)
			}
		}
	}
	return b.String()
}

// Split is the inverse of Join for n parts; ok is false for a key of another number.
func Split(key string, n int) (parts []string, ok bool) {
	parts = make([]string, 0, n)
	var b []byte
	for i := 0; i < len(key); i++ {
		switch c := key[i]; {
		case c == '|':
			parts = append(parts, string(b))
			b = b[:0]
		case c == '\\' && i+1 < len(key):
			i++
			if c = key[i]; c == '0' {
				c = 0
			}
			b = append(b, c)
		default:
			b = append(b, c)
		}
	}
	parts = append(parts, string(b))
	return parts, len(parts) == n
}
