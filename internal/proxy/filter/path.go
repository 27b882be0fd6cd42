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
	if err := checkPath(replacement); err != nil {
		return pathEdit{}, err
	}
	return pathEdit{kind: replacePrefix, prefix: strings.TrimRight(matched, "/"), replacement: rooted(replacement)}, nil
}

func compileFull(replacement string) (pathEdit, error) {
	if err := checkPath(replacement); err != nil {
		return pathEdit{}, err
	}
	return pathEdit{kind: replaceFull, replacement: rooted(replacement)}, nil
}

// rooted makes "" and "a" absolute.
func rooted(path string) string {
	if strings.HasPrefix(path, "/") {
		return path
	}
	return "/" + path
}

func checkPath(path string) error {
	for i := 0; i < len(path); i++ {
		if c := path[i]; c <= ' ' || c == 0x7f || c == '#' {
			return fmt.Errorf("path %q has the byte 0x%02x, which must be escaped", path, c)
		}
	}
	return nil
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
