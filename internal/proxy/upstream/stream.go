package upstream

import (
	"errors"

	"github.com/spillway-lb/spillway/internal/proxy/header"
	"github.com/spillway-lb/spillway/internal/proxy/message"
	"github.com/spillway-lb/spillway/internal/proxy/transport"
)

// Stream is one request's place on a connection. Interrupt and Arm may be called from any goroutine; Send methods and
// Read methods may run at the same time in two goroutines.
type Stream interface {
	// RoundTrip sends a request with its whole body and reads the head of the answer.
	RoundTrip(req *message.Request, body []byte, a *Answer) error
	// Takes reports whether a body of n bytes can leave at once. One that cannot is no matter for RoundTrip: the backend may
	// answer without ever taking it.
	Takes(n int) bool
	// SendHead sends a head whose body follows: SendData any number of times, then SendEnd.
	SendHead(req *message.Request) error
	SendData(p []byte) error
	SendEnd(trailers *header.Map) error
	// ReadHead waits for the final head, also of an answer that comes before the request has ended.
	ReadHead(req *message.Request, a *Answer) error
	// Arm sets the deadline of every wait, in the transport clock's time.
	Arm(at int64)
	// Interrupt makes every wait fail, now and from now on.
	Interrupt()
	// Reused reports whether the connection carried a request before.
	Reused() bool
	// Close ends the stream. It comes after the answer's Body is closed.
	Close()
}

// Tunneler is a Stream that becomes a tunnel after its answer had a Protocol.
type Tunneler interface {
	// Tunnel returns the connection. It ends with the stream's Close.
	Tunnel() *transport.Conn
}

// Answer is what a backend says.
type Answer struct {
	Response message.Response
	// Protocol is what the connection switched to after a 101: it is a tunnel then (Tunneler).
	Protocol []byte
	// Informational, if set, is told each 1xx but 101. The map is valid during the call.
	Informational func(status int, h *header.Map)
	// Bytes counts what was read of heads.
	Bytes int64
}

// Reset makes the answer ready for another attempt.
func (a *Answer) Reset() {
	a.Response.Header.Reset()
	a.Response = message.Response{Header: a.Response.Header}
	a.Protocol = nil
	a.Bytes = 0
}

// Why an attempt failed. Errors of the codecs (*http1.Refusal) and time-outs (transport.ErrTimeout) pass as they are.
var (
	// ErrUnsent: the backend has certainly not seen the request. Another connection may be tried at once.
	ErrUnsent = errors.New("upstream: connection ended before the request was sent")
	// ErrNoAnswer: the connection ended after the request was sent, without a byte of an answer.
	ErrNoAnswer = errors.New("upstream: connection ended without an answer")
	// ErrCutShort: it ended inside the head of the answer.
	ErrCutShort = errors.New("upstream: connection ended inside the answer's head")
	// ErrOverflow: the backend service has as many connections as it may.
	ErrOverflow = errors.New("upstream: too many connections")
	// ErrInformational: too many 1xx.
	ErrInformational = errors.New("upstream: too many informational answers")
)

// ConnectError is a connection that could not be made.
type ConnectError struct {
	// TLS: TCP was there, the handshake failed.
	TLS bool
	Err error
}

func (e *ConnectError) Error() string { return "upstream: connect: " + e.Err.Error() }

func (e *ConnectError) Unwrap() error { return e.Err }
