package balance

import (
	"bytes"
	"strconv"
	"time"

	"github.com/spillway-lb/spillway/internal/proxy/header"
)

// cookie finds the value of a request's cookie.
func cookie(m *header.Map, name string) ([]byte, bool) {
	for i := range m.Len() {
		f := m.At(i)
		if f.ID != header.Cookie {
			continue
		}
		rest := f.Value
		for len(rest) > 0 {
			var pair []byte
			pair, rest, _ = bytes.Cut(rest, semicolon)
			pair = bytes.TrimSpace(pair)
			if len(pair) > len(name) && pair[len(name)] == '=' && string(pair[:len(name)]) == name {
				return bytes.Trim(pair[len(name)+1:], `"`), true
			}
		}
	}
	return nil, false
}

var semicolon = []byte(";")

// setCookie writes the value of a set-cookie field. maxAge 0 makes a session cookie.
func setCookie(name string, value []byte, path string, maxAge time.Duration) []byte {
	b := make([]byte, 0, 128)
	b = append(append(append(b, name...), '='), value...)
	b = append(append(b, "; path="...), path...)
	b = append(b, "; HttpOnly"...)
	if maxAge > 0 {
		b = strconv.AppendInt(append(b, "; max-age="...), max(1, int64(maxAge/time.Second)), 10)
	}
	return b
}

func checkCookieName(name string) bool {
	for i := 0; i < len(name); i++ {
		if c := name[i]; c <= ' ' || c >= 0x7f || bytes.IndexByte([]byte(`()<>@,;:\"/[]?={}`), c) >= 0 {
			return false
		}
	}
	return name != ""
}

func checkCookiePath(path string) bool {
	for i := 0; i < len(path); i++ {
		if c := path[i]; c <= ' ' || c >= 0x7f || c == ';' {
			return false
		}
	}
	return path == "" || path[0] == '/'
}
