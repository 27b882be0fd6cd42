package tunnel

import (
	"errors"
	"io"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/spillway-lb/spillway/internal/guard"
)

// side is an End of channels.
type side struct {
	in       chan string // what its peer sends; closed at its orderly end
	failure  error       // of a read after in was closed, instead of io.EOF
	mu       sync.Mutex
	got      string
	closed   bool
	writeErr error
	once     sync.Once
	stop     chan struct{}
}

func newSide(sends ...string) *side {
	s := &side{in: make(chan string, len(sends)), stop: make(chan struct{})}
	for _, p := range sends {
		s.in <- p
	}
	return s
}

func (s *side) Next() ([]byte, error) {
	select {
	case p, ok := <-s.in:
		if ok {
			return []byte(p), nil
		}
	case <-s.stop:
		return nil, errors.New("interrupted")
	}
	if s.failure != nil {
		return nil, s.failure
	}
	return nil, io.EOF
}

func (s *side) Write(p []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.got += string(p)
	return s.writeErr
}

func (s *side) CloseWrite() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
}

func (s *side) Interrupt() { s.once.Do(func() { close(s.stop) }) }

type count struct{ n atomic.Int64 }

func (c *count) Moved() { c.n.Add(1) }

func TestBothWays(t *testing.T) {
	a, b := newSide("one ", "two"), newSide("answer")
	close(a.in)
	close(b.in)
	var moved count
	if n := Run(nil, a, b, &moved); n != int64(len("answer")) {
		t.Errorf("%d bytes from b to a", n)
	}
	if a.got != "answer" || b.got != "one two" || !a.closed || !b.closed || moved.n.Load() != 3 {
		t.Errorf("a %+v, b %+v, moved %d", a, b, moved.n.Load())
	}
}

// TestABrokenSideEndsTheOther: the other side sends nothing, and would be waited for for ever.
func TestABrokenSideEndsTheOther(t *testing.T) {
	reads := newSide("one")
	reads.failure = errors.New("reset")
	close(reads.in)
	quiet := newSide()
	Run(nil, reads, quiet, &count{})
	if quiet.got != "one" || quiet.closed {
		t.Errorf("%+v", quiet)
	}
	writes := newSide()
	writes.writeErr = errors.New("reset")
	talks := newSide("one")
	Run(nil, writes, talks, &count{})
}

// bomb panics when it is written to.
type bomb struct{ *side }

func (bomb) Write([]byte) error { panic("written to") }

// TestAPanicEndsTheTunnelOnly: of either way, and both have ended when Run returns.
func TestAPanicEndsTheTunnelOnly(t *testing.T) {
	var panics atomic.Int64
	g := guard.New(nil, func(string) { panics.Add(1) })
	Run(g, newSide("one"), bomb{newSide()}, &count{})
	Run(g, bomb{newSide()}, newSide("one"), &count{})
	if panics.Load() != 2 {
		t.Errorf("%d panics were counted", panics.Load())
	}
}
