package upstream

import (
	"crypto/sha1"
	"encoding/base64"
	"errors"
	"io"
	"sync"

	"github.com/spillway-lb/spillway/internal/proxy/header"
	"github.com/spillway-lb/spillway/internal/proxy/http2"
	"github.com/spillway-lb/spillway/internal/proxy/message"
	"github.com/spillway-lb/spillway/internal/proxy/transport"
)

// stream2 is a stream of an HTTP/2 connection to a backend.
type stream2 struct {
	pool  *Pool
	link  *link2
	timer *transport.Timer
	res   message.Response

	mu          sync.Mutex
	cs          *http2.ClientStream
	interrupted bool
	overdue     bool
	used        bool
	wake        chan struct{} // closed by Interrupt, while settle waits
	own         bool          // the connection was made for this stream, and is given to the pool with it
}

var _ Stream = (*stream2)(nil)

var streams2 = sync.Pool{New: func() any { return new(stream2) }}

// RoundTrip implements Stream.
func (s *stream2) RoundTrip(req *message.Request, body []byte, a *Answer) error {
	if err := s.open(req, len(body) == 0 && req.Protocol == nil); err != nil {
		return err
	}
	if len(body) > 0 {
		// Where that fails, the answer may have come all the same; else ReadHead knows why there is none.
		_ = s.cs.WriteData(body, true)
	}
	return s.ReadHead(req, a)
}

// Takes implements Stream.
func (s *stream2) Takes(n int) bool { return s.link.Window() >= n }

// open opens the stream. A connection that has no room any more, or is going away, has not seen the request.
func (s *stream2) open(req *message.Request, end bool) error {
	if req.Protocol != nil && !s.settle() {
		return transport.ErrTimeout
	}
	scheme := req.Scheme
	req.Scheme = s.pool.scheme() // of this hop
	cs, err := s.link.Open(req, end)
	req.Scheme = scheme
	if err != nil {
		return s.failure(err)
	}
	s.shareOwn()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.cs = cs
	if s.interrupted {
		cs.Cancel()
		return transport.ErrTimeout
	}
	return nil
}

// settle waits until the backend has said whether it takes requests for a protocol. false: the wait was interrupted.
func (s *stream2) settle() bool {
	wake := make(chan struct{})
	s.mu.Lock()
	if s.interrupted {
		s.mu.Unlock()
		return false
	}
	s.wake = wake
	s.mu.Unlock()
	select {
	case <-s.link.Settled():
	case <-s.link.Done():
	case <-wake:
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.wake = nil
	return !s.interrupted
}

// shareOwn gives a connection that was made for this stream to the pool.
func (s *stream2) shareOwn() {
	if s.own {
		s.own = false
		s.pool.share(s.link)
	}
}

// failure translates the errors of package http2.
func (s *stream2) failure(err error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	ended := s.interrupted || s.overdue
	switch {
	case ended:
		return transport.ErrTimeout
	case http2.IsRetryable(err):
		return ErrUnsent
	}
	var conn *http2.ConnError
	if errors.As(err, &conn) && conn.Err != nil && gone(conn.Err) {
		s.used = s.used || s.link.Shared() // it may have ended because of others
		return ErrNoAnswer
	}
	return err
}

// SendHead implements Stream.
func (s *stream2) SendHead(req *message.Request) error { return s.open(req, false) }

// SendData implements Stream.
func (s *stream2) SendData(p []byte) error {
	if err := s.cs.WriteData(p, false); err != nil {
		return s.failure(err)
	}
	s.cs.Flush()
	return nil
}

// SendEnd implements Stream.
func (s *stream2) SendEnd(trailers *header.Map) error {
	var err error
	if trailers != nil && trailers.Len() > 0 {
		err = s.cs.WriteTrailers(trailers)
	} else {
		err = s.cs.WriteData(nil, true)
	}
	if err != nil {
		return s.failure(err)
	}
	return nil
}

// ReadHead implements Stream.
func (s *stream2) ReadHead(req *message.Request, a *Answer) error {
	s.cs.Flush()
	if err := s.cs.ReadHead(&s.res, a.Informational); err != nil {
		return s.failure(err)
	}
	a.Response.Status = s.res.Status
	a.Response.ContentLength = s.res.ContentLength
	a.Response.Header.CopyFrom(&s.res.Header)
	if s.res.Body != nil {
		a.Response.Body = (*body2)(s)
	}
	if req.Protocol != nil {
		return s.switched(req, a)
	}
	return nil
}

// switched turns the answer to an extended CONNECT into what an Upgrade would have had: 101, and for a WebSocket the
// proof that the key was read, which HTTP/2 does without. Anything but a 2xx is an ordinary answer to an ended request.
func (s *stream2) switched(req *message.Request, a *Answer) error {
	if a.Response.Status >= 300 || a.Response.Body == nil {
		return s.SendEnd(nil)
	}
	a.Response.Status, a.Protocol = 101, req.Protocol
	if key, ok := req.Header.GetName(websocketKey); ok {
		a.Response.Header.Set(websocketAccept, acceptKey(key))
	}
	return nil
}

var (
	websocketKey    = []byte("sec-websocket-key")
	websocketAccept = []byte("sec-websocket-accept")
)

// acceptKey is the answer to a WebSocket's key, RFC 6455 section 4.2.2.
func acceptKey(key []byte) []byte {
	h := sha1.New()
	h.Write(key)
	h.Write([]byte("258EAFA5-E914-47DA-95CA-C5AB0DC85B11"))
	return base64.StdEncoding.AppendEncode(nil, h.Sum(nil))
}

// body2 is the answer's body, with the stream's time-outs as transport.ErrTimeout.
type body2 stream2

var _ message.Body = (*body2)(nil)

// Next implements message.Body.
func (b *body2) Next() ([]byte, error) {
	p, err := b.res.Body.Next()
	if err == nil || err == io.EOF {
		return p, err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.overdue {
		return nil, transport.ErrTimeout
	}
	return nil, err
}

// Ready reports whether Next returns at once.
func (b *body2) Ready() bool {
	r, ok := b.res.Body.(http2.Readier)
	return ok && r.Ready()
}

// Trailers implements message.Body.
func (b *body2) Trailers() *header.Map { return b.res.Body.Trailers() }

// Close implements message.Body.
func (b *body2) Close() { b.res.Body.Close() }

// Arm implements Stream.
func (s *stream2) Arm(at int64) { s.timer.Arm(at) }

// Expire implements transport.Expirer.
func (s *stream2) Expire() {
	s.mu.Lock()
	s.overdue = true
	s.mu.Unlock()
	s.Interrupt()
}

// Interrupt implements Stream.
func (s *stream2) Interrupt() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.interrupted = true
	if s.wake != nil {
		close(s.wake)
		s.wake = nil
	}
	if s.cs != nil {
		s.cs.Cancel()
	}
}

// Reused implements Stream.
func (s *stream2) Reused() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.used
}

// Close implements Stream. Nobody interrupts it any more: the timer's release waits for one that is about to, and an
// exchange detaches its stream first.
func (s *stream2) Close() {
	s.timer.Arm(0)
	s.pool.pools.Clock.Release(s.timer)
	s.mu.Lock()
	cs := s.cs
	s.cs = nil
	s.mu.Unlock()
	if cs != nil {
		cs.Close()
	}
	s.shareOwn()
	s.res.Header.Reset()
	*s = stream2{res: message.Response{Header: s.res.Header}}
	streams2.Put(s)
}
