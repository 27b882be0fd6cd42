package exchange

import (
	"time"

	"github.com/spillway-lb/spillway/internal/proxy/filter"
	"github.com/spillway-lb/spillway/internal/proxy/header"
	"github.com/spillway-lb/spillway/internal/proxy/message"
)

// prepare does what the rule says about the request as filters have left it: redirects, edits, rewrites; and adds forwarded headers.
// false: it has answered locally.
func (x *Exchange) prepare() bool {
	if !x.readPathAgain() {
		return false
	}
	if r := x.redirection(); r != nil {
		x.redirect(r)
		return false
	}
	x.forward()
	if x.rule != nil {
		x.rule.RequestHeaders.ApplyRequest(&x.Sent, x)
		x.arena = x.rule.Rewrite.Apply(&x.Sent, x.arena)
	}
	if x.backend != nil {
		x.backend.RequestHeaders.ApplyRequest(&x.Sent, x)
		x.arena = x.backend.Rewrite.Apply(&x.Sent, x.arena)
	}
	x.span.Inject(&x.Sent.Header)
	if bad := x.body.prepare(&x.Sent); bad != nil {
		x.refuseBody(bad)
		return false
	}
	return true
}

// customize sets the backend service's own headers. Copies for mirrors were made before: what one service is told is not another's to know.
func (x *Exchange) customize() {
	if x.service != nil && x.service.RequestHeaders != nil {
		rule, backend := x.requestEdits()
		x.service.RequestHeaders.ApplyUnless(&x.Sent.Header, x, rule, backend)
	}
}

// requestEdits are the route's.
func (x *Exchange) requestEdits() (rule, backend *filter.HeaderEdit) {
	if x.rule != nil {
		rule = x.rule.RequestHeaders
	}
	if x.backend != nil {
		backend = x.backend.RequestHeaders
	}
	return rule, backend
}

// forward adds what says where the request came from. The rule's edits come after it, so that what they set, add or remove holds.
func (x *Exchange) forward() {
	h := &x.Sent.Header
	if _, ok := h.Get(header.XForwardedFor); ok {
		h.SetID(header.XForwardedFor, x.joinForwarded(h))
	} else {
		h.AddID(header.XForwardedFor, x.client.Forwarded)
	}
	if _, ok := h.Get(header.XForwardedProto); !ok || x.target.Spec.GetTrustedHops() == 0 {
		proto := message.SchemeHTTP
		if x.client.Scheme == "https" {
			proto = message.SchemeHTTPS
		}
		h.SetID(header.XForwardedProto, proto)
	}
	if via := x.target.Spec.GetVia(); via != "" {
		h.AddID(header.Via, x.build(via))
	}
}

// joinForwarded appends the connection's part to what the client sent.
func (x *Exchange) joinForwarded(h *header.Map) []byte {
	at := len(x.arena)
	for i := range h.Len() {
		if f := h.At(i); f.ID == header.XForwardedFor && len(f.Value) > 0 {
			x.arena = append(append(x.arena, f.Value...), ',')
		}
	}
	x.arena = append(x.arena, x.client.Forwarded...)
	return x.arena[at:]
}

// build copies a string into the exchange's memory.
func (x *Exchange) build(s string) []byte {
	at := len(x.arena)
	x.arena = append(x.arena, s...)
	return x.arena[at:]
}

// times sets the deadline of the whole exchange and the time of one attempt. The rule's own come first; the backend
// service's timeout counts where the rule says nothing.
func (x *Exchange) times() {
	if x.service == nil {
		return // a redirect
	}
	whole, perTry := x.service.Timeout, time.Duration(0)
	if r := x.rule; r != nil {
		switch {
		case r.RequestTimeout.D > 0:
			whole = r.RequestTimeout.D
		case r.RequestTimeout.Disabled, r.BackendTimeout.Disabled, r.BackendTimeout.D > 0:
			whole = 0
		}
		perTry = r.BackendTimeout.D
	}
	if d, ok := x.grpcTimeout(); ok && x.isGRPC() && (whole == 0 || d+grpcGrace < whole) {
		whole = d + grpcGrace
	}
	if x.limits.Request > 0 && (whole == 0 || whole > x.limits.Request) {
		whole = x.limits.Request
	}
	x.perTry = perTry
	x.deadline = x.engine.in(whole)
	x.watch.until.Store(x.deadline)
}

// grpcGrace is what a gRPC server gets for ending a call whose deadline has passed: its status says more than ours. The
// caller's deadline never adds to the time that the configuration gives.
const grpcGrace = time.Second

// grpcTimeout reads grpc-timeout: up to 8 digits and a unit.
func (x *Exchange) grpcTimeout() (time.Duration, bool) {
	v, ok := x.Request.Header.Get(header.GrpcTimeout)
	if !ok || len(v) < 2 || len(v) > 9 {
		return 0, false
	}
	n := time.Duration(0)
	for _, c := range v[:len(v)-1] {
		if c < '0' || c > '9' {
			return 0, false
		}
		n = n*10 + time.Duration(c-'0')
	}
	switch v[len(v)-1] {
	case 'H':
		return n * time.Hour, n < 2e6
	case 'M':
		return n * time.Minute, true
	case 'S':
		return n * time.Second, true
	case 'm':
		return n * time.Millisecond, true
	case 'u':
		return n * time.Microsecond, true
	case 'n':
		return n, true
	}
	return 0, false
}

// grpcOverdue reports whether the caller's own deadline has passed: a gRPC server resets the stream then, which is no
// failure of the server.
func (x *Exchange) grpcOverdue() bool {
	d, ok := x.grpcTimeout()
	return ok && x.isGRPC() && time.Since(x.start) >= d
}

// refuseBody answers a request whose body broke the rules before it was routed.
func (x *Exchange) refuseBody(err error) {
	status, details := bodyFailure(err)
	x.answerLocally(status, nil, details)
}
