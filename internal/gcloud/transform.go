package gcloud

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// transform is a function of a projection with its arguments.
type transform struct {
	name      string
	of        func(t transform, value any, resource map[string]any) any
	arguments []string
	// named are arguments such as separator=" ".
	named map[string]string
}

// transformer is a function that needs no more than the value.
type transformer func(t transform, value any) any

// transforms are the functions that a projection may have. The second argument is the whole resource.
var transforms = map[string]func(t transform, value any, resource map[string]any) any{
	"basename": func(_ transform, value any, _ map[string]any) any { return each(value, basename) },
	"count":    func(_ transform, value any, _ map[string]any) any { return length(value) },
	"date":     func(t transform, value any, _ map[string]any) any { return each(value, t.date) },
	"firstof":  transform.firstOf,
	"join":     func(t transform, value any, _ map[string]any) any { return joined(value, t.argument(0, "")) },
	"len":      func(_ transform, value any, _ map[string]any) any { return length(value) },
	"list":     func(t transform, value any, _ map[string]any) any { return joined(value, t.separator()) },
	"location": func(_ transform, _ any, resource map[string]any) any { return Location(resource) },
	"map":      func(_ transform, value any, _ map[string]any) any { return value }, // lists are always gone through
	"scope":    func(t transform, value any, _ map[string]any) any { return each(value, t.scope) },
	"segment":  func(t transform, value any, _ map[string]any) any { return each(value, t.segment) },
	"uri":      func(_ transform, _ any, resource map[string]any) any { return URI(resource) },
	"yesno":    func(t transform, value any, _ map[string]any) any { return t.yesNo(value) },
}

func parseTransform(typed string) (transform, error) {
	name, inside, _ := strings.Cut(strings.TrimSuffix(typed, ")"), "(")
	t := transform{name: name, named: map[string]string{}}
	of, ofText := transforms[name], textTransforms()
	if of == nil && ofText[name] == nil {
		names := slices.Sorted(maps.Keys(transforms))
		names = slices.Sorted(slices.Values(slices.AppendSeq(names, maps.Keys(ofText))))
		return t, fmt.Errorf("%q is none of the functions %s", typed, strings.Join(names, ", "))
	}
	t.of = of
	if t.of == nil {
		plain := ofText[name]
		t.of = func(t transform, value any, _ map[string]any) any { return plain(t, value) }
	}
	if strings.TrimSpace(inside) == "" {
		return t, t.check()
	}
	for _, argument := range splitTop(inside) {
		if key, value, ok := strings.Cut(argument, "="); ok && !strings.ContainsAny(key, `"'`) {
			t.named[strings.TrimSpace(key)] = unquote(value)
		} else {
			t.arguments = append(t.arguments, unquote(argument))
		}
	}
	return t, t.check()
}

// check refuses arguments that the function cannot do with.
func (t transform) check() error {
	switch coding := t.argument(0, ""); {
	case (t.name == "encode" || t.name == "decode") && coding != "base64":
		return fmt.Errorf("%s(%s): the only encoding is base64", t.name, coding)
	case t.name == "sub":
		if _, err := regexp.Compile(coding); err != nil {
			return fmt.Errorf("sub(): %w", err)
		}
	}
	return nil
}

func unquote(s string) string {
	s = strings.TrimSpace(s)
	if len(s) >= 2 && (s[0] == '"' || s[0] == '\'') && s[len(s)-1] == s[0] {
		return s[1 : len(s)-1]
	}
	return s
}

func (t transform) apply(value any, resource map[string]any) any {
	return t.of(t, value, resource)
}

func (t transform) argument(i int, otherwise string) string {
	if i < len(t.arguments) {
		return t.arguments[i]
	}
	return otherwise
}

func (t transform) separator() string {
	if s, ok := t.named["separator"]; ok {
		return s
	}
	return ","
}

// firstOf is the first of several fields that is there.
func (t transform) firstOf(_ any, resource map[string]any) any {
	for _, field := range t.arguments {
		p, err := parsePath(field)
		if err != nil {
			continue
		}
		if found := p.get(resource); found != nil {
			return found
		}
	}
	return nil
}

// scope is what follows the name of a scope in a URL: regions or zones, or those in the arguments; else the last part.
func (t transform) scope(url string) string {
	scopes := t.arguments
	if len(scopes) == 0 {
		scopes = []string{"regions", "zones"}
	}
	for _, scope := range scopes {
		if _, rest, ok := strings.Cut(url, "/"+scope+"/"); ok {
			return rest
		}
	}
	if strings.HasPrefix(url, "https://") {
		return basename(url)
	}
	return url
}

// segment is a part of a URL's path, the last one without an argument.
func (t transform) segment(url string) string {
	parts := strings.Split(url, "/")
	i, err := strconv.Atoi(t.argument(0, "-1"))
	if err != nil {
		return ""
	}
	if i < 0 {
		i += len(parts)
	}
	if i < 0 || i >= len(parts) {
		return ""
	}
	return parts[i]
}

// date shows a time in the format of strftime, of which it knows the common letters.
func (t transform) date(value string) string {
	at, err := time.Parse(time.RFC3339Nano, value)
	if err != nil {
		return value
	}
	layout := t.argument(0, "%Y-%m-%dT%H:%M:%S")
	if named, ok := t.named["format"]; ok {
		layout = named
	}
	for letter, of := range map[string]string{
		"%Y": "2006", "%m": "01", "%d": "02", "%H": "15", "%M": "04", "%S": "05", "%z": "-0700", "%Z": "MST", "%b": "Jan", "%a": "Mon",
	} {
		layout = strings.ReplaceAll(layout, letter, of)
	}
	return at.Format(layout)
}

// yesNo shows whether there is something.
func (t transform) yesNo(value any) any {
	something := value != nil && value != false && value != ""
	if something {
		if yes := t.named["yes"]; yes != "" {
			return yes
		}
		return value
	}
	if no, ok := t.named["no"]; ok {
		return no
	}
	return "No"
}

// each applies a function to text, or to each member of a list.
func each(value any, f func(string) string) any {
	switch v := value.(type) {
	case string:
		return f(v)
	case []any:
		out := []any{}
		for _, member := range v {
			out = append(out, each(member, f))
		}
		return out
	}
	return value
}

// basename is what follows the last slash.
func basename(s string) string { return s[strings.LastIndex(s, "/")+1:] }

func length(value any) any {
	switch v := value.(type) {
	case nil:
		return 0
	case map[string]any:
		return len(v)
	case string:
		return len(v)
	}
	return len(texts(value))
}

func joined(value any, separator string) any {
	if value == nil {
		return nil
	}
	return strings.Join(texts(value), separator)
}

// Location is the zone or region of a resource, or "global".
func Location(resource map[string]any) string {
	for _, field := range []string{"zone", "region"} {
		if url, ok := resource[field].(string); ok && url != "" {
			return basename(url)
		}
	}
	name, _ := resource["name"].(string)
	if _, rest, ok := strings.Cut(name, "/locations/"); ok {
		location, _, _ := strings.Cut(rest, "/")
		return location
	}
	return "global"
}

// URI is a resource's URL.
func URI(resource map[string]any) string {
	if link, ok := resource["selfLink"].(string); ok {
		return link
	}
	name, _ := resource["name"].(string)
	if strings.HasPrefix(name, "projects/") {
		return "https://networkservices.googleapis.com/v1/" + name
	}
	return name
}
