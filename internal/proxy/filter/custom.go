package filter

import (
	"bytes"
	"slices"
	"strings"

	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
	"github.com/spillway-lb/spillway/internal/proxy/header"
	"github.com/spillway-lb/spillway/internal/proxy/refusal"
)

// CompileCustomRequestHeaders makes an edit of a backend service's custom headers, by Google's rules for them: names that are the load
// balancer's own are refused, one name stands in the list once.
func CompileCustomRequestHeaders(list []*lbv1.Header) (*HeaderEdit, error) {
	for i, h := range list {
		if strings.EqualFold(h.GetName(), "host") {
			return nil, refusal.Errorf(refusal.Item("", i)+".name", "a backend service does not change a request's host; a route can")
		}
	}
	return compileCustom(list)
}

// CompileCustomResponseHeaders is CompileCustomRequestHeaders for answers.
func CompileCustomResponseHeaders(list []*lbv1.Header) (*HeaderEdit, error) {
	return compileCustom(list)
}

func compileCustom(list []*lbv1.Header) (*HeaderEdit, error) {
	seen := map[string]bool{}
	for i, h := range list {
		name := strings.ToLower(h.GetName())
		if reserved(name) {
			return nil, refusal.Errorf(refusal.Item("", i)+".name", "header %q is the load balancer's own", h.GetName())
		}
		if seen[name] {
			return nil, refusal.Errorf(refusal.Item("", i)+".name", "header %q is there twice", h.GetName())
		}
		seen[name] = true
	}
	fields, err := compileFields("", list)
	if err != nil || len(fields) == 0 {
		return nil, err
	}
	return &HeaderEdit{set: fields}, nil
}

// reserved are the names that Google's load balancers take for themselves.
func reserved(name string) bool {
	for _, prefix := range []string{"x-google", "x-goog-", "x-gfe", "x-amz-"} {
		if strings.HasPrefix(name, prefix) {
			return true
		}
	}
	switch name {
	case "x-user-ip", "cdn-loop", "authority", "proxy-authorization", "proxy-authenticate":
		return true
	}
	return false
}

// ApplyUnless edits the fields of a message, but for those that an edit of the route says something about: it is the route's that holds.
func (e *HeaderEdit) ApplyUnless(m *header.Map, from Expander, rule, backend *HeaderEdit) {
	if e == nil {
		return
	}
	for i := range e.set {
		if f := &e.set[i]; !rule.touches(f.Name) && !backend.touches(f.Name) {
			m.Set(f.Name, f.value(from))
		}
	}
}

// touches tells whether the edit names the field.
func (e *HeaderEdit) touches(name []byte) bool {
	if e == nil {
		return false
	}
	same := func(o editedField) bool { return bytes.Equal(o.Name, name) }
	return slices.ContainsFunc(e.set, same) || slices.ContainsFunc(e.add, same) ||
		slices.ContainsFunc(e.remove, func(removed []byte) bool { return bytes.Equal(removed, name) })
}
