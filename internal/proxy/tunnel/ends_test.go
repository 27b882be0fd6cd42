package tunnel

import (
	"errors"
	"io"
	"sync"
	"sync/atomic"
	"testing"
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
	if n := Run(a, b, &moved); n != int64(len("answer")) {
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
	Run(reads, quiet, &count{})
	if quiet.got != "one" || quiet.closed {
		t.Errorf("%+v", quiet)
	}
	writes := newSide()
	writes.writeErr = errors.New("reset")
	talks := newSide("one")
	Run(writes, talks, &count{})
}
