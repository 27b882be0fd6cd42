package computeapi

import (
	"bytes"
	"encoding/json"
	"net/http"
	"reflect"
	"strings"
)

// selection is what a request's parameter "fields" leaves of an answer: kind,items(id,backends/group),items/*/zone. The zero value leaves
// nothing.
type selection struct {
	// whole leaves everything below.
	whole bool
	// members are by name; "*" is any.
	members map[string]*selection
}

const (
	// maxFields bounds a selection, in bytes, maxDepth how deep it may nest.
	maxFields = 8 << 10
	maxDepth  = 64
)

// parseFields reads a selection, nil for none.
func parseFields(typed string) (*selection, error) {
	if strings.TrimSpace(typed) == "" {
		return nil, nil
	}
	p := fieldParser{rest: typed}
	out := &selection{}
	if len(typed) > maxFields || !p.list(out, 0) || p.rest != "" {
		return nil, invalidFields(typed)
	}
	return out, nil
}

// invalidFields is Google's answer to a selection that is none, or that selects what there cannot be.
func invalidFields(what string) error {
	return &Error{Code: http.StatusBadRequest, Reason: "invalidParameter", Message: "Invalid field selection " + what, Parameter: "fields"}
}

// fieldParser reads a selection from its beginning.
type fieldParser struct{ rest string }

// list reads paths with commas between.
func (p *fieldParser) list(into *selection, depth int) bool {
	for {
		if !p.path(into, depth) {
			return false
		}
		if !p.symbol(',') {
			return true
		}
	}
}

// path reads NAME, NAME/PATH or NAME(LIST).
func (p *fieldParser) path(into *selection, depth int) bool {
	name := p.name()
	if name == "" || depth > maxDepth {
		return false
	}
	if into.members == nil {
		into.members = map[string]*selection{}
	}
	member := into.members[name]
	if member == nil {
		member = &selection{}
		into.members[name] = member
	}
	switch {
	case p.symbol('/'):
		return p.path(member, depth+1)
	case p.symbol('('):
		return p.list(member, depth+1) && p.symbol(')')
	}
	member.whole = true
	return true
}

func (p *fieldParser) name() string {
	p.rest = strings.TrimSpace(p.rest)
	end := strings.IndexAny(p.rest, ",/() ")
	if end < 0 {
		end = len(p.rest)
	}
	name := p.rest[:end]
	p.rest = strings.TrimSpace(p.rest[end:])
	return name
}

func (p *fieldParser) symbol(c byte) bool {
	if p.rest == "" || p.rest[0] != c {
		return false
	}
	p.rest = strings.TrimSpace(p.rest[1:])
	return true
}

// check refuses what an answer of a type never has.
func (s *selection) check(t reflect.Type, path string) error {
	if s == nil {
		return nil
	}
	for t != nil && (t.Kind() == reflect.Pointer || (t.Kind() == reflect.Slice && !isRaw(t))) {
		t = t.Elem()
	}
	for name, member := range s.members {
		at := strings.TrimPrefix(path+"/"+name, "/")
		of, ok := memberType(t, name)
		if !ok {
			return invalidFields(at)
		}
		if err := member.check(of, at); err != nil {
			return err
		}
	}
	return nil
}

// memberType is the type of a struct's member, or of a map's; nil is one that is not known, such as what any member may be.
func memberType(t reflect.Type, name string) (of reflect.Type, ok bool) {
	switch {
	case t == nil || t.Kind() == reflect.Interface || isRaw(t):
		return nil, true
	case t.Kind() == reflect.Map:
		return t.Elem(), true
	case t.Kind() != reflect.Struct:
		return nil, false
	case name == "*":
		return nil, true
	case name == ownMember:
		_, resource := fieldOf(t, "name")
		return nil, resource
	}
	return fieldOf(t, name)
}

// ownMember is where a resource has what is not Google's: see internal/compute.
const ownMember = "spillway"

// fieldOf is the type of a struct's field by the member's name.
func fieldOf(t reflect.Type, name string) (of reflect.Type, ok bool) {
	for i := range t.NumField() {
		if jsonName(t.Field(i)) == name {
			return t.Field(i).Type, true
		}
	}
	return nil, false
}

func jsonName(f reflect.StructField) string {
	name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
	return name
}

// isRaw says whether a type is JSON already.
func isRaw(t reflect.Type) bool { return t.Kind() == reflect.Slice && t.Elem().Kind() == reflect.Uint8 }

// of is what a selection leaves of an answer's JSON.
func (s *selection) of(body []byte) ([]byte, error) {
	var content any
	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.UseNumber()
	if err := decoder.Decode(&content); err != nil {
		return nil, err
	}
	left, _ := s.left(content)
	return json.Marshal(left)
}

// left is what remains of a value; ok is false if nothing does.
func (s *selection) left(value any) (any, bool) {
	switch v := value.(type) {
	case map[string]any:
		if s.whole {
			return v, true
		}
		return s.leftOfObject(v)
	case []any:
		return s.leftOfList(v)
	}
	return value, s.whole
}

// leftOfList keeps an object for each object, so that they can still be counted.
func (s *selection) leftOfList(list []any) (any, bool) {
	out := make([]any, 0, len(list))
	for _, member := range list {
		some, ok := s.left(member)
		if _, isObject := some.(map[string]any); ok || isObject {
			out = append(out, some)
		}
	}
	return out, s.whole || len(out) > 0
}

func (s *selection) leftOfObject(object map[string]any) (any, bool) {
	out := map[string]any{}
	for name, value := range object {
		below := s.member(name)
		if below == nil {
			continue
		}
		if some, ok := below.left(value); ok {
			out[name] = some
		}
	}
	return out, len(out) > 0
}

// member is what is left of a member: what its name and "*" select.
func (s *selection) member(name string) *selection {
	named, any := s.members[name], s.members["*"]
	switch {
	case named == nil:
		return any
	case any == nil:
		return named
	}
	return &selection{whole: named.whole || any.whole, members: merged(named.members, any.members)}
}

func merged(a, b map[string]*selection) map[string]*selection {
	out := map[string]*selection{}
	for name, s := range a {
		out[name] = s
	}
	for name, s := range b {
		if first := out[name]; first != nil {
			s = &selection{whole: first.whole || s.whole, members: merged(first.members, s.members)}
		}
		out[name] = s
	}
	return out
}
