package extension

import (
	"bytes"

	"github.com/spillway-lb/spillway/internal/proxy/field"
	"github.com/spillway-lb/spillway/internal/proxy/message"
	"github.com/spillway-lb/spillway/internal/proxy/requestpath"
)

// Bodies is how a head reaches the body behind it.
type Bodies interface {
	// Source is the body as it is; the reader of a request's says with it that the client may send.
	Source() message.Body
	// Replace sets another one. length may be message.UnknownLength.
	Replace(b message.Body, length int64)
}

// Request is the head of a request, and the way to its body.
type Request struct {
	Fields
	m      *message.Request
	bodies Bodies
}

// NewRequest shows a request to a filter. For the engine.
func NewRequest(m *message.Request, p *Policy, b Bodies) *Request {
	q := &Request{m: m, bodies: b, Fields: Fields{m: &m.Header, policy: orNothing(p)}}
	q.host = q.SetAuthority
	return q
}

// Show makes one, which is to be read alone, show another message. For the engine.
func (q *Request) Show(m *message.Request) {
	*q = Request{m: m, Fields: Fields{m: &m.Header, policy: nothing, late: true}}
}

func orNothing(p *Policy) *Policy {
	if p == nil {
		return nothing
	}
	return p
}

// Close makes further edits fail. For the engine.
func (q *Request) Close() { q.late = true }

// Method is the request's method; so are Scheme, Authority and Path (with query) its own. They must not be changed in
// place.
func (q *Request) Method() []byte { return q.m.Method }

// Scheme is "http" or "https".
func (q *Request) Scheme() []byte { return q.m.Scheme }

// Authority is host[:port].
func (q *Request) Authority() []byte { return q.m.Authority }

// Path is the path with the query.
func (q *Request) Path() []byte { return q.m.Path }

// RoutePath is the path with the query as rules read it: whoever decides by the path must, lest another spelling evade it.
func (q *Request) RoutePath() []byte {
	if q.m.RoutePath == nil {
		return q.m.Path
	}
	return q.m.RoutePath
}

// Upgrade is the protocol that the client wants to switch to; nil mostly.
func (q *Request) Upgrade() []byte { return q.m.Protocol }

// Version is the client's version of HTTP.
func (q *Request) Version() (major, minor uint8) { return q.m.Major, q.m.Minor }

// HasBody reports whether the client sends a body.
func (q *Request) HasBody() bool { return q.m.Body != nil }

// Length is that of the body: message.UnknownLength where the client has not said it, 0 without a body.
func (q *Request) Length() int64 { return q.m.ContentLength }

// SetMethod changes the method. Only route extensions may.
func (q *Request) SetMethod(v []byte) error {
	switch {
	case q.late:
		return ErrLate
	case !q.policy.routing, q.m.Protocol != nil:
		return ErrForbidden
	case !field.ValidToken(v), string(v) == "CONNECT":
		return ErrInvalid
	}
	q.m.Method = bytes.Clone(v)
	return nil
}

// SetScheme changes the scheme that redirects and the backend see. Only route extensions may.
func (q *Request) SetScheme(v []byte) error {
	switch {
	case q.late:
		return ErrLate
	case !q.policy.routing:
		return ErrForbidden
	case string(v) == "http":
		q.m.Scheme = message.SchemeHTTP
	case string(v) == "https":
		q.m.Scheme = message.SchemeHTTPS
	default:
		return ErrInvalid
	}
	return nil
}

// SetAuthority changes the host. Only route extensions may.
func (q *Request) SetAuthority(v []byte) error {
	switch {
	case q.late:
		return ErrLate
	case !q.policy.routing:
		return ErrForbidden
	case !message.ValidAuthority(v):
		return ErrInvalid
	}
	q.m.Authority = bytes.Clone(v)
	return nil
}

// SetPath changes the path with the query. Dot segments are resolved.
func (q *Request) SetPath(v []byte) error {
	switch {
	case q.late:
		return ErrLate
	case !field.ValidTarget(v):
		return ErrInvalid
	case string(v) == "*" && string(q.m.Method) == "OPTIONS":
	case v[0] != '/':
		return ErrInvalid
	}
	q.m.Path, q.m.RoutePath = requestpath.Normalize(bytes.Clone(v)), nil
	return nil
}

// Body is the request's body, to be wrapped or read; nil without one. Close on it does nothing: it is the exchange's. A
// client that waits for a 100 gets it.
func (q *Request) Body() message.Body {
	if q.late {
		return nil
	}
	return q.bodies.Source()
}

// SetBody replaces the body. length is message.UnknownLength unless exactly that many bytes come: a message whose body is
// of another length than it says is cut off. nil leaves none. A request for another protocol has no body.
func (q *Request) SetBody(b message.Body, length int64) error {
	switch {
	case q.late:
		return ErrLate
	case q.m.Protocol != nil:
		return ErrForbidden
	}
	q.bodies.Replace(b, length)
	return nil
}

// Response is the head of an answer, and the way to its body.
type Response struct {
	Fields
	m      *message.Response
	bodies Bodies
	hold   bool
}

// NewResponse shows an answer to a filter; without bodies only its head can be changed. For the engine.
func NewResponse(m *message.Response, p *Policy, b Bodies) *Response {
	return &Response{m: m, bodies: b, Fields: Fields{m: &m.Header, policy: orNothing(p)}}
}

// Close makes further edits fail. For the engine.
func (r *Response) Close() { r.late = true }

// Status is the answer's status.
func (r *Response) Status() int { return r.m.Status }

// HasBody reports whether a body may follow.
func (r *Response) HasBody() bool { return r.bodies != nil && r.m.Body != nil }

// Length is as Request.Length.
func (r *Response) Length() int64 { return r.m.ContentLength }

// SetStatus changes the status of a final answer, to 200 to 599.
func (r *Response) SetStatus(status int) error {
	switch {
	case r.late:
		return ErrLate
	case r.m.Status < 200:
		return ErrForbidden
	case status < 200 || status > 599:
		return ErrInvalid
	}
	r.m.Status = status
	return nil
}

// Body is as Request.Body.
func (r *Response) Body() message.Body {
	if r.late || r.bodies == nil {
		return nil
	}
	return r.bodies.Source()
}

// SetBody is as Request.SetBody.
func (r *Response) SetBody(b message.Body, length int64) error {
	switch {
	case r.late:
		return ErrLate
	case r.bodies == nil:
		return ErrForbidden
	}
	r.bodies.Replace(b, length)
	return nil
}

// Hold keeps the head back until the first piece of the body, or its end, has been pulled. Until then the head may still be
// changed, and an error of the body is a whole answer.
func (r *Response) Hold() { r.hold = true }

// Held reports whether Hold was called. For the engine.
func (r *Response) Held() bool { return r.hold }
