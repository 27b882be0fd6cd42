package filter

import (
	"bytes"
	"errors"
	"fmt"
	"strings"

	"github.com/spillway-lb/spillway/internal/proxy/message"
)

// pathEdit replaces the matched prefix or the whole path; the query stays.
type pathEdit struct {
	kind pathEditKind
	// prefix is the matched prefix without trailing slashes, "" for "/".
	prefix      string
	replacement string
}

type pathEditKind uint8

const (
	keepPath pathEditKind = iota
	replacePrefix
	replaceFull
)

func compilePrefix(replacement, matched string) (pathEdit, error) {
	if matched == "" {
		return pathEdit{}, errors.New("replacing a prefix needs a match by prefix")
	}
	path, err := encodePath(replacement)
	return pathEdit{kind: replacePrefix, prefix: strings.TrimRight(matched, "/"), replacement: path}, err
}

func compileFull(replacement string) (pathEdit, error) {
	path, err := encodePath(replacement)
	return pathEdit{kind: replaceFull, replacement: path}, err
}

// encodePath makes "" and "a" absolute, and percent-encodes what a path cannot hold as it is. What would end the path is
// refused, and so are control bytes, which nobody means.
func encodePath(path string) (string, error) {
	var b strings.Builder
	if !strings.HasPrefix(path, "/") {
		b.WriteByte('/')
	}
	for i := 0; i < len(path); i++ {
		switch c := path[i]; {
		case c < ' ' || c == 0x7f:
			return "", fmt.Errorf("path %q has the control byte 0x%02x", path, c)
		case c == '?':
			return "", fmt.Errorf("path %q has a query, but the query of the request is what stays", path)
		case c == '#':
			return "", fmt.Errorf("path %q has a fragment; a # in a path is written %%23", path)
		case c == '%' && !escaped(path[i:]), !inPath(c):
			fmt.Fprintf(&b, "%%%02X", c)
		default:
			b.WriteByte(c)
		}
	}
	return b.String(), nil
}

// escaped says whether text begins with a percent-encoded byte.
func escaped(text string) bool { return len(text) >= 3 && isHex(text[1]) && isHex(text[2]) }

func isHex(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c && c <= 'f' || 'A' <= c && c <= 'F'
}

// inPath is for the bytes of a path by RFC 3986 section 3.3.
func inPath(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || strings.IndexByte("-._~!$&'()*+,;=:@/%", c) >= 0
}

// appendTo appends the edited path, with the query of the original. A prefix is replaced in the path that rules matched.
func (e *pathEdit) appendTo(dst []byte, req *message.Request) []byte {
	path := req.Path
	if e.kind == replacePrefix && req.RoutePath != nil {
		path = req.RoutePath
	}
	query := []byte(nil)
	if i := bytes.IndexByte(path, '?'); i >= 0 {
		path, query = path[:i], path[i:]
	}
	switch e.kind {
	case replaceFull:
		dst = append(dst, e.replacement...)
	case replacePrefix:
		dst = e.appendReplaced(dst, path)
	default:
		dst = append(dst, path...)
	}
	return append(dst, query...)
}

// appendReplaced follows the table of the Gateway API's ReplacePrefixMatch: the slash between replacement and rest is
// written once, and the result is never empty.
func (e *pathEdit) appendReplaced(dst, path []byte) []byte {
	if !bytes.HasPrefix(path, []byte(e.prefix)) {
		return append(dst, path...)
	}
	rest := path[len(e.prefix):]
	if len(rest) == 0 {
		return append(dst, e.replacement...)
	}
	if rest[0] != '/' { // "/ab" has not the prefix "/a"
		return append(dst, path...)
	}
	return append(append(dst, strings.TrimSuffix(e.replacement, "/")...), rest...)
}
