package variable

import (
	"fmt"
	"strings"

	"github.com/spillway-lb/spillway/internal/proxy/field"
)

// Source has the values of one exchange.
type Source interface {
	// AppendVariable appends a variable's value, nothing where it is not known.
	AppendVariable(dst []byte, id ID) []byte
}

// Template is a value with variables. It never changes.
type Template struct{ segments []segment }

// segment is a text and the variable behind it, none at the end.
type segment struct {
	text     string
	variable ID
}

// Parse reads a value. Where it has no variable it returns nil and the value's text, in which doubled braces are single.
func Parse(value string) (*Template, string, error) {
	var out Template
	var text strings.Builder
	doubled := 0 // `{{` that have not been closed
	for rest := value; rest != ""; {
		switch name, after := reference(rest); {
		case strings.HasPrefix(rest, "{{"):
			doubled++
			text.WriteByte('{')
			rest = rest[2:]
		case strings.HasPrefix(rest, "}}") && doubled > 0:
			doubled--
			text.WriteByte('}')
			rest = rest[2:]
		case name == "":
			text.WriteByte(rest[0])
			rest = rest[1:]
		default:
			id := lookup(name)
			if id == none {
				return nil, "", fmt.Errorf("there is no variable {%s}; {{%s}} stands for the text {%s}", name, name, name)
			}
			out.segments = append(out.segments, segment{text.String(), id})
			text.Reset()
			rest = after
		}
	}
	if len(out.segments) == 0 {
		return nil, text.String(), nil
	}
	if text.Len() > 0 {
		out.segments = append(out.segments, segment{text.String(), none})
	}
	return &out, "", nil
}

// reference is the name between the braces that s begins with, "" if it begins with no variable.
func reference(s string) (name, after string) {
	if s[0] != '{' {
		return "", ""
	}
	end := strings.IndexByte(s, '}')
	if end < 2 || s[1] < 'a' || s[1] > 'z' {
		return "", ""
	}
	for _, c := range s[1:end] {
		if c != '_' && (c < 'a' || c > 'z') && (c < '0' || c > '9') {
			return "", ""
		}
	}
	return s[1:end], s[end+1:]
}

// Append fills the template in. What no header may have is left out of a variable's value, and white space at the ends of the whole:
// some of it is what a peer said.
func (t *Template) Append(dst []byte, from Source) []byte {
	start := len(dst)
	for i := range t.segments {
		s := &t.segments[i]
		dst = append(dst, s.text...)
		if s.variable == none {
			continue
		}
		at := len(dst)
		dst = from.AppendVariable(dst, s.variable)
		if field.HasControl(dst[at:]) {
			dst = dst[:at]
		}
	}
	whole := field.Trim(dst[start:])
	return dst[:start+copy(dst[start:], whole)]
}
