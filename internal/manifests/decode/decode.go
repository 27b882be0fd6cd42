// Package decode turns JSON values into typed objects, strictly, and says for each field what does not fit.
//
// In: what package document makes of a manifest, and a pointer to a typed object of a Kubernetes API. Out: the object
// filled, and a violation with its field path for every field that the type does not have and every value of another
// type. encoding/json stops at the first of these and cannot say where it stands. Names count as they are spelt.
package decode

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math"
	"reflect"
	"strings"
	"sync"

	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/spillway-lb/spillway/internal/manifests/document"
)

// Decoder remembers the fields of the types it has met. It is safe for concurrent use.
type Decoder struct {
	fields sync.Map // reflect.Type to map[string][]int: field indexes by JSON name
}

// Into fills what out points to.
func (c *Decoder) Into(value map[string]any, out any) []document.Violation {
	d := decoder{types: c}
	d.structure(nil, value, reflect.ValueOf(out).Elem())
	return d.violations
}

// decoder decodes one object.
type decoder struct {
	types      *Decoder
	violations []document.Violation
}

func (d *decoder) wrongType(path *field.Path, value any, want string) {
	d.violations = append(d.violations, document.Violation{
		Path: path.String(), Rule: string(field.ErrorTypeTypeInvalid),
		Message: fmt.Sprintf("Invalid value: %q: must be of type %s", typeName(value), want),
	})
}

func typeName(value any) string {
	switch value.(type) {
	case string:
		return "string"
	case bool:
		return "boolean"
	case int64:
		return "integer"
	case float64:
		return "number"
	case []any:
		return "array"
	case map[string]any:
		return "object"
	default:
		return "null"
	}
}

var unmarshaler = reflect.TypeFor[json.Unmarshaler]()

// value fills one settable value. A null leaves it alone.
func (d *decoder) value(path *field.Path, in any, out reflect.Value) {
	if in == nil {
		return
	}
	if out.Kind() == reflect.Pointer {
		if out.IsNil() {
			out.Set(reflect.New(out.Type().Elem()))
		}
		d.value(path, in, out.Elem())
		return
	}
	if out.Addr().Type().Implements(unmarshaler) {
		d.custom(path, in, out)
		return
	}
	switch out.Kind() {
	case reflect.Struct:
		if fields, ok := in.(map[string]any); ok {
			d.structure(path, fields, out)
		} else {
			d.wrongType(path, in, "object")
		}
	case reflect.Map:
		d.mapping(path, in, out)
	case reflect.Slice:
		d.slice(path, in, out)
	case reflect.Interface:
		out.Set(reflect.ValueOf(in))
	default:
		d.scalar(path, in, out)
	}
}

// custom serves the types that decode themselves: IntOrString, Quantity, Time ...
func (d *decoder) custom(path *field.Path, in any, out reflect.Value) {
	data, err := json.Marshal(in)
	if err == nil {
		err = out.Addr().Interface().(json.Unmarshaler).UnmarshalJSON(data)
	}
	if err != nil {
		d.violations = append(d.violations, document.Violation{
			Path: path.String(), Rule: string(field.ErrorTypeInvalid), Message: fmt.Sprintf("Invalid value: %s: %v", data, err),
		})
	}
}

func (d *decoder) structure(path *field.Path, in map[string]any, out reflect.Value) {
	fields := d.types.fieldsOf(out.Type())
	for name, v := range in {
		at := childOf(path, name)
		index, ok := fields[name]
		if !ok {
			d.violations = append(d.violations, unknownField(at, name, fields))
			continue
		}
		d.value(at, v, out.FieldByIndex(index))
	}
}

func childOf(path *field.Path, name string) *field.Path {
	if path == nil {
		return field.NewPath(name)
	}
	return path.Child(name)
}

func unknownField(at *field.Path, name string, fields map[string][]int) document.Violation {
	v := document.Violation{Path: at.String(), Rule: document.RuleUnknownField, Message: "unknown field", AtKey: true}
	for other := range fields {
		if strings.EqualFold(other, name) {
			v.Message += fmt.Sprintf(" (it is spelt %s)", other)
		}
	}
	return v
}

func (d *decoder) mapping(path *field.Path, in any, out reflect.Value) {
	fields, ok := in.(map[string]any)
	if !ok {
		d.wrongType(path, in, "object")
		return
	}
	out.Set(reflect.MakeMapWithSize(out.Type(), len(fields)))
	for k, v := range fields {
		element := reflect.New(out.Type().Elem()).Elem()
		d.value(path.Key(k), v, element)
		out.SetMapIndex(reflect.ValueOf(k).Convert(out.Type().Key()), element)
	}
}

func (d *decoder) slice(path *field.Path, in any, out reflect.Value) {
	if out.Type().Elem().Kind() == reflect.Uint8 {
		d.bytes(path, in, out)
		return
	}
	items, ok := in.([]any)
	if !ok {
		d.wrongType(path, in, "array")
		return
	}
	out.Set(reflect.MakeSlice(out.Type(), len(items), len(items)))
	for i, item := range items {
		d.value(path.Index(i), item, out.Index(i))
	}
}

func (d *decoder) bytes(path *field.Path, in any, out reflect.Value) {
	text, ok := in.(string)
	if !ok {
		d.wrongType(path, in, "string")
		return
	}
	data, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		d.violations = append(d.violations, document.Violation{
			Path: path.String(), Rule: string(field.ErrorTypeInvalid), Message: "Invalid value: must be base64: " + err.Error(),
		})
		return
	}
	out.SetBytes(data)
}

func (d *decoder) scalar(path *field.Path, in any, out reflect.Value) {
	switch out.Kind() {
	case reflect.String:
		if v, ok := in.(string); ok {
			out.SetString(v)
			return
		}
		d.wrongType(path, in, "string")
	case reflect.Bool:
		if v, ok := in.(bool); ok {
			out.SetBool(v)
			return
		}
		d.wrongType(path, in, "boolean")
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		d.integer(path, in, out)
	case reflect.Float32, reflect.Float64:
		switch v := in.(type) {
		case float64:
			out.SetFloat(v)
		case int64:
			out.SetFloat(float64(v))
		default:
			d.wrongType(path, in, "number")
		}
	default:
		d.wrongType(path, in, out.Kind().String())
	}
}

func (d *decoder) integer(path *field.Path, in any, out reflect.Value) {
	if f, ok := in.(float64); ok && f == math.Trunc(f) && math.Abs(f) < 1<<53 {
		in = int64(f)
	}
	v, ok := in.(int64)
	if !ok {
		d.wrongType(path, in, "integer")
		return
	}
	if out.OverflowInt(v) {
		d.violations = append(d.violations, document.Violation{
			Path: path.String(), Rule: string(field.ErrorTypeInvalid),
			Message: fmt.Sprintf("Invalid value: %d: does not fit into %s", v, out.Kind()),
		})
		return
	}
	out.SetInt(v)
}

func (c *Decoder) fieldsOf(t reflect.Type) map[string][]int {
	if cached, ok := c.fields.Load(t); ok {
		return cached.(map[string][]int)
	}
	fields := map[string][]int{}
	for i := range t.NumField() {
		f := t.Field(i)
		name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		switch {
		case name == "-" || !f.IsExported():
		case f.Anonymous && name == "", strings.Contains(options, "inline"):
			for inner, index := range c.fieldsOf(f.Type) {
				fields[inner] = append([]int{i}, index...)
			}
		case name == "":
			fields[f.Name] = []int{i}
		default:
			fields[name] = []int{i}
		}
	}
	c.fields.Store(t, fields)
	return fields
}
