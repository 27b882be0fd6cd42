package wasm

import (
	"context"
	"errors"
)

// StreamHost is what a stream may know besides the message before it. Its methods are called from the stream's callbacks,
// and in the Full profile from answers to the guest's calls while a callback pauses.
type StreamHost interface {
	// Property is the value at a path, whose segments are separated by zero bytes, in the ABI's form (String, Int, ...).
	Property(path string) ([]byte, bool)
}

// Direction is of a message.
type Direction uint8

// The directions.
const (
	Request Direction = iota
	Response
)

// Stream is an exchange as the guest sees it. Its callbacks are called one at a time for each direction; those of both
// directions may overlap.
type Stream struct {
	in   *instance
	ctx  *guestContext
	host StreamHost

	// What follows is guarded by the instance's mu.
	maps     [4]Headers // in hand now
	last     [4]Headers // for the log
	body     [2]*buffer
	own      map[string][]byte // properties that the guest has set
	reply    *LocalReply
	replied  bool
	closing  bool
	resumed  [2]bool
	ended    bool
	tooLarge bool

	wake [2]chan struct{}
}

// buffer is the piece of a body that a callback sees.
type buffer struct{ p []byte }

// set replaces size bytes at start, both cut to what there is.
func (b *buffer) set(start, size uint32, data []byte) {
	from := int(min(uint64(start), uint64(len(b.p))))
	to := int(min(uint64(from)+uint64(size), uint64(len(b.p))))
	changed := make([]byte, 0, from+len(data)+len(b.p)-to)
	changed = append(append(append(changed, b.p[:from]...), data...), b.p[to:]...)
	b.p = changed
}

// signal wakes who waits for the guest. Never blocks.
func (s *Stream) signal() {
	for _, w := range s.wake {
		select {
		case w <- struct{}{}:
		default:
		}
	}
}

func (s *Stream) begin() error {
	in := s.in
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.broken != nil {
		return in.lost()
	}
	s.ctx = in.newContext(s)
	if s.full() {
		s.wake = [2]chan struct{}{make(chan struct{}, 1), make(chan struct{}, 1)}
	}
	_, err := in.invoke(onContextCreate, s.ctx, uint64(s.ctx.id), uint64(in.root.id))
	return err
}

// RequestHeaders shows the head of a request. end says that there is neither a body nor trailers.
func (s *Stream) RequestHeaders(h Headers, end bool) (Action, error) {
	return s.headers(onRequestHeaders, mapRequestHeaders, h, end)
}

// ResponseHeaders shows the head of an answer.
func (s *Stream) ResponseHeaders(h Headers, end bool) (Action, error) {
	return s.headers(onResponseHeaders, mapResponseHeaders, h, end)
}

// RequestBody shows a piece of a request's body, which the guest may change: what is returned is good until the next call,
// and may be p itself.
func (s *Stream) RequestBody(p []byte, end bool) ([]byte, Action, error) {
	return s.piece(onRequestBody, Request, p, end)
}

// ResponseBody shows a piece of an answer's body.
func (s *Stream) ResponseBody(p []byte, end bool) ([]byte, Action, error) {
	return s.piece(onResponseBody, Response, p, end)
}

// RequestTrailers shows the trailers of a request. The GCP profile has no trailers.
func (s *Stream) RequestTrailers(h Headers) (Action, error) {
	return s.trailers(onRequestTrailers, mapRequestTrailers, h)
}

// ResponseTrailers shows the trailers of an answer.
func (s *Stream) ResponseTrailers(h Headers) (Action, error) {
	return s.trailers(onResponseTrailers, mapResponseTrailers, h)
}

func (s *Stream) full() bool { return s.in.plugin.module.options.Profile == Full }

func (s *Stream) headers(cb callback, m mapType, h Headers, end bool) (Action, error) {
	s.in.mu.Lock()
	defer s.in.mu.Unlock()
	if s.in.calls[cb] == nil && s.in.broken == nil {
		s.remember(m, h)
		return Continue, nil
	}
	args := []uint64{uint64(s.ctx.id), uint64(count(h, !s.full())), 0}
	if end {
		args[2] = 1
	}
	if f := s.in.calls[cb]; f != nil {
		args = args[:len(f.Definition().ParamTypes())]
	}
	s.hold(m, h)
	result, err := s.invoke(cb, args...)
	action := s.action(headerActions[:], uint32(result))
	s.release(m, action)
	return action, s.outcome(err)
}

func (s *Stream) trailers(cb callback, m mapType, h Headers) (Action, error) {
	if !s.full() {
		return Continue, nil
	}
	s.in.mu.Lock()
	defer s.in.mu.Unlock()
	s.hold(m, h)
	result, err := s.invoke(cb, uint64(s.ctx.id), uint64(h.Len()))
	action := s.action(trailerActions[:], uint32(result))
	s.release(m, action)
	return action, s.outcome(err)
}

