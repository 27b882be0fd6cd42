package filter

import (
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
func CompileHeaderEdit(e *lbv1.HeaderEdit) (*HeaderEdit, error) { return nil, nil }

// Apply edits the fields of an answer.
func (e *HeaderEdit) Apply(m *header.Map) {}

// ApplyRequest edits the fields of a request; `host` is its authority.
func (e *HeaderEdit) ApplyRequest(r *message.Request) {}
