package filter

import (
	"strings"

	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
	"github.com/spillway-lb/spillway/internal/proxy/field"
	"github.com/spillway-lb/spillway/internal/proxy/header"
	"github.com/spillway-lb/spillway/internal/proxy/message"
	"github.com/spillway-lb/spillway/internal/proxy/refusal"
	"github.com/spillway-lb/spillway/internal/proxy/variable"
)

// HeaderEdit is a compiled HeaderEdit. nil edits nothing.
type HeaderEdit struct {
	set, add []editedField
	remove   [][]byte
	host     []byte
}

// CompileRequestEdit checks names and values of an edit of requests. An empty or nil edit compiles to nil.
//
// Fields that frame a message or belong to one connection are the proxy's own and refused, as are pseudo-headers. `host`
// may be set (it is the request's authority), neither added, for there is one, nor removed. Of several fields of one name
// in a list the first counts. A name that no header can have is not there to be removed.
func CompileRequestEdit(e *lbv1.HeaderEdit) (*HeaderEdit, error) { return compileEdit(e, true) }

// CompileResponseEdit is CompileRequestEdit for answers, where `host` is a header like any other.
func CompileResponseEdit(e *lbv1.HeaderEdit) (*HeaderEdit, error) { return compileEdit(e, false) }

func compileEdit(e *lbv1.HeaderEdit, request bool) (*HeaderEdit, error) {
	out := &HeaderEdit{}
	var err error
	if out.set, err = compileFields("set", e.GetSet()); err != nil {
		return nil, err
	}
	if out.add, err = compileFields("add", e.GetAdd()); err != nil {
		return nil, err
	}
	for i, name := range e.GetRemove() {
		name = strings.ToLower(name)
		if err := checkEditable(name); err != nil {
			return nil, refusal.At(refusal.Item("remove", i), err)
		}
		if field.ValidName(name) {
			out.remove = append(out.remove, []byte(name))
		}
	}
	if request {
		if err := out.takeHost(e); err != nil {
			return nil, err
		}
	}
	if len(out.set) == 0 && len(out.add) == 0 && len(out.remove) == 0 && out.host == nil {
		return nil, nil
	}
	return out, nil
}

// editedField is a field with a fixed value, or with variables in it.
type editedField struct {
	header.Field
	template *variable.Template
}

// Expander fills in the variables of one exchange.
type Expander interface {
	// Expand returns a value that lives as long as the exchange.
	Expand(*variable.Template) []byte
}

func (f *editedField) value(from Expander) []byte {
	if f.template == nil {
		return f.Value
	}
	return from.Expand(f.template)
}

// compileFields leaves out a name that was there before.
func compileFields(list string, in []*lbv1.Header) ([]editedField, error) {
	var out []editedField
	seen := map[string]bool{}
	for i, h := range in {
		name := strings.ToLower(h.GetName())
		if !field.ValidName(name) {
			return nil, refusal.Errorf(refusal.Item(list, i)+".name", "no header can be called %q", h.GetName())
		}
		if err := checkEditable(name); err != nil {
			return nil, refusal.At(refusal.Item(list, i)+".name", err)
		}
		if err := CheckHeaderValue(h.GetValue()); err != nil {
			return nil, refusal.At(refusal.Item(list, i)+".value", err)
		}
		template, text, err := variable.Parse(h.GetValue())
		if err != nil {
			return nil, refusal.At(refusal.Item(list, i)+".value", err)
		}
		if !seen[name] {
			seen[name] = true
			out = append(out, editedField{header.Field{Name: []byte(name), Value: []byte(text), ID: header.Lookup([]byte(name))}, template})
		}
	}
	return out, nil
}

// takeHost makes `host` the authority that it is.
func (e *HeaderEdit) takeHost(in *lbv1.HeaderEdit) error {
	for i, name := range in.GetRemove() {
		if strings.EqualFold(name, "host") {
			return refusal.Errorf(refusal.Item("remove", i), "no request goes without a host; it can be set")
		}
	}
	for i, h := range in.GetAdd() {
		if strings.EqualFold(h.GetName(), "host") {
			return refusal.Errorf(refusal.Item("add", i), "a request has one host; it can be set")
		}
	}
	for i := range e.set {
		if e.set[i].ID != header.Host {
			continue
		}
		if e.set[i].template != nil {
			return refusal.Errorf(refusal.Item("set", firstOf(in.GetSet(), "host"))+".value", "a request's host cannot have variables")
		}
		host := e.set[i].Value
		if !message.ValidAuthority(host) {
			return refusal.Errorf(refusal.Item("set", firstOf(in.GetSet(), "host"))+".value", "%q is not a host", e.set[i].Value)
		}
		e.host = host
		e.set = append(e.set[:i], e.set[i+1:]...)
		return nil
	}
	return nil
}

func firstOf(in []*lbv1.Header, name string) int {
	for i, h := range in {
		if strings.EqualFold(h.GetName(), name) {
			return i
		}
	}
	return 0
}

// Apply edits the fields of an answer. from fills in variables.
func (e *HeaderEdit) Apply(m *header.Map, from Expander) {
	if e == nil {
		return
	}
	for i := range e.set {
		if f := &e.set[i]; f.ID != header.Other {
			m.SetID(f.ID, f.value(from))
		} else {
			m.Set(f.Name, f.value(from))
		}
	}
	for i := range e.add {
		m.Add(e.add[i].Name, e.add[i].value(from))
	}
	for _, name := range e.remove {
		m.DelName(name)
	}
}

// ApplyRequest edits the fields of a request; `host` is its authority.
func (e *HeaderEdit) ApplyRequest(r *message.Request, from Expander) {
	if e == nil {
		return
	}
	if e.host != nil {
		r.Authority = e.host
	}
	e.Apply(&r.Header, from)
}

// checkEditable refuses what is the proxy's own.
func checkEditable(name string) error {
	if strings.HasPrefix(name, ":") {
		return refusal.Errorf("", "%q is no header but a part of the request, and cannot be edited", name)
	}
	if field.Framing(header.Lookup([]byte(name))) {
		return refusal.Errorf("", "header %q belongs to the connection and cannot be edited", name)
	}
	return nil
}

// CheckHeaderValue says why no header can have a value.
func CheckHeaderValue(v string) error {
	switch {
	case field.ValidValue(v):
	case field.HasControl([]byte(v)):
		return refusal.Errorf("", "the value %q has a control byte", v)
	default:
		return refusal.Errorf("", "the value %q begins or ends with white space", v)
	}
	return nil
}
