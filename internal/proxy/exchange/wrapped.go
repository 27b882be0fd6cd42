package exchange

import (
	"errors"
	"io"
	"sync"
	"sync/atomic"
	"time"

	"github.com/spillway-lb/spillway/internal/proxy/extension"
	"github.com/spillway-lb/spillway/internal/proxy/header"
	"github.com/spillway-lb/spillway/internal/proxy/message"
)

// source is a body as a filter reads it. A filter may do so in a goroutine of its own; nothing is read once the exchange
// has ended. Close is the exchange's.
type source struct {
	body message.Body
	// lent: what body returns may be another's before the filters have ended, so they get a copy.
	lent    bool
	copy    []byte
	reading atomic.Bool
	whole   atomic.Bool // read to its end
	over    atomic.Bool
	failure atomic.Pointer[error]
	mu      sync.Mutex // held by who reads
}

// Next implements message.Body.
func (s *source) Next() ([]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.reading.Store(true)
	defer s.reading.Store(false)
	if s.over.Load() { // in this order: see end
		return nil, extension.ErrEnded
	}
	p, err := s.body.Next()
	if s.lent && len(p) > 0 {
		s.copy = append(s.copy[:0], p...)
		p = s.copy
	}
	switch {
	case err == io.EOF:
		s.whole.Store(true)
	case err != nil:
		s.failure.Store(&err)
	}
	return p, err
}

// caused reports whether an error is what the source said.
func (s *source) caused(err error) bool {
	if s == nil {
		return false
	}
	own := s.failure.Load()
	return own != nil && errors.Is(err, *own)
}

// Ready reports whether Next returns at once.
func (s *source) Ready() bool { return !s.over.Load() && message.Ready(s.body) }

// Trailers implements message.Body.
func (s *source) Trailers() *header.Map {
	if !s.whole.Load() || s.over.Load() {
		return nil
	}
	return s.body.Trailers()
}

// Close implements message.Body.
func (s *source) Close() {}

// busy reports whether a filter waits for bytes.
func (s *source) busy() bool { return s != nil && s.reading.Load() }

// end makes further reads fail, and returns when nobody reads any more. stop makes one return that waits for bytes.
func (s *source) end(stop func()) {
	if s == nil || s.over.Swap(true) {
		return
	}
	if s.reading.Load() {
		stop()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
}

// filterBody is a filter's body as the exchange reads it: what it says is checked, and it may panic.
type filterBody struct {
	r      *running
	body   message.Body
	ended  bool // it has said io.EOF with its last piece
	closed bool
}

// Next implements message.Body.
func (g *filterBody) Next() (p []byte, err error) {
	defer g.r.scope.engine.Guard.Recover(g.r.place(), func() {
		p, err = nil, errPanicked
		g.r.note(err, time.Time{}, 0)
	})
	if g.ended {
		return nil, io.EOF
	}
	for err == nil && len(p) == 0 {
		p, err = g.body.Next()
	}
	switch {
	case err == io.EOF && len(p) > 0:
		g.ended = true
		return p, nil
	case err == nil, err == io.EOF:
		return p, err
	}
	var inner *filterError
	if s := g.r.scope; !s.upload.caused(err) && !s.download.caused(err) && !errors.As(err, &inner) {
		g.r.note(err, time.Time{}, 0)
		err = &filterError{g.r, err}
	}
	return nil, err
}

// Trailers implements message.Body.
func (g *filterBody) Trailers() (m *header.Map) {
	defer g.r.scope.engine.Guard.Recover(g.r.place(), func() { m = nil })
	m = g.body.Trailers()
	extension.CleanTrailers(m)
	return m
}

// Close implements message.Body.
func (g *filterBody) Close() {
	if g.closed {
		return
	}
	g.closed = true
	_ = g.r.run(func() error {
		g.body.Close()
		return nil
	})
}

// filterError is the error of a filter's body.
type filterError struct {
	r   *running
	err error
}

func (e *filterError) Error() string { return "exchange: " + e.r.name() + ": " + e.err.Error() }

func (e *filterError) Unwrap() error { return e.err }

// fromFilter reports whether a filter ended a body, not who sent it.
func fromFilter(err error) bool {
	var f *filterError
	return err == errPanicked || err == errLength || errors.As(err, &f)
}

// requestBodies implements extension.Bodies for the request.
type requestBodies running

// Source implements extension.Bodies.
func (b *requestBodies) Source() message.Body {
	s := b.scope
	x := s.x
	if x.Sent.Body == nil || s.replaced {
		return x.Sent.Body
	}
	if s.upload == nil {
		s.upload = &source{body: x.Sent.Body}
		x.inviteBody()
	}
	return s.upload
}

// Replace implements extension.Bodies.
func (b *requestBodies) Replace(body message.Body, length int64) {
	s := b.scope
	x := s.x
	s.replaced = true
	x.Sent.Body, x.Sent.ContentLength = s.checked((*running)(b), body, &length), length
	setLength(x, &x.Sent.Header, length)
}

// responseBodies is requestBodies for the answer.
type responseBodies running

// Source implements extension.Bodies.
func (b *responseBodies) Source() message.Body {
	s := b.scope
	res := s.res
	if res.Body == nil || s.answer != nil {
		return res.Body
	}
	if s.download == nil {
		s.download = &source{body: res.Body, lent: true}
	}
	return s.download
}

// Replace implements extension.Bodies.
func (b *responseBodies) Replace(body message.Body, length int64) {
	s := b.scope
	res := s.res
	if s.answer == nil {
		s.answer = res.Body
		if s.answer == nil {
			s.answer = noBody{}
		}
	}
	res.Body, res.ContentLength = s.checked((*running)(b), body, &length), length
	setLength(s.x, &res.Header, length)
}

// checked wraps a filter's body. No body has the length 0.
func (s *scope) checked(r *running, body message.Body, length *int64) message.Body {
	if body == nil {
		*length = 0
		return nil
	}
	if *length < 0 {
		*length = message.UnknownLength
	}
	if l, ok := body.(*extension.Literal); ok {
		return l
	}
	g := &filterBody{r: r, body: body}
	s.guards = append(s.guards, g)
	return g
}

// setLength makes the field say what the body has.
func setLength(x *Exchange, h *header.Map, length int64) {
	h.Del(header.ContentLength)
	if length >= 0 {
		h.AddID(header.ContentLength, x.BuildInt(length))
	}
}

// noBody stands for a body that was not there.
type noBody struct{}

func (noBody) Next() ([]byte, error) { return nil, io.EOF }
func (noBody) Trailers() *header.Map { return nil }
func (noBody) Close()                {}

// begunBody is a body whose first piece has been pulled.
type begunBody struct {
	message.Body
	first []byte
	ended bool
}

// Next implements message.Body.
func (b *begunBody) Next() ([]byte, error) {
	if b.ended {
		return nil, io.EOF
	}
	if p := b.first; p != nil {
		b.first = nil
		return p, nil
	}
	return b.Body.Next()
}

// Ready reports whether Next returns at once.
func (b *begunBody) Ready() bool { return b.ended || b.first != nil || message.Ready(b.Body) }

func isEOF(err error) bool { return err == io.EOF }

// inviteBody tells a client that waits for a 100 that it may send: a filter reads the body before a backend is asked.
func (x *Exchange) inviteBody() {
	if _, waits := x.Sent.Header.Get(header.Expect); waits && !x.continued {
		x.continued = true
		x.Sent.Header.Del(header.Expect)
		x.down.Informational(100, &header.Map{})
	}
}
