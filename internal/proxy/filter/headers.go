package filter

import (
	"fmt"
	"strings"

	"github.com/spillway-lb/spillway/internal/proxy/field"

	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
	"github.com/spillway-lb/spillway/internal/proxy/header"
	"github.com/spillway-lb/spillway/internal/proxy/message"
)

// HeaderEdit is a compiled HeaderEdit. nil edits nothing.
type HeaderEdit struct {
	set, add []header.Field
	remove   [][]byte
	host     []byte
}

// CompileHeaderEdit checks names and values. An empty or nil edit compiles to nil.
//
// Fields that frame a message or belong to one connection are the proxy's own and refused, as are pseudo-headers. `host`
// may be set (it is the request's authority), not removed.
func CompileHeaderEdit(e *lbv1.HeaderEdit) (*HeaderEdit, error) {
	if len(e.GetSet()) == 0 && len(e.GetAdd()) == 0 && len(e.GetRemove()) == 0 {
		return nil, nil
	}
	out := &HeaderEdit{}
	for _, h := range e.GetSet() {
		if err := out.compileField(h, &out.set); err != nil {
			return nil, err
		}
	}
	for _, h := range e.GetAdd() {
		if err := out.compileField(h, &out.add); err != nil {
			return nil, err
		}
	}
	for _, name := range e.GetRemove() {
		name = strings.ToLower(name)
		if err := checkEditable(name); err != nil {
			return nil, err
		}
		if name == "host" {
			return nil, fmt.Errorf("header %q cannot be removed", name)
		}
		out.remove = append(out.remove, []byte(name))
	}
	return out, nil
}

func (e *HeaderEdit) compileField(h *lbv1.Header, to *[]header.Field) error {
	name := strings.ToLower(h.GetName())
	if err := checkEditable(name); err != nil {
		return err
	}
	if err := checkValue(h.GetValue()); err != nil {
		return fmt.Errorf("header %q: %w", name, err)
	}
	if name == "host" {
		if h.GetValue() == "" {
			return fmt.Errorf("header %q cannot be empty", name)
		}
		e.host = []byte(strings.ToLower(h.GetValue()))
		return nil
	}
	*to = append(*to, header.Field{Name: []byte(name), Value: []byte(h.GetValue()), ID: header.Lookup([]byte(name))})
	return nil
}

// Apply edits the fields of an answer.
func (e *HeaderEdit) Apply(m *header.Map) {
	if e == nil {
		return
	}
	for i := range e.set {
		if f := &e.set[i]; f.ID != header.Other {
			m.SetID(f.ID, f.Value)
		} else {
			m.Set(f.Name, f.Value)
		}
	}
	for i := range e.add {
		m.Add(e.add[i].Name, e.add[i].Value)
	}
	for _, name := range e.remove {
		m.DelName(name)
	}
}

// ApplyRequest edits the fields of a request; `host` is its authority.
func (e *HeaderEdit) ApplyRequest(r *message.Request) {
	if e == nil {
		return
	}
	if e.host != nil {
		r.Authority = e.host
	}
	e.Apply(&r.Header)
}

func checkEditable(name string) error {
	if !field.ValidName(name) {
		return fmt.Errorf("header name %q is not valid", name)
	}
	if field.Framing(header.Lookup([]byte(name))) {
		return fmt.Errorf("header %q belongs to the connection and cannot be edited", name)
	}
	return nil
}

func checkValue(v string) error {
	for i := 0; i < len(v); i++ {
		if c := v[i]; (c < ' ' && c != '\t') || c == 0x7f {
			return fmt.Errorf("value has the control byte 0x%02x", c)
		}
	}
	if strings.TrimSpace(v) != v {
		return fmt.Errorf("value %q begins or ends with white space", v)
	}
	return nil
}
