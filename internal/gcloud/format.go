package gcloud

import (
	"fmt"
	"slices"
	"strings"
	"unicode"
)

// format is a parsed --format: NAME[ATTRIBUTES](COLUMNS).
type format struct {
	name       string
	attributes map[string]string
	columns    []column
}

// The formats. The default is a table in lists and YAML in descriptions.
const (
	formatDefault = ""
	formatJSON    = "json"
	formatYAML    = "yaml"
	formatTable   = "table"
	formatValue   = "value"
	formatGet     = "get"
	formatCSV     = "csv"
	formatNone    = "none"
)

// column is one field of a projection.
type column struct {
	path       path
	transforms []transform
	label      string
}

func parseFormat(typed string) (format, error) {
	head, projection, hasColumns := strings.Cut(strings.TrimSpace(typed), "(")
	head, attributes, hasAttributes := strings.Cut(head, "[")
	f := format{name: head, attributes: map[string]string{}}
	if f.name == "default" {
		f.name = formatDefault
	}
	known := []string{formatCSV, formatGet, formatJSON, formatNone, formatTable, formatValue, formatYAML}
	if !slices.Contains(known, f.name) && (f.name != formatDefault || hasColumns) {
		return f, fmt.Errorf("format %q is none of %s", typed, strings.Join(known, ", "))
	}
	if hasAttributes {
		inside, closed := strings.CutSuffix(attributes, "]")
		if !closed {
			return f, fmt.Errorf("%q lacks a closing bracket", typed)
		}
		for _, attribute := range splitTop(inside) {
			name, value, _ := strings.Cut(attribute, "=")
			f.attributes[name] = strings.Trim(value, `"'`)
		}
	}
	if !hasColumns {
		if slices.Contains([]string{formatValue, formatGet, formatCSV}, f.name) {
			return f, fmt.Errorf("format %s needs fields in parentheses, such as %s(name)", f.name, f.name)
		}
		return f, nil
	}
	inside, closed := strings.CutSuffix(projection, ")")
	if !closed {
		return f, fmt.Errorf("%q lacks a closing parenthesis", typed)
	}
	for _, typed := range splitTop(inside) {
		c, err := parseColumn(typed)
		if err != nil {
			return f, err
		}
		f.columns = append(f.columns, c)
	}
	return f, nil
}

// splitTop splits at the commas outside of parentheses and quotes.
func splitTop(s string) []string { return splitOutside(s, ',') }

// splitOutside splits at a separator outside of parentheses and quotes.
func splitOutside(s string, separator rune) []string {
	var out []string
	depth, start, quote := 0, 0, rune(0)
	for i, r := range s {
		switch {
		case quote != 0:
			if r == quote {
				quote = 0
			}
		case r == '"' || r == '\'':
			quote = r
		case r == '(':
			depth++
		case r == ')':
			depth--
		case r == separator && depth == 0:
			out = append(out, strings.TrimSpace(s[start:i]))
			start = i + 1
		}
	}
	return append(out, strings.TrimSpace(s[start:]))
}

// parseColumn reads PATH, or PATH.TRANSFORM(ARGUMENTS), and with :label=LABEL. A transform may stand alone, and after another.
func parseColumn(typed string) (column, error) {
	parts := splitOutside(typed, ':')
	c := column{}
	var names []string
	for _, part := range splitOutside(parts[0], '.') {
		if !strings.HasSuffix(part, ")") {
			names = append(names, part)
			continue
		}
		t, err := parseTransform(part)
		if err != nil {
			return c, err
		}
		c.transforms = append(c.transforms, t)
	}
	var err error
	if len(names) > 0 || len(c.transforms) == 0 {
		if c.path, err = parsePath(strings.Join(names, ".")); err != nil {
			return c, err
		}
	}
	c.label = snake(c.path.name())
	for _, option := range parts[1:] {
		if label, ok := strings.CutPrefix(option, "label="); ok {
			c.label = strings.Trim(label, `"'`)
		}
	}
	return c, nil
}

// snake turns checkIntervalSec into CHECK_INTERVAL_SEC and IPAddress into IP_ADDRESS.
func snake(name string) string {
	var out strings.Builder
	letters := []rune(name)
	for i, r := range letters {
		starts := i > 0 && unicode.IsUpper(r) &&
			(!unicode.IsUpper(letters[i-1]) || (i+1 < len(letters) && unicode.IsLower(letters[i+1])))
		if starts {
			out.WriteByte('_')
		}
		out.WriteRune(unicode.ToUpper(r))
	}
	return out.String()
}

// value is the column of one resource.
func (c column) value(fields map[string]any) any {
	found := c.path.get(fields)
	for _, t := range c.transforms {
		found = t.apply(found, fields)
	}
	return found
}
