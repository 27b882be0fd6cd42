package filter

import (
	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
	"github.com/spillway-lb/spillway/internal/proxy/message"
)

// Redirect is a compiled Redirect.
type Redirect struct {
	Status int
	scheme string
	host   string
	port   uint16
	path   pathEdit
}

// CompileRedirect takes the prefix that the rule's match names ("" when it matches otherwise).
func CompileRedirect(r *lbv1.Redirect, matchedPrefix string) (*Redirect, error) { return nil, nil }

// Location appends the value of the Location header to dst. boundPort is the port that the connection came in on.
func (r *Redirect) Location(dst []byte, req *message.Request, boundPort uint16) []byte { return dst }