func (s *Stream) piece(cb callback, d Direction, p []byte, end bool) ([]byte, Action, error) {
	s.in.mu.Lock()
	defer s.in.mu.Unlock()
	if s.in.calls[cb] == nil && s.in.broken == nil {
		return p, Continue, nil
	}
	b := &buffer{p: p}
	s.body[d] = b
	last := uint64(0)
	if end {
		last = 1
	}
	result, err := s.invoke(cb, uint64(s.ctx.id), uint64(len(p)), last)
	action := s.action(bodyActions[:], uint32(result))
	if action != Pause && !(action == Buffer && s.full()) {
		s.body[d] = nil
	}
	return b.p, action, s.outcome(err)
}

// Body is the buffer again, after a pause in which the guest may have changed it.
func (s *Stream) Body(d Direction) []byte {
	s.in.mu.Lock()
	defer s.in.mu.Unlock()
	b := s.body[d]
	s.body[d] = nil
	if b == nil {
		return nil
	}
	return b.p
}

func (s *Stream) hold(m mapType, h Headers) {
	s.maps[m] = h
	s.remember(m, h)
}

func (s *Stream) remember(m mapType, h Headers) {
	if s.full() {
		s.last[m] = h
	}
}

func (s *Stream) release(m mapType, a Action) {
	if a != Pause {
		s.maps[m] = nil
	}
}

// invoke calls a callback unless the guest has answered already.
func (s *Stream) invoke(cb callback, args ...uint64) (uint64, error) {
	if s.replied {
		return 0, nil
	}
	return s.in.invoke(cb, s.ctx, args...)
}

var (
	headerActions  = [...]Action{Continue, Pause, EndStream, Pause, Pause}
	bodyActions    = [...]Action{Continue, Buffer, Pause, Discard}
	trailerActions = [...]Action{Continue, Pause}
)

// action reads a result; what is out of range is the last one.
func (s *Stream) action(actions []Action, result uint32) Action {
	if !s.full() || s.replied {
		return Continue
	}
	return actions[min(int(result), len(actions)-1)]
}

// outcome is what the callback has come to. The caller holds mu.
func (s *Stream) outcome(err error) error {
	switch {
	case err != nil:
		return err
	case s.tooLarge:
		return ErrMutation
	case s.reply != nil:
		r := s.reply
		s.reply = nil
		return r
	case s.closing:
		return ErrClosedStream
	}
	return nil
}

// Await blocks until the guest continues a message that it paused, answers, or ends.
func (s *Stream) Await(ctx context.Context, d Direction) error {
	for {
		if done, err := s.Resumed(d); done || err != nil {
			return err
		}
		select {
		case <-s.wake[d]:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// Resumed reports whether the guest has continued a message since it was asked last. It does not wait.
func (s *Stream) Resumed(d Direction) (bool, error) {
	s.in.mu.Lock()
	defer s.in.mu.Unlock()
	if s.in.broken != nil {
		return false, s.in.lost()
	}
	if err := s.outcome(nil); err != nil {
		return false, err
	}
	resumed := s.resumed[d]
	if s.resumed[d] = false; resumed {
		s.maps[mapRequestHeaders+mapType(2*d)] = nil
		s.maps[mapRequestTrailers+mapType(2*d)] = nil
	}
	return resumed, nil
}

// Close ends the stream: done, log, delete. The error says that the guest crashed in one of them.
func (s *Stream) Close() error {
	s.in.mu.Lock()
	err := s.finish()
	s.in.mu.Unlock()
	s.in.plugin.release(s.in)
	return err
}

func (s *Stream) finish() error {
	if s.ended {
		return nil
	}
	s.ended = true
	in := s.in
	if in.broken != nil {
		return nil
	}
	s.maps = [4]Headers{}
	finished, err := in.invoke(onDone, s.ctx, uint64(s.ctx.id))
	if err != nil {
		return err
	}
	if s.full() && in.calls[onDone] != nil && uint32(finished) == 0 {
		s.ctx.finishing = true
		return nil
	}
	return in.remove(s.ctx)
}

// remove takes leave of a context whose guest is done.
func (in *instance) remove(c *guestContext) error {
	if s := c.stream; s != nil {
		s.maps = s.last
		_, err := in.invoke(onLog, c, uint64(c.id))
		s.maps, s.last = [4]Headers{}, [4]Headers{}
		if err != nil {
			return err
		}
	}
	_, err := in.invoke(onDelete, c, uint64(c.id))
	delete(in.contexts, c.id)
	return err
}

// IsCrash reports whether an error of a stream is the guest's fault.
func IsCrash(err error) bool {
	var trap *Trap
	return errors.As(err, &trap)
}
