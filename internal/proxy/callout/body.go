package callout

import (
	"errors"
	"io"
	"sync"

	extprocv3 "github.com/envoyproxy/go-control-plane/envoy/service/ext_proc/v3"

	"github.com/spillway-lb/spillway/internal/proxy/extension"
	"github.com/spillway-lb/spillway/internal/proxy/header"
	"github.com/spillway-lb/spillway/internal/proxy/message"
)

const (
	// window is how many chunks of a body that is at hand are sent before the first is answered.
	window = 4
	// maxKept bounds what is kept of a body in full duplex, to go on without the callout. With more on its way a failure ends
	// the exchange, whatever failOpen says.
	maxKept = 256 << 10
)

// body is a body on its way through the callout.
type body struct {
	f        *filter
	side     side
	src      message.Body
	gather   gatherer
	trailers header.Map
	read     bool // the source has been read to its end

	// chunks are the originals of what is with the callout, oldest first.
	mu     sync.Mutex
	chunks [][]byte
	kept   int
	lost   bool  // not all originals are kept
	srcErr error // of the source, found by the feeder

	fed      chan struct{} // closed when the feeder has ended; nil without one
	tailSent bool
	through  bool // the callout is out of it: the originals pass, and what follows. Not the feeder's
	bare     bool // the callout has ended the body without trailers
	heard    bool // the callout has had its say on some of it
	finished bool
	failure  error
	own      []byte // the piece that Next gave away last
}

var _ message.Body = (*body)(nil)

func newBody(f *filter, s side, src message.Body) *body {
	return &body{f: f, side: s, src: src, gather: gatherer{src: src}}
}

// Next implements message.Body.
func (b *body) Next() ([]byte, error) {
	for !b.finished && b.failure == nil {
		p, err := b.step()
		if err != nil {
			b.failure = err
			break
		}
		if len(p) > 0 {
			return p, nil
		}
	}
	if b.failure != nil {
		return nil, b.failure
	}
	return nil, io.EOF
}

// step does one thing: sends what can be sent, or takes an answer. It may have nothing to give.
func (b *body) step() ([]byte, error) {
	if b.through {
		return b.pass()
	}
	if b.fed == nil {
		if p, err := b.advance(); err != nil || len(p) > 0 || b.through || b.over() {
			return p, err
		}
	}
	a, err := b.f.session.await(b.side)
	if err != nil {
		return nil, b.failed(err)
	}
	b.f.metadata(a.metadata)
	if a.part == tail {
		b.finished = true
		return nil, b.mutateTrailers(a.trailers)
	}
	if b.fed != nil {
		return b.piece(a), nil
	}
	return b.answered(a.common), nil
}

// over reports whether the end is reached: all is read, and everything has been answered.
func (b *body) over() bool {
	if b.read && len(b.chunks) == 0 && !b.tailSent {
		b.finished = true
	}
	return b.finished
}

// advance sends what can be sent. What is not the callout's business comes back.
func (b *body) advance() ([]byte, error) {
	if b.read || b.f.session.wants(b.side, chunk) {
		return nil, b.fill()
	}
	if len(b.chunks) > 0 {
		return nil, nil
	}
	if !b.f.session.wants(b.side, tail) {
		b.through = true
		return nil, nil
	}
	p, err := b.src.Next()
	if err != io.EOF {
		return p, err
	}
	b.read = true
	b.copyTrailers()
	if err := b.sendTail(); err != nil {
		return nil, b.failed(err)
	}
	return nil, nil
}

// fill sends chunks until the window is full or one has to be waited for while others are under way.
func (b *body) fill() error {
	for !b.read && len(b.chunks) < window && (len(b.chunks) == 0 || b.gather.ready()) {
		p, last, err := b.gather.next(nil)
		if err != nil {
			return err
		}
		b.read = last
		if last {
			b.copyTrailers()
		}
		if err := b.sendChunk(p, last); err != nil {
			return b.failed(err)
		}
		if b.through {
			return nil
		}
	}
	return nil
}

// sendChunk sends a piece, and the trailers behind the last.
func (b *body) sendChunk(p []byte, last bool) error {
	follows := last && b.trailers.Len() > 0 && b.f.session.wants(b.side, tail)
	if len(p) > 0 || last && !follows {
		b.keep(p)
		final := last && !follows
		if err := b.f.send(b.side, chunk, final, func(dst []byte) []byte { return appendChunk(dst, b.side, p, final) }); err != nil {
			return err
		}
	}
	if follows {
		return b.sendTail()
	}
	return nil
}

// sendTail sends the trailers, if there are any.
func (b *body) sendTail() error {
	if b.trailers.Len() == 0 {
		return nil
	}
	b.tailSent = true
	list := selected{extension.NewTrailers(&b.trailers, b.f.settings.Policy), b.f.settings.forward}
	return b.f.send(b.side, tail, true, func(dst []byte) []byte { return appendTail(dst, b.side, list) })
}

