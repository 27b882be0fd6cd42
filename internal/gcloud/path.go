package gcloud

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// path leads to a field: name, backends[0].group, backends[].group, and backends.group, which means the same.
type path []step

// step is a member of an object or, with an index, of a list; every is all members of a list.
type step struct {
	name  string
	index int
	every bool
}

func parsePath(typed string) (path, error) {
	var p path
	for part := range strings.SplitSeq(typed, ".") {
		name, rest, _ := strings.Cut(part, "[")
		if name == "" || strings.ContainsAny(name, "]() ") {
			return nil, fmt.Errorf("%q is not the name of a field", typed)
		}
		p = append(p, step{name: name})
		for rest != "" {
			var inside string
			var closed bool
			if inside, rest, closed = strings.Cut(rest, "]"); !closed {
				return nil, fmt.Errorf("%q lacks a closing bracket", typed)
			}
			index, err := strconv.Atoi(inside)
			if inside != "" && err != nil {
				return nil, fmt.Errorf("%q has an index that is not a number", typed)
			}
			p = append(p, step{index: index, every: inside == ""})
			rest = strings.TrimPrefix(rest, "[")
		}
	}
	return p, nil
}

// name is the last one of the path.
func (p path) name() string {
	for _, s := range slices.Backward(p) {
		if s.name != "" {
			return s.name
		}
	}
	return ""
}

// get returns what the path leads to, nil if there is nothing.
func (p path) get(value any) any {
	if len(p) == 0 || value == nil {
		return value
	}
	first, rest := p[0], p[1:]
	list, isList := value.([]any)
	switch {
	case first.name == "" && !isList:
		return nil
	case first.name == "" && !first.every:
		index := first.index
		if index < 0 {
			index += len(list)
		}
		if index < 0 || index >= len(list) {
			return nil
		}
		return rest.get(list[index])
	case first.name == "":
		return rest.every(list)
	case isList:
		return p.every(list)
	}
	object, _ := value.(map[string]any)
	return rest.get(object[first.name])
}

// every is what the path leads to from each member.
func (p path) every(list []any) any {
	var out []any
	for _, member := range list {
		if found := p.get(member); found != nil {
			out = append(out, found)
		}
	}
	if out == nil {
		return nil
	}
	return out
}

// text is a value in a cell: lists and objects are joined with semicolons.
func text(value any) string {
	switch v := value.(type) {
	case nil:
		return ""
	case string:
		return v
	case bool:
		if v {
			return "True"
		}
		return "False"
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64)
	case []any:
		return strings.Join(texts(v), ";")
	case map[string]any:
		var members []string
		for _, key := range slices.Sorted(maps.Keys(v)) {
			members = append(members, key+"="+text(v[key]))
		}
		return strings.Join(members, ";")
	}
	return fmt.Sprint(value)
}

// texts are the members of a list, or the value alone.
func texts(value any) []string {
	list, ok := value.([]any)
	if !ok {
		return []string{text(value)}
	}
	var out []string
	for _, member := range list {
		out = append(out, text(member))
	}
	return out
}

// repr is a value as Python's repr() writes it.
func repr(value any) string {
	var members []string
	switch v := value.(type) {
	case nil:
		return "None"
	case string:
		return "'" + strings.ReplaceAll(strings.ReplaceAll(v, `\`, `\\`), "'", `\'`) + "'"
	case []any:
		for _, member := range v {
			members = append(members, repr(member))
		}
		return "[" + strings.Join(members, ", ") + "]"
	case map[string]any:
		for _, key := range slices.Sorted(maps.Keys(v)) {
			members = append(members, repr(key)+": "+repr(v[key]))
		}
		return "{" + strings.Join(members, ", ") + "}"
	}
	return text(value)
}
