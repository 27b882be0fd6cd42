// Package googlejson writes the structs of Google's client libraries (google.golang.org/api) as JSON: what their MarshalJSON
// means, ForceSendFields among it, without the passes over each nested struct's text that encoding/json makes of it.
//
// In: such a struct. Out: its JSON; members stand in the struct's order. What the package does not know, encoding/json writes.
//
//	var e googlejson.Encoder
//	b, err := e.Append(nil, &compute.BackendService{Name: "web"})
//
// An Encoder keeps what it has learnt of types, and is safe for concurrent use.
package googlejson

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"sync"
)

// Encoder writes JSON. The zero value is one.
type Encoder struct {
	types sync.Map // reflect.Type to appender
}

// appender appends a value's JSON.
type appender func(b []byte, v reflect.Value) ([]byte, error)

// Append appends a value's JSON.
func (e *Encoder) Append(b []byte, value any) ([]byte, error) {
	v := reflect.ValueOf(value)
	if !v.IsValid() {
		return append(b, "null"...), nil
	}
	return e.of(v.Type())(b, v)
}

// of is the appender of a type. Types that hold themselves find it once it is made.
func (e *Encoder) of(t reflect.Type) appender {
	if known, ok := e.types.Load(t); ok {
		return known.(appender)
	}
	made, _ := e.types.LoadOrStore(t, e.make(t))
	return made.(appender)
}

// later finds the appender of a type when there is something to write, so that a type may hold itself.
func (e *Encoder) later(t reflect.Type) appender {
	return func(b []byte, v reflect.Value) ([]byte, error) { return e.of(t)(b, v) }
}

func (e *Encoder) make(t reflect.Type) appender {
	switch {
	case t.Kind() == reflect.Struct && isSchema(t):
		return e.schema(t)
	case t.Kind() == reflect.Pointer && isSchema(t.Elem()):
		return pointer(e.later(t.Elem()))
	case t.Implements(marshaler) || reflect.PointerTo(t).Implements(marshaler):
		return standard
	}
	switch t.Kind() {
	case reflect.String:
		return text
	case reflect.Bool, reflect.Int, reflect.Int32, reflect.Int64, reflect.Uint, reflect.Uint32, reflect.Uint64:
		return number
	case reflect.Float64:
		return float
	case reflect.Pointer:
		return pointer(e.later(t.Elem()))
	case reflect.Slice:
		if t.Elem().Kind() != reflect.Uint8 { // bytes are base64
			return list(e.later(t.Elem()))
		}
	case reflect.Map:
		if t.Key().Kind() == reflect.String {
			return object(e.later(t.Elem()))
		}
	}
	return standard
}

var marshaler = reflect.TypeFor[json.Marshaler]()

// isSchema says whether a type is a struct of Google's.
func isSchema(t reflect.Type) bool {
	if t.Kind() != reflect.Struct {
		return false
	}
	force, ok := t.FieldByName("ForceSendFields")
	return ok && force.Type == reflect.TypeFor[[]string]()
}

// schema is a struct's members, as their tags say.
type schema struct {
	members []member
	// force and null are the fields that say which members are written though they are empty; -1 for none.
	force, null int
}

type member struct {
	field int
	// name is the field's, key the member's with quotation marks and a colon.
	name, key string
	// quoted numbers are written as text.
	quoted bool
	// always is a member that is written though it is empty.
	always bool
	// nothing is what an empty one is written as: a list's [], not null.
	nothing string
	// pointers that lead nowhere are never written.
	pointer bool
	append  appender
}

func (e *Encoder) schema(t reflect.Type) appender {
	s := schema{force: -1, null: -1}
	for i := range t.NumField() {
		f := t.Field(i)
		switch f.Name {
		case "ForceSendFields":
			s.force = i
		case "NullFields":
			s.null = i
		}
		name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		if name == "" || name == "-" {
			continue
		}
		s.members = append(s.members, e.member(i, f, name, options))
	}
	return s.append
}

func (e *Encoder) member(i int, f reflect.StructField, name, options string) member {
	m := member{
		field: i, name: f.Name, key: fmt.Sprintf("%q:", name), append: e.later(f.Type),
		quoted: strings.Contains(options, "string"), always: !strings.Contains(options, "omitempty"),
	}
	switch f.Type.Kind() {
	case reflect.Slice:
		m.nothing = "[]"
	case reflect.Map:
		m.nothing = "{}"
	case reflect.Pointer, reflect.Interface:
		m.pointer = true
	}
	return m
}

func (s *schema) append(b []byte, v reflect.Value) ([]byte, error) {
	if s.null >= 0 && v.Field(s.null).Len() > 0 {
		return standard(b, v) // for requests, which are not what this is for
	}
	var forced []string
	if s.force >= 0 {
		forced, _ = v.Field(s.force).Interface().([]string)
	}
	var err error
	b = append(b, '{')
	begin := len(b)
	for i := range s.members {
		m := &s.members[i]
		field := v.Field(m.field)
		if empty(field) && !m.always && (m.pointer || !m.forced(forced)) {
			continue
		}
		if len(b) > begin {
			b = append(b, ',')
		}
		if b, err = m.write(append(b, m.key...), field, len(forced) > 0); err != nil {
			return b, err
		}
	}
	return append(b, '}'), nil
}

func (m *member) forced(fields []string) bool {
	for _, f := range fields {
		if f == m.name {
			return true
		}
	}
	return false
}

// write appends a member's value. A list that is nil is one without members where something is forced, as at Google.
func (m *member) write(b []byte, v reflect.Value, forcing bool) ([]byte, error) {
	switch {
	case m.nothing != "" && forcing && v.IsNil():
		return append(b, m.nothing...), nil
	case !m.quoted:
		return m.append(b, v)
	}
	b, err := m.append(append(b, '"'), v)
	return append(b, '"'), err
}

// empty is what encoding/json means by omitempty.
func empty(v reflect.Value) bool {
	switch v.Kind() {
	case reflect.Slice, reflect.Map, reflect.String, reflect.Array:
		return v.Len() == 0
	case reflect.Struct:
		return false
	}
	return v.IsZero()
}
