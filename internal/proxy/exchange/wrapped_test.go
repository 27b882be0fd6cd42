package exchange

import (
	"context"
	"errors"
	"io"
	"sync/atomic"
	"testing"
	"time"

	"github.com/spillway-lb/spillway/internal/proxy/extension"
	"github.com/spillway-lb/spillway/internal/proxy/header"
	"github.com/spillway-lb/spillway/internal/proxy/message"
	"github.com/spillway-lb/spillway/internal/proxy/metrics"
)

// script is a body of steps: pieces, "" for an empty one, then an error or a panic.
type script struct {
	pieces []string
	last   error
	panics bool
	// withLast: last comes with the last piece.
	withLast bool
}

func (s *script) Next() ([]byte, error) {
	if len(s.pieces) > 0 {
		p := s.pieces[0]
		s.pieces = s.pieces[1:]
		if s.withLast && len(s.pieces) == 0 {
			return []byte(p), s.last
		}
		return []byte(p), nil
	}
	if s.panics {
		panic("the body panicked")
	}
	return nil, s.last
}

func (s *script) Trailers() *header.Map { return nil }
func (s *script) Close()                {}

func filterOf(body message.Body) (*filterBody, *running) {
	r := &running{scope: &scope{engine: &Engine{}}, extension: &extension.Extension{Name: "x"}, chain: "c"}
	return &filterBody{r: r, body: body}, r
}

func TestFilterBody(t *testing.T) {
	broke := errors.New("broke")
	reply := &extension.LocalReply{Status: 403}
	for _, c := range []struct {
		name  string
		body  *script
		want  error
		event string
	}{
		{"ends", &script{pieces: []string{"a"}, last: io.EOF}, io.EOF, eventPassed},
		{"ends with its last piece", &script{pieces: []string{"a"}, last: io.EOF, withLast: true}, io.EOF, eventPassed},
		{"gives empty pieces", &script{pieces: []string{"", "a", ""}, last: io.EOF}, io.EOF, eventPassed},
		{"fails", &script{pieces: []string{"a"}, last: broke}, broke, eventFailed},
		{"replies", &script{pieces: []string{"a"}, last: reply}, reply, eventReplied},
		{"panics", &script{pieces: []string{"a"}, panics: true}, errPanicked, eventPanicked},
	} {
		b, r := filterOf(c.body)
		if p, err := b.Next(); string(p) != "a" || err != nil {
			t.Errorf("a body that %s: %q, %v", c.name, p, err)
		}
		p, err := b.Next()
		if p != nil || !errors.Is(err, c.want) || fromFilter(err) != (err != io.EOF) {
			t.Errorf("a body that %s: %q, %v", c.name, p, err)
		}
		if r.event() != c.event {
			t.Errorf("a body that %s: event %s", c.name, r.event())
		}
	}
}

// aborted is a client's side that is aborted.
type aborted struct{ Downstream }

func (aborted) Abort()    {}
func (aborted) StopBody() {}

// ending keeps what it hears of the end.
type ending struct {
	extension.Pass
	heard []extension.Outcome
}

func (e *ending) End(o extension.Outcome) { e.heard = append(e.heard, o) }

// TestFiltersHearOfCrashes: the status is 500 when the engine has panicked before an answer, and the answer's after.
func TestFiltersHearOfCrashes(t *testing.T) {
	for _, sent := range []int{0, 204} {
		f := &ending{}
		x := newExchange()
		x.engine, x.down, x.start = &Engine{Metrics: metrics.New(metrics.Options{})}, aborted{}, time.Now()
		x.begun, x.status = sent != 0, sent
		x.scope = &scope{engine: x.engine, x: x}
		x.scope.ctx, x.scope.cancel = context.WithCancelCause(context.Background())
		x.scope.running = []*running{{scope: x.scope, filter: f, extension: &extension.Extension{Name: "x"}, chain: "c"}}
		func() {
			defer func() { _ = recover() }()
			defer x.leaveFilters()
			panic("injected")
		}()
		want := 500
		if sent != 0 {
			want = sent
		}
		if len(f.heard) != 1 || f.heard[0].Status != want || f.heard[0].Complete || f.heard[0].Details != "internal_error" {
			t.Errorf("after %d: %+v", sent, f.heard)
		}
	}
}

// TestSourceErrorsAreTheSources: a filter that passes on that the client has left is not to blame.
func TestSourceErrorsAreTheSources(t *testing.T) {
	left := errors.New("the client has left")
	b, r := filterOf(nil)
	r.scope.upload = &source{body: &script{last: left}}
	b.body = &extension.Streamed{Source: r.scope.upload}
	if _, err := b.Next(); err != left || fromFilter(err) || r.event() != eventPassed {
		t.Errorf("%v, event %s", err, r.event())
	}
}

func TestSourceFailsWhenTheExchangeHasEnded(t *testing.T) {
	s := &source{body: &script{pieces: []string{"somebody else's"}, last: io.EOF}}
	s.end(func() { t.Error("nobody reads, and is stopped") })
	if p, err := s.Next(); p != nil || err != extension.ErrEnded {
		t.Errorf("%q, %v", p, err)
	}
}

// TestEndWaitsForReaders: a reader that waits for bytes is stopped, and has left when end returns.
func TestEndWaitsForReaders(t *testing.T) {
	b := &awaited{begun: make(chan struct{}), stop: make(chan struct{})}
	s, left := &source{body: b}, make(chan struct{})
	go func() {
		_, _ = s.Next()
		close(left)
	}()
	<-b.begun
	s.end(func() { close(b.stop) })
	if !b.over.Load() {
		t.Error("somebody still reads")
	}
	<-left
	s.end(func() { t.Error("stopped twice") })
}

// awaited is a body that waits until it is stopped.
type awaited struct {
	noBody
	begun, stop chan struct{}
	over        atomic.Bool
}

func (b *awaited) Next() ([]byte, error) {
	close(b.begun)
	<-b.stop
	b.over.Store(true)
	return nil, io.ErrUnexpectedEOF
}

// TestLentPiecesAreCopied: a filter may still work on one when the connection that it came from serves others.
func TestLentPiecesAreCopied(t *testing.T) {
	lent := []byte("mine")
	s := &source{body: &scriptOf{lent}, lent: true}
	p, err := s.Next()
	copy(lent, "XXXX")
	if string(p) != "mine" || err != nil {
		t.Errorf("%q, %v", p, err)
	}
}

// scriptOf is a body whose piece is its own memory.
type scriptOf struct{ p []byte }

func (b *scriptOf) Next() ([]byte, error) { return b.p, nil }
func (b *scriptOf) Trailers() *header.Map { return nil }
func (b *scriptOf) Close()                {}

func TestBegunBody(t *testing.T) {
	b := &begunBody{Body: &script{pieces: []string{"b"}, last: io.EOF}, first: []byte("a")}
	for _, want := range []string{"a", "b", ""} {
		if p, err := b.Next(); string(p) != want || (err == io.EOF) != (want == "") {
			t.Errorf("%q, %v; want %q", p, err, want)
		}
	}
	if _, err := (&begunBody{Body: &script{pieces: []string{"late"}}, ended: true}).Next(); err != io.EOF {
		t.Errorf("a body that had ended: %v", err)
	}
}

func TestGRPCMessageIsEscaped(t *testing.T) {
	x := newExchange()
	if got := string(grpcMessage(x, []byte("50% of\r\nü"))); got != "50%25 of%0D%0A%C3%BC" {
		t.Errorf("%q", got)
	}
}
