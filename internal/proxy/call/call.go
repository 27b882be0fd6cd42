package call

import (
	"errors"

	"github.com/spillway-lb/spillway/internal/proxy/balance"
	"github.com/spillway-lb/spillway/internal/proxy/upstream"
)

// Call is one call under way. Its zero value with a Service is ready.
type Call struct {
	// Service is what is called.
	Service *Service
	// Endpoint is nil before Choose and after Close.
	Endpoint *balance.Endpoint
	// Stream is nil while no connection is taken.
	Stream upstream.Stream
}

// Sender sends a call's request.
type Sender interface {
	// Send sends it on a stream and reads the head of the answer.
	Send(s upstream.Stream) error
	// Resend is asked when the backend has certainly not seen the request: it gives up the stream and reports whether the
	// request can be sent again, whole, on another.
	Resend() bool
}

// Choose picks an endpoint and counts the call as under way there.
func (c *Call) Choose(s *balance.Service, in *balance.PickInput) error {
	e, err := s.Pick(in)
	if err != nil {
		c.Service.Counts.Unpicked.Inc()
		return err
	}
	e.Acquire()
	c.Endpoint = e
	return nil
}

const (
	// reuseTries is how many connections that others have used are tried before a new one.
	reuseTries = 2
	// maxFresh new connections may refuse a request unseen, and maxStale connections in all: each time one that was shared
	// refuses, somebody else has been served.
	maxFresh = 3
	maxStale = 200
)

// Open takes a stream and sends. Connections that went stale while idle, and streams that were refused, do not count: the
// next is taken, and after a few of them one that is made for this request.
func (r *Caller) Open(c *Call, sender Sender, waiting upstream.Waiting, budget upstream.Budget) error {
	pool, err := r.poolOf(c.Endpoint, c.Service)
	if err != nil {
		return err
	}
	for stale, fresh := 0, 0; ; stale++ {
		stream, err := pool.Open(waiting, stale < reuseTries, budget)
		if err != nil {
			return err
		}
		c.Stream = stream
		err = sender.Send(stream)
		if err != upstream.ErrUnsent {
			return err
		}
		if !stream.Reused() {
			fresh++
		}
		if fresh == maxFresh || stale == maxStale || !sender.Resend() {
			return err
		}
	}
}

// CloseStream ends the stream, if there is one.
func (c *Call) CloseStream() {
	if c.Stream != nil {
		c.Stream.Close()
		c.Stream = nil
	}
}

// Close ends the call.
func (c *Call) Close() {
	c.CloseStream()
	if c.Endpoint != nil {
		c.Endpoint.Release()
		c.Endpoint = nil
	}
}

// ConnectFailure is the error of a connection that could not be made, or nil. It allocates only when there is one.
func ConnectFailure(err error) *upstream.ConnectError {
	if err == nil {
		return nil
	}
	var c *upstream.ConnectError
	errors.As(err, &c)
	return c
}
