package exchange

import (
	"bytes"

	"github.com/spillway-lb/spillway/internal/proxy/accesslog"
	"github.com/spillway-lb/spillway/internal/proxy/field"
	"github.com/spillway-lb/spillway/internal/proxy/message"
	"github.com/spillway-lb/spillway/internal/proxy/tunnel"
	"github.com/spillway-lb/spillway/internal/proxy/upstream"
)

// readUpgrade settles whether the protocol that the client asks for is passed on. An Upgrade that is not is ignored, as RFC 9110
// section 7.8 lets a recipient: the request goes on as any other. An extended CONNECT has nothing but its protocol (RFC 8441
// section 3). false: it has answered.
func (x *Exchange) readUpgrade() bool {
	q := &x.Request
	if q.Protocol == nil || x.target.PassesOn(q.Protocol) {
		return true
	}
	if q.Major == 2 {
		x.answerLocally(501, []byte(bodyNoProtocol), accesslog.MethodNotSupported)
		return false
	}
	q.Protocol = x.passedOn(q.Protocol)
	return true
}

// passedOn is the first of a list of protocols, which is in the client's order of preference, that is passed on.
func (x *Exchange) passedOn(list []byte) []byte {
	for {
		protocol, rest, done := field.NextElement(list)
		if done || x.target.PassesOn(protocol) {
			return protocol
		}
		list = rest
	}
}

// runTunnel connects both sides after a 101. Each direction has a goroutine that holds a buffer only while bytes pass.
func (x *Exchange) runTunnel() {
	defer x.release(&x.current)
	x.begun = true
	err := x.down.WriteHead(&x.Answer.Response)
	if err == nil {
		err = x.down.Flush()
	}
	if err != nil {
		x.down.Abort()
		return
	}
	// The times are those of requests. A tunnel has only the longest that the target proxy allows.
	x.deadline = x.engine.in(x.limits.Request)
	x.watch.until.Store(x.deadline)
	if x.scope != nil {
		x.scope.expire(x.limits.Request)
	}
	x.current.Stream.Arm(x.deadline)
	x.details = accesslog.UpgradedConnection
	x.watch.tunnel.Store(true)
	x.detachRequest()
	x.outBytes += tunnel.Run(x.engine.Guard, x.down.Tunnel(), x.backendEnd(), &x.watch)
	x.backEnd = x.now()
}

// opensNoTunnel reports whether an answer would open a tunnel to an HTTP/2 client (RFC 8441 section 5) that the backend has
// not opened: a 2xx, though nothing has switched.
func (x *Exchange) opensNoTunnel(status int) bool {
	return x.Request.Major == 2 && x.Request.Protocol != nil && !x.Switched() && status < 300
}

// detachRequest copies the request's head, for the log at the end of a tunnel: the tunnel gives away the buffer that the
// head came in, and other connections use it then.
func (x *Exchange) detachRequest() {
	q := &x.Request
	q.Method, q.Authority, q.Path = bytes.Clone(q.Method), bytes.Clone(q.Authority), bytes.Clone(q.Path)
	for i := range q.Header.Len() {
		f := q.Header.At(i)
		f.Name, f.Value = bytes.Clone(f.Name), bytes.Clone(f.Value)
	}
}

// backendEnd is the backend's side.
func (x *Exchange) backendEnd() tunnel.End {
	if t, ok := x.current.Stream.(upstream.Tunneler); ok {
		return tunnel.Conn(t.Tunnel())
	}
	return &backendStream{stream: x.current.Stream, body: x.Answer.Response.Body}
}

// backendStream is a stream of a backend.
type backendStream struct {
	stream upstream.Stream
	body   message.Body
}

func (e *backendStream) Next() ([]byte, error) { return e.body.Next() }

func (e *backendStream) Write(p []byte) error { return e.stream.SendData(p) }

func (e *backendStream) CloseWrite() { _ = e.stream.SendEnd(nil) }

func (e *backendStream) Interrupt() { e.stream.Interrupt() }
