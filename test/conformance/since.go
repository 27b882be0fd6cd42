package conformance

import (
	"strings"
	"time"
)

// lineTime is how echo-basic begins the lines of its output, in local time.
const lineTime = "2006/01/02 15:04:05"

// since is the part of an output from a time (RFC 3339) on; lines that begin with none go with the line before.
func since(text, from string) string {
	at, err := time.Parse(time.RFC3339, from)
	if err != nil {
		return text
	}
	var out strings.Builder
	kept := true
	for line := range strings.Lines(text) {
		if len(line) >= len(lineTime) {
			if said, err := time.ParseInLocation(lineTime, line[:len(lineTime)], time.Local); err == nil {
				kept = !said.Before(at.Truncate(time.Second))
			}
		}
		if kept {
			out.WriteString(line)
		}
	}
	return out.String()
}
