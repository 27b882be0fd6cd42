package document

import (
	"bytes"
	"regexp"
	"strconv"
	"unicode/utf16"
)

// looksLikeJSON follows kubectl: what starts with a brace is JSON.
func looksLikeJSON(data []byte) bool {
	return bytes.HasPrefix(bytes.TrimLeft(data, " \t\r\n"), []byte("{"))
}

var surrogatePair = regexp.MustCompile(`(?i)\\u(d[89ab][0-9a-f]{2})\\u(d[c-f][0-9a-f]{2})`)

// jsonAsYAML rewrites the two things in which JSON is not YAML: indentation by tabs, and characters written as
// surrogate pairs. A tab cannot stand in a JSON string, so every tab may go.
func jsonAsYAML(data []byte) []byte {
	data = bytes.ReplaceAll(data, []byte("\t"), []byte(" "))
	return surrogatePair.ReplaceAllFunc(data, func(pair []byte) []byte {
		high, _ := strconv.ParseUint(string(pair[2:6]), 16, 16)
		low, _ := strconv.ParseUint(string(pair[8:12]), 16, 16)
		return []byte(string(utf16.DecodeRune(rune(high), rune(low))))
	})
}
