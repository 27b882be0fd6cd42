// Package header holds the header fields of one message.
//
// In: names and values as byte slices that live as long as the message (a read buffer, an HPACK arena). Out: look-ups,
// edits, iteration in wire order. Names are lower case always: the codecs lower them as they parse, so a Map moves
// between HTTP/1 and HTTP/2 unchanged. Pseudo-headers are never in a Map.
//
// A Map copies nothing. CopyFrom duplicates the field list, not the bytes, which is what lets every attempt of a
// request edit its own view and start again from the original.
package header

import "bytes"

// Field is one header field. Name is lower case.
type Field struct {
	Name  []byte
	Value []byte
	ID    ID
}

// Map is a list of fields in wire order. The zero value is empty and ready.
type Map struct {
	fields []Field
	// may has a bit for each known name that may be there. Most questions are about names that are not.
	may uint64
}

// One word has a bit for every ID.
var _ [64 - numIDs]struct{}

func (m *Map) mayHave(id ID) bool { return m.may&(1<<id) != 0 }

func (m *Map) put(f Field) {
	m.fields = append(m.fields, f)
	m.may |= 1 << f.ID
}

// Reset empties the map and keeps its memory.
func (m *Map) Reset() {
	clear(m.fields)
	m.fields, m.may = m.fields[:0], 0
}

// Len is the number of fields.
func (m *Map) Len() int { return len(m.fields) }

// At returns the i-th field. The pointer is good until the next edit.
func (m *Map) At(i int) *Field { return &m.fields[i] }

// CopyFrom makes m the same list as src; the bytes are shared.
func (m *Map) CopyFrom(src *Map) {
	m.fields = append(m.fields[:0], src.fields...)
	m.may = src.may
}

// Add appends a field whose name is already lower case.
func (m *Map) Add(name, value []byte) {
	m.put(Field{Name: name, Value: value, ID: Lookup(name)})
}

// AddID appends a field by its known name.
func (m *Map) AddID(id ID, value []byte) {
	m.put(Field{Name: names[id], Value: value, ID: id})
}

// Get returns the first value of a known name, or nil and false.
func (m *Map) Get(id ID) ([]byte, bool) {
	if !m.mayHave(id) {
		return nil, false
	}
	return m.find(id)
}

func (m *Map) find(id ID) ([]byte, bool) {
	for i := range m.fields {
		if m.fields[i].ID == id {
			return m.fields[i].Value, true
		}
	}
	return nil, false
}

// GetName returns the first value of a lower-case name.
func (m *Map) GetName(name []byte) ([]byte, bool) {
	if id := Lookup(name); id != Other {
		return m.Get(id)
	}
	for i := range m.fields {
		if m.fields[i].ID == Other && bytes.Equal(m.fields[i].Name, name) {
			return m.fields[i].Value, true
		}
	}
	return nil, false
}

// Count is the number of fields with a known name.
func (m *Map) Count(id ID) int {
	n := 0
	if !m.mayHave(id) {
		return 0
	}
	for i := range m.fields {
		if m.fields[i].ID == id {
			n++
		}
	}
	return n
}

// Del removes every field of a known name.
func (m *Map) Del(id ID) {
	if !m.mayHave(id) {
		return
	}
	m.may &^= 1 << id
	m.deleteFunc(func(f *Field) bool { return f.ID == id })
}

// DelName removes every field of a lower-case name.
func (m *Map) DelName(name []byte) {
	if id := Lookup(name); id != Other {
		m.Del(id)
		return
	}
	m.deleteFunc(func(f *Field) bool { return f.ID == Other && bytes.Equal(f.Name, name) })
}

// Set replaces every field of the name by one, at the place of the first.
func (m *Map) Set(name, value []byte) {
	id := Lookup(name)
	if id != Other {
		m.SetID(id, value)
		return
	}
	for i := range m.fields {
		if m.fields[i].ID == Other && bytes.Equal(m.fields[i].Name, name) {
			m.fields[i].Value = value
			m.deleteAfter(i, func(f *Field) bool { return f.ID == Other && bytes.Equal(f.Name, name) })
			return
		}
	}
	m.put(Field{Name: name, Value: value})
}

// SetID is Set for a known name.
func (m *Map) SetID(id ID, value []byte) {
	if !m.mayHave(id) {
		m.AddID(id, value)
		return
	}
	for i := range m.fields {
		if m.fields[i].ID == id {
			m.fields[i].Value = value
			m.deleteAfter(i, func(f *Field) bool { return f.ID == id })
			return
		}
	}
	m.AddID(id, value)
}

func (m *Map) deleteFunc(drop func(*Field) bool) { m.deleteAfter(-1, drop) }

func (m *Map) deleteAfter(i int, drop func(*Field) bool) {
	keep := m.fields[:i+1]
	for j := i + 1; j < len(m.fields); j++ {
		if !drop(&m.fields[j]) {
			keep = append(keep, m.fields[j])
		}
	}
	clear(m.fields[len(keep):])
	m.fields = keep
}
