package document

import (
	"bytes"
	"fmt"
	"regexp"
)

// glued is a key with its value right behind the colon, which YAML takes for one text. URLs and times are none.
var glued = regexp.MustCompile(`^[ \t]*(?:- )?([A-Za-z][A-Za-z0-9]*):([A-Za-z0-9_"'][^:]*)$`)

// hint says what is likely to be wrong where YAML ends: a space that is missing in the line, or the one before.
func hint(data []byte, line int) string {
	lines := bytes.Split(data, []byte("\n"))
	for _, i := range []int{line - 1, line - 2} {
		if i < 0 || i >= len(lines) {
			continue
		}
		if m := glued.FindSubmatch(bytes.TrimRight(lines[i], "\r ")); m != nil {
			return fmt.Sprintf(" (a space is missing after a colon: write %s: %s)", m[1], m[2])
		}
	}
	return ""
}
