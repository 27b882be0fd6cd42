package gcloud

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
)

// flatten makes a resource for each member of the lists that the paths lead to, the first path first: in each, one member stands where the
// list was. A resource without such a list stays as it is.
func flatten(resources []map[string]any, paths []path) []map[string]any {
	for _, p := range paths {
		var out []map[string]any
		for _, r := range resources {
			list, isList := p.get(r).([]any)
			if !isList || len(list) == 0 {
				out = append(out, r)
				continue
			}
			for _, member := range list {
				out = append(out, with(r, p, member))
			}
		}
		resources = out
	}
	return resources
}

// with is an object with another value where a path leads to. The object itself stays.
func with(object map[string]any, p path, value any) map[string]any {
	names := p.names()
	out := maps.Clone(object)
	if len(names) == 1 {
		out[names[0].name] = value
		return out
	}
	inner, ok := object[names[0].name].(map[string]any)
	if !ok {
		return object
	}
	out[names[0].name] = with(inner, names[1:], value)
	return out
}

// names are the steps of a path that have one.
func (p path) names() path {
	return slices.DeleteFunc(slices.Clone(p), func(s step) bool { return s.name == "" })
}

// parseFlatten reads --flatten: KEY[,KEY...], each with or without [] at its end.
func parseFlatten(flag string) ([]path, error) {
	var out []path
	if strings.TrimSpace(flag) == "" {
		return nil, nil
	}
	for key := range strings.SplitSeq(flag, ",") {
		p, err := parsePath(strings.TrimSuffix(strings.TrimSpace(key), "[]"))
		if err != nil {
			return nil, err
		}
		out = append(out, p)
	}
	return out, nil
}

// printFlattened prints a line for each value of a resource, with the path that leads to it.
func (f format) printFlattened(w io.Writer, content any) error {
	var lines [][2]string
	walk("", content, func(path, value string) { lines = append(lines, [2]string{path + ":", value}) })
	width := 0
	if _, without := f.attributes[attributeNoPad]; !without {
		for _, l := range lines {
			width = max(width, len(l[0]))
		}
	}
	fmt.Fprintln(w, "---")
	for _, l := range lines {
		if _, err := fmt.Fprintf(w, "%-*s %s\n", width, l[0], l[1]); err != nil {
			return err
		}
	}
	return nil
}

// walk visits what has no members, in order of its path.
func walk(path string, value any, visit func(path, value string)) {
	switch v := value.(type) {
	case map[string]any:
		for _, key := range slices.Sorted(maps.Keys(v)) {
			walk(strings.TrimPrefix(path+"."+key, "."), v[key], visit)
		}
		if len(v) == 0 && path != "" {
			visit(path, "{}")
		}
	case []any:
		for i, member := range v {
			walk(fmt.Sprintf("%s[%d]", path, i), member, visit)
		}
		if len(v) == 0 {
			visit(path, "[]")
		}
	default:
		visit(path, text(v))
	}
}

// printItems prints each resource as an item of a list: its columns, or its members.
func (f format) printItems(w io.Writer, resources []map[string]any) error {
	separator := "\n   "
	if _, compact := f.attributes[attributeCompact]; compact {
		separator = " "
	}
	if title := f.attributes[attributeTitle]; title != "" && len(resources) > 0 {
		fmt.Fprintln(w, title)
	}
	for _, r := range resources {
		var parts []string
		for _, c := range f.columns {
			if value := c.value(r); value != nil {
				parts = append(parts, text(value))
			}
		}
		if f.columns == nil {
			for _, key := range slices.Sorted(maps.Keys(r)) {
				parts = append(parts, key+": "+text(r[key]))
			}
		}
		if _, err := fmt.Fprintln(w, " - "+strings.Join(parts, separator)); err != nil {
			return err
		}
	}
	return nil
}
