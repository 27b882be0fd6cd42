package gcloud

import (
	"encoding/base64"
	"fmt"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// textTransforms are the functions on text and lists that need nothing but the value and their arguments.
func textTransforms() map[string]transformer {
	return map[string]transformer{
		"always":    func(_ transform, value any) any { return value },
		"decode":    func(t transform, value any) any { return each(value, t.decode) },
		"encode":    func(t transform, value any) any { return each(value, t.encode) },
		"extract":   func(t transform, value any) any { return t.extract(value) },
		"flatten":   func(t transform, value any) any { return t.flatten(value) },
		"iso":       func(_ transform, value any) any { return each(value, iso) },
		"lower":     func(_ transform, value any) any { return each(value, strings.ToLower) },
		"notnull":   func(_ transform, value any) any { return notNull(value) },
		"size":      func(t transform, value any) any { return t.size(value) },
		"slice":     func(t transform, value any) any { return t.slice(value) },
		"sort":      func(_ transform, value any) any { return sorted(value) },
		"split":     func(t transform, value any) any { return t.split(value) },
		"sub":       func(t transform, value any) any { return each(value, t.sub) },
		"trailoff":  func(t transform, value any) any { return each(value, t.trailOff) },
		"undefined": func(t transform, value any) any { return t.undefined(value) },
		"upper":     func(_ transform, value any) any { return each(value, strings.ToUpper) },
	}
}

// iso is a time with milliseconds and its zone.
func iso(value string) string {
	at, err := time.Parse(time.RFC3339Nano, value)
	if err != nil {
		return value
	}
	return at.Format("2006-01-02T15:04:05.000-07:00")
}

// number is an argument that is a whole number.
func (t transform) number(i int, otherwise int) int {
	if n, err := strconv.Atoi(t.argument(i, "")); err == nil {
		return n
	}
	return otherwise
}

func (t transform) encode(s string) string {
	if t.argument(0, "") == "base64" {
		return base64.StdEncoding.EncodeToString([]byte(s))
	}
	return s
}

func (t transform) decode(s string) string {
	if t.argument(0, "") == "base64" {
		if b, err := base64.StdEncoding.DecodeString(s); err == nil {
			return string(b)
		}
	}
	return s
}

// extract is a list of the members of an object that are named, or of those of each object of a list.
func (t transform) extract(value any) any {
	switch v := value.(type) {
	case map[string]any:
		out := []any{}
		for _, name := range t.arguments {
			if member, ok := v[name]; ok {
				out = append(out, member)
			}
		}
		return out
	case []any:
		out := []any{}
		for _, member := range v {
			out = append(out, t.extract(member))
		}
		return out
	}
	return nil
}

// flatten joins the members of the lists in a list.
func (t transform) flatten(value any) any {
	list, ok := value.([]any)
	if !ok {
		return value
	}
	var flat []any
	for _, member := range list {
		if inner, isList := member.([]any); isList {
			flat = append(flat, inner...)
		} else {
			flat = append(flat, member)
		}
	}
	return strings.Join(texts(flat), t.separator())
}

func notNull(value any) any {
	list, ok := value.([]any)
	if !ok {
		return value
	}
	return slices.DeleteFunc(slices.Clone(list), func(member any) bool { return member == nil })
}

// size shows a number of bytes in the largest unit that it has at least one of.
func (t transform) size(value any) any {
	n, err := strconv.ParseFloat(text(value), 64)
	if err != nil {
		return value
	}
	units := []string{" bytes", " KiB", " MiB", " GiB", " TiB", " PiB"}
	i := 0
	if math.Abs(n) < 1024 {
		return text(value) + units[0]
	}
	for math.Abs(n) >= 1024 && i < len(units)-1 {
		n /= 1024
		i++
	}
	return fmt.Sprintf("%.1f", n) + units[i]
}

// slice is a part of a list, or of the letters of text, as Python cuts it: 0:2, -3:, :5:2. It is a list.
func (t transform) slice(value any) any {
	bounds := strings.Split(strings.Trim(t.argument(0, ""), "[]"), ":")
	list, isList := value.([]any)
	if !isList {
		for _, r := range text(value) {
			list = append(list, string(r))
		}
	}
	at := func(i, otherwise int) int {
		if i >= len(bounds) {
			return otherwise
		}
		n, err := strconv.Atoi(strings.TrimSpace(bounds[i]))
		if err != nil {
			return otherwise
		}
		return n
	}
	from, to, step := at(0, 0), at(1, len(list)), max(1, at(2, 1))
	if len(bounds) == 1 {
		to = from + 1
		if from == -1 {
			to = len(list)
		}
	}
	out := []any{}
	for i := within(from, len(list)); i < within(to, len(list)); i += step {
		out = append(out, list[i])
	}
	return out
}

// within is an index as Python means it: from the end if it is negative.
func within(i, length int) int {
	if i < 0 {
		i += length
	}
	return min(max(i, 0), length)
}

func sorted(value any) any {
	list, ok := value.([]any)
	if !ok {
		return value
	}
	out := slices.Clone(list)
	slices.SortStableFunc(out, func(a, b any) int { return compare(text(a), text(b)) })
	return out
}

func (t transform) split(value any) any {
	if _, isList := value.([]any); isList || value == nil {
		return value
	}
	separator := t.argument(0, "")
	if named, ok := t.named["sep"]; ok {
		separator = named
	}
	if separator == "" {
		separator = "/"
	}
	out := []any{}
	for part := range strings.SplitSeq(text(value), separator) {
		out = append(out, part)
	}
	return out
}

// sub replaces what fits a regular expression, all of it, or as often as the third argument says. parseTransform has read the expression.
func (t transform) sub(s string) string {
	pattern, replacement := regexp.MustCompile(t.argument(0, "")), t.argument(1, "")
	limit, n := t.number(2, 0), 0
	return pattern.ReplaceAllStringFunc(s, func(found string) string {
		if n++; limit > 0 && n > limit {
			return found
		}
		return string(pattern.ExpandString(nil, pythonGroups.ReplaceAllString(replacement, "$${$1}"), found, pattern.FindStringSubmatchIndex(found)))
	})
}

// pythonGroups are \1 and the like.
var pythonGroups = regexp.MustCompile(`\\(\d)`)

// trailOff cuts what is longer than a width, which the last characters say.
func (t transform) trailOff(s string) string {
	letters, width := []rune(s), t.number(0, 0)
	if width < 4 || len(letters) <= width {
		return s
	}
	return string(letters[:width-3]) + "..."
}

func (t transform) undefined(value any) any {
	if value == nil || value == "" {
		return t.argument(0, "")
	}
	return value
}
