package gcloud

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"
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
	formatList    = "list"
	formatText    = "flattened"
)

// The attributes of formats.
const (
	attributeAllBox    = "all-box"
	attributeBox       = "box"
	attributeCompact   = "compact"
	attributeDelimiter = "delimiter"
	attributeNoHeading = "no-heading"
	attributeNoPad     = "no-pad"
	attributePad       = "pad"
	attributeSeparator = "separator"
	attributeTitle     = "title"
)

// formats are the names that may be typed, each with the attributes that it has.
func formats() map[string][]string {
	return map[string][]string{
		formatCSV: {attributeDelimiter, attributeNoHeading, attributeSeparator}, formatGet: {attributeDelimiter, attributeSeparator},
		formatJSON: nil, formatList: {attributeCompact, attributeTitle}, formatNone: nil,
		formatTable: {attributeAllBox, attributeBox, attributeNoHeading, attributePad, attributeTitle},
		formatText:  {attributeNoPad}, formatValue: {attributeDelimiter, attributeSeparator}, formatYAML: nil,
	}
}

// column is one field of a projection.
type column struct {
	path       path
	transforms []transform
	label      string
	// align, width, sort (1 is first, 0 is not by this), reverse and optional are of tables.
	align             string
	width, sort       int
	reverse, optional bool
}

func parseFormat(typed string) (format, error) {
	head, projection, hasColumns := strings.Cut(strings.TrimSpace(typed), "(")
	head, attributes, hasAttributes := strings.Cut(head, "[")
	f := format{name: head, attributes: map[string]string{}}
	switch f.name {
	case "default":
		f.name = formatDefault
	case "text":
		f.name = formatText
	case "disable":
		f.name = formatNone
	}
	known := formats()
	attributesOf, isKnown := known[f.name]
	if !isKnown && (f.name != formatDefault || hasColumns || hasAttributes) {
		return f, fmt.Errorf("format %q is none of %s", typed, strings.Join(slices.Sorted(maps.Keys(known)), ", "))
	}
	if hasAttributes {
		inside, closed := strings.CutSuffix(attributes, "]")
		if !closed {
			return f, fmt.Errorf("%q lacks a closing bracket", typed)
		}
		for _, attribute := range splitTop(inside) {
			name, value, _ := strings.Cut(attribute, "=")
			if !slices.Contains(attributesOf, name) {
				return f, fmt.Errorf("format %s has no attribute %q, but %s", f.name, name, cmp.Or(strings.Join(attributesOf, ", "), "none"))
			}
			f.attributes[name] = strings.NewReplacer(`\n`, "\n", `\t`, "\t").Replace(strings.Trim(value, `"'`))
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
		if err := c.set(option); err != nil {
			return c, err
		}
	}
	return c, nil
}

// set obeys what follows a field: :label=LABEL and the like.
func (c *column) set(option string) error {
	name, value, _ := strings.Cut(option, "=")
	value = strings.Trim(value, `"'`)
	var err error
	switch name {
	case "label":
		c.label = value
	case "align":
		if value != alignLeft && value != alignCenter && value != alignRight {
			err = fmt.Errorf(":align is left, center or right, not %q", value)
		}
		c.align = value
	case "sort":
		if c.sort, err = strconv.Atoi(value); err != nil || c.sort < 1 {
			err = fmt.Errorf(":sort is a number from 1, not %q", value)
		}
	case "width":
		if c.width, err = strconv.Atoi(value); err != nil || c.width < 0 {
			err = fmt.Errorf(":width is a number, not %q", value)
		}
	case "reverse":
		c.reverse = true
		c.sort = max(c.sort, 1)
	case "optional":
		c.optional = true
	case "wrap": // tables are as wide as they are
	default:
		err = fmt.Errorf("a field has no attribute %q, but align, label, optional, reverse, sort, width, wrap", name)
	}
	return err
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