func (b *body) keep(p []byte) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.lost {
		return
	}
	b.chunks = append(b.chunks, p)
	if b.kept += len(p); b.fed != nil && b.kept > maxKept {
		b.chunks, b.kept, b.lost = nil, 0, true
	}
}

func (b *body) shift() ([]byte, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.chunks) == 0 {
		return nil, false
	}
	p := b.chunks[0]
	b.chunks[0] = nil
	b.chunks = b.chunks[1:]
	b.kept -= len(p)
	return p, true
}

// answered is what becomes of the oldest chunk.
func (b *body) answered(m *extprocv3.CommonResponse) []byte {
	b.heard = true
	p, _ := b.shift()
	switch v := m.GetBodyMutation().GetMutation().(type) {
	case *extprocv3.BodyMutation_Body:
		return v.Body
	case *extprocv3.BodyMutation_ClearBody:
		if v.ClearBody {
			return nil
		}
	}
	return p
}

// piece is a chunk of the callout's own.
func (b *body) piece(a answer) []byte {
	if !b.heard {
		b.heard = true
		b.mu.Lock()
		b.chunks, b.lost = nil, true
		b.mu.Unlock()
	}
	if a.last {
		b.finished = !b.awaitsTail()
		b.bare = b.finished
	}
	return a.piece
}

// awaitsTail reports whether an answer to trailers is still to come.
func (b *body) awaitsTail() bool {
	s := b.f.session
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.core.owes(b.side) || len(s.boxes[b.side].answers) > 0
}

// failed is what becomes of a body whose callout failed. nil: it goes on without.
func (b *body) failed(err error) error {
	if err == errFinished {
		b.through = true
		return nil
	}
	if b.fed != nil && b.f.failing.Open() {
		<-b.fed // its last piece is kept, or all is lost
		if b.srcErr != nil {
			return b.srcErr
		}
		if b.lost {
			return b.f.failing.Closed(err)
		}
	}
	if err := b.f.failed(err); err != nil {
		return err
	}
	b.through = true
	return nil
}

// pass gives the originals, and what follows them.
func (b *body) pass() ([]byte, error) {
	if b.fed != nil {
		<-b.fed
	}
	if p, ok := b.shift(); ok {
		return p, nil
	}
	switch {
	case b.lost:
		return nil, b.f.failing.Closed(errLost)
	case b.srcErr != nil:
		return nil, b.srcErr
	case b.read:
		b.finished = true
		return nil, nil
	}
	p, last, err := b.gather.next(b.own[:0])
	b.own = p
	if b.read = last; last {
		b.copyTrailers()
	}
	return p, err
}

func (b *body) copyTrailers() {
	if t := b.src.Trailers(); t != nil {
		b.trailers.CopyFrom(t)
	}
}

func (b *body) mutateTrailers(m *extprocv3.HeaderMutation) error {
	err := mutate(trailerFields{extension.NewTrailers(&b.trailers, b.f.settings.Policy)}, m)
	if err == nil {
		return nil
	}
	return b.f.failed(mutationFailure(err))
}

// start begins to send the source in full duplex.
func (b *body) start() {
	b.fed = make(chan struct{})
	go b.feed()
}

// feed sends the source in full duplex, in a goroutine of its own.
func (b *body) feed() {
	defer close(b.fed)
	defer func() {
		if recover() != nil {
			b.srcErr = errFeeder
			b.f.session.fail(errFeeder)
		}
	}()
	for !b.read && b.f.session.room(b.side) {
		p, last, err := b.gather.next(nil)
		if err != nil {
			b.srcErr = err
			b.f.session.fail(err)
			return
		}
		b.read = last
		if last {
			b.copyTrailers()
		}
		if b.sendChunk(p, last) != nil {
			return
		}
	}
}

// errLost: what is needed to go on without the callout has gone.
var errLost = protocolFailure(errors.New("the callout left a body in full duplex of which too much was with it"))

var errFeeder = errors.New("callout: the reading of a body panicked")

// Trailers implements message.Body.
func (b *body) Trailers() *header.Map {
	if b.bare || b.trailers.Len() == 0 {
		return nil
	}
	return &b.trailers
}

// Close implements message.Body.
func (b *body) Close() {}

// stop returns when nothing of the body's own is at the source any more. A feeder that waits for the callout is cut off.
func (b *body) stop(p pipe) {
	b.gather.stop()
	if b.fed == nil {
		return
	}
	select {
	case <-b.fed:
	default:
		if p != nil {
			p.Cancel()
		}
		<-b.fed
	}
}
