package call

import (
	"errors"
	"fmt"

	"github.com/spillway-lb/spillway/internal/descriptors"
	"github.com/spillway-lb/spillway/internal/proxy/balance"
	"github.com/spillway-lb/spillway/internal/proxy/http2"
	"github.com/spillway-lb/spillway/internal/proxy/transport"
	"github.com/spillway-lb/spillway/internal/proxy/upstream"
)

// Cause says what went wrong with a stream, in a word that may label a metric.
type Cause string

// The causes.
const (
	// NoEndpoint: the backend service has none that may be asked.
	NoEndpoint Cause = "no_endpoint"
	// Overflow: it has as many requests or connections as it may.
	Overflow Cause = "overflow"
	// Connect: TCP. Err is the system's.
	Connect Cause = "connect"
	// TLS: the handshake. Err says what is wrong with the certificate, if it is that (errors.As for those of crypto/x509).
	TLS Cause = "tls"
	// Protocol: HTTP/2, or none of it. Err is package http2's mostly: the peer's reset, its GOAWAY, the end of the connection.
	Protocol Cause = "http2"
	// Status: an answer whose status is not 200.
	Status Cause = "status"
	// Timeout: an answer was due (Stream.Await), or the connection took too long.
	Timeout Cause = "timeout"
	// Canceled: by the context, by Cancel, or by Close.
	Canceled Cause = "canceled"
)

// Failure is why a stream could not be opened, or has ended.
type Failure struct {
	Cause Cause
	// Status is that of the answer, for the cause Status.
	Status int
	// Unseen: the peer has certainly not looked at the stream. Another may be opened in its place.
	Unseen bool
	// Endpoint is IP:port, "" where none was chosen.
	Endpoint string
	Err      error
}

func (f *Failure) Error() string {
	if f.Endpoint == "" {
		return fmt.Sprintf("call: %s: %v", f.Cause, f.Err)
	}
	return fmt.Sprintf("call: %s: %s: %v", f.Endpoint, f.Cause, f.Err)
}

func (f *Failure) Unwrap() error { return f.Err }

type errStatus int

func (e errStatus) Error() string { return fmt.Sprintf("the answer has the status %d", int(e)) }

// failure marks the stream as broken and says why.
func (s *Stream) failure(err error) *Failure {
	f := &Failure{
		Cause: causeOf(err), Err: err, Endpoint: s.endpoint,
		Unseen: err == upstream.ErrUnsent || http2.IsRetryable(err),
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.failed = true
	if s.canceled && f.Cause != Connect && f.Cause != TLS {
		f.Cause, f.Err = Canceled, errCanceled
	}
	return f
}

func causeOf(err error) Cause {
	c := ConnectFailure(err)
	switch {
	case errors.Is(err, balance.ErrNoHealthyUpstream):
		return NoEndpoint
	case errors.Is(err, upstream.ErrOverflow):
		return Overflow
	case errors.Is(err, transport.ErrTimeout):
		return Timeout
	case c != nil && c.TLS:
		return TLS
	case c != nil:
		return Connect
	}
	return Protocol
}

// ownFault reports whether a connection could not be made for reasons of this process.
func ownFault(f *upstream.ConnectError) bool {
	return descriptors.Own(f) || errors.Is(f, transport.ErrTimeout)
}
