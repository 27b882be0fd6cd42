package extension

import (
	"github.com/spillway-lb/spillway/internal/proxy/field"
	"github.com/spillway-lb/spillway/internal/proxy/header"
)

// Fields are the header fields, or the trailers, of a message. Names may be given in any case.
type Fields struct {
	m        *header.Map
	policy   *Policy
	trailers bool
	late     bool
	// host sets the authority of a request; nil for other messages, which have no such field.
	host func(value []byte) error
}

// NewTrailers shows trailers to a filter whose body has them.
func NewTrailers(m *header.Map, p *Policy) *Fields {
	return &Fields{m: m, policy: orNothing(p), trailers: true}
}

// Len is the number of fields.
func (f *Fields) Len() int { return f.m.Len() }

// At is the i-th field in wire order. The name is in lower case. The bytes must not be changed, and not be kept.
func (f *Fields) At(i int) (name, value []byte) {
	at := f.m.At(i)
	return at.Name, at.Value
}

// Get is the first value of a name.
func (f *Fields) Get(name string) ([]byte, bool) { return f.m.GetName(lowered(name)) }

// Set replaces all fields of the name by one.
func (f *Fields) Set(name string, value []byte) error {
	n, err := f.checked(name, value)
	if err != nil {
		return err
	}
	if f.isHost(n) {
		return f.host(value)
	}
	f.m.Set(n, append([]byte(nil), value...))
	return nil
}

// Add appends a field.
func (f *Fields) Add(name string, value []byte) error {
	n, err := f.checked(name, value)
	if err != nil {
		return err
	}
	if f.isHost(n) {
		return f.host(value) // a request has one authority
	}
	f.m.Add(n, append([]byte(nil), value...))
	return nil
}

// Del removes all fields of the name.
func (f *Fields) Del(name string) error {
	n, err := f.checked(name, nil)
	if err != nil {
		return err
	}
	if f.isHost(n) {
		return ErrForbidden
	}
	f.m.DelName(n)
	return nil
}

func (f *Fields) checked(name string, value []byte) ([]byte, error) {
	n := lowered(name)
	err := f.policy.check(n)
	switch id := header.Lookup(n); {
	case f.late:
		return nil, ErrLate
	case err != nil:
		return nil, err
	case !field.ValidValue(value):
		return nil, ErrInvalid
	case f.trailers && field.NotInTrailers(id), id == header.Host && f.host == nil:
		return nil, ErrForbidden
	}
	return n, nil
}

func (f *Fields) isHost(name []byte) bool { return header.Lookup(name) == header.Host }

func lowered(name string) []byte {
	n := []byte(name)
	field.Lower(n)
	return n
}

// valid reports whether a field may stand in a message that a filter made.
func valid(name, value []byte) bool {
	return field.ValidName(name) && field.ValidValue(value) && !field.Framing(header.Lookup(name))
}

// AddReplyFields adds what is valid of a local reply's fields.
func AddReplyFields(m *header.Map, fields []Field) {
	for _, f := range fields {
		name, value := lowered(f.Name), []byte(f.Value)
		if valid(name, value) && header.Lookup(name) != header.Host {
			m.Add(name, value)
		}
	}
}

// CleanTrailers deletes what has no place in trailers: they come from a filter's body, which no setter has checked.
func CleanTrailers(m *header.Map) {
	if m == nil {
		return
	}
	for i := 0; i < m.Len(); {
		f := m.At(i)
		if !valid(f.Name, f.Value) || field.NotInTrailers(f.ID) {
			m.DelName(append([]byte(nil), f.Name...))
			i = 0
			continue
		}
		i++
	}
}
