package call

import (
	"sync"
	"time"

	"github.com/spillway-lb/spillway/internal/proxy/balance"
)

const (
	// lingerTime is what a peer gets to end its direction, once ours has ended. Each stream that is cut instead counts
	// against its connection (see http2), which would not live long.
	lingerTime = time.Second
	// maxLingering bounds the streams that are waited for. More are cut.
	maxLingering = 1024
)

// Close ends the stream and returns when nobody sends or receives any more. It must be called once. Where nothing has gone
// wrong, our direction is ended and the peer's end awaited in the background; else the stream is cut.
func (s *Stream) Close() {
	s.unwatch()
	whole, received := s.state()
	if whole && s.CloseSend() == nil && !received && s.caller.streams.enter(s) {
		go s.linger()
		return
	}
	s.release()
}

// state says whether nothing has gone wrong, and nobody is at it; and whether the peer has ended.
func (s *Stream) state() (whole, received bool) {
	s.mu.Lock()
	broken := s.canceled || s.failed
	s.mu.Unlock()
	if broken || !s.sending.TryLock() {
		return false, false
	}
	s.sending.Unlock()
	if !s.receives.TryLock() {
		return false, false
	}
	defer s.receives.Unlock()
	return true, s.received
}

// linger waits for the peer's end.
func (s *Stream) linger() {
	defer s.caller.streams.leave(s)
	defer s.caller.Guard.Recover("end of a stream", nil)
	defer s.release()
	s.mu.Lock()
	s.owed = nil
	s.mu.Unlock()
	s.Await(lingerTime)
	for err := error(nil); err == nil; {
		_, err = s.Receive()
	}
}

// release gives back what the stream holds. Whoever is at it has left when it returns.
func (s *Stream) release() {
	s.unwatch()
	s.Cancel()
	s.sending.Lock()
	defer s.sending.Unlock()
	s.receives.Lock()
	defer s.receives.Unlock()
	s.mu.Lock()
	s.closed, s.under = true, nil
	s.mu.Unlock()
	if b := s.answer.Response.Body; b != nil {
		b.Close()
	}
	s.answer.Reset()
	s.call.Close()
	s.version.ReleaseLimit(balance.Requests)
}

// streams are those that linger.
type streams struct {
	mu      sync.Mutex
	ended   bool
	running map[*Stream]struct{}
	group   sync.WaitGroup
}

func (l *streams) enter(s *Stream) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.ended || len(l.running) >= maxLingering {
		return false
	}
	if l.running == nil {
		l.running = map[*Stream]struct{}{}
	}
	l.running[s] = struct{}{}
	l.group.Add(1)
	return true
}

func (l *streams) leave(s *Stream) {
	l.mu.Lock()
	delete(l.running, s)
	l.mu.Unlock()
	l.group.Done()
}

// EndStreams cuts the streams that have been closed and are still waited for. There are none after.
func (c *Caller) EndStreams() {
	c.streams.mu.Lock()
	c.streams.ended = true
	for s := range c.streams.running {
		s.Cancel()
	}
	c.streams.mu.Unlock()
	c.streams.group.Wait()
}
