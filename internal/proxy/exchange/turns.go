package exchange

import (
	"errors"
	"io"
	"sync"

	"github.com/spillway-lb/spillway/internal/proxy/message"
)

// turns lets the pumps of several attempts read one body, one after the other: one of them has the turn. A pump that has
// lost it may still wait for the client; what comes then is the next one's.
type turns struct {
	mu      sync.Mutex
	changed sync.Cond
	turn    *pump
	pumps   int   // that have not left
	reading bool  // some pump waits inside the source's Next
	holder  *pump // uses what Next returned last
	chunk   []byte
	err     error // with chunk, or the end of the source for good
	come    bool  // chunk and err are for whoever has the turn
}

// errGivenUp ends a pump that has lost its turn.
var errGivenUp = errors.New("exchange: the attempt was given up")

func (t *turns) lock() {
	t.mu.Lock()
	t.changed.L = &t.mu
}

// begin gives p the turn.
func (r *replay) begin(p *pump) {
	r.lock()
	defer r.mu.Unlock()
	r.turn = p
	r.pumps++
}

// leave is the end of p.
func (r *replay) leave(p *pump) {
	r.lock()
	defer r.mu.Unlock()
	r.drop(p)
	p.left = true
	r.pumps--
	r.changed.Broadcast()
}

// drop ends p's use of the last chunk. mu is held.
func (r *replay) drop(p *pump) {
	if r.holder == p {
		r.holder = nil
		r.changed.Broadcast()
	}
}

// next returns what p has to send next, valid until p calls again. io.EOF is the end.
func (r *replay) next(p *pump) ([]byte, error) {
	r.lock()
	defer r.mu.Unlock()
	r.drop(p)
	for {
		switch {
		case r.turn != p:
			return nil, errGivenUp
		case p.sent < len(r.kept):
			chunk := r.kept[p.sent:]
			p.sent = len(r.kept)
			return chunk, nil
		case r.come:
			return r.take(p)
		case r.err != nil:
			return nil, r.err
		case r.src == nil:
			return nil, io.EOF
		case r.reading, r.holder != nil:
			p.waiting.Store(true)
			r.changed.Broadcast()
			r.changed.Wait()
			p.waiting.Store(false)
		default:
			r.read(p)
		}
	}
}

// read waits for the client. mu is held, but not meanwhile.
func (r *replay) read(p *pump) {
	src := r.src
	r.reading = true
	p.waiting.Store(true)
	r.changed.Broadcast()
	r.mu.Unlock()
	chunk, err := []byte(nil), errCrashed
	defer func() {
		r.mu.Lock()
		r.chunk, r.err, r.come = chunk, err, true
		r.reading = false
		p.waiting.Store(false)
		r.changed.Broadcast()
	}()
	chunk, err = src.Next()
}

// take keeps what has come. mu is held.
func (r *replay) take(p *pump) ([]byte, error) {
	r.come = false
	chunk, err := r.chunk, r.err
	r.chunk = nil
	if said := p.x.Sent.ContentLength; said >= 0 && (err == io.EOF && r.bytes != said || r.bytes+int64(len(chunk)) > said) {
		r.err, err = errLength, errLength
	}
	switch {
	case err == io.EOF:
		r.trailers = r.src.Trailers()
		r.src, r.err = nil, nil
		return nil, io.EOF
	case err != nil:
		return nil, err
	}
	if b, ok := r.src.(interface{ AtEnd() bool }); ok && b.AtEnd() {
		p.final.Store(true)
	}
	r.keep(chunk)
	if !r.overflow {
		p.sent = len(r.kept)
	}
	r.holder = p
	return chunk, nil
}

// giveUp takes the turn from p, if another can send all again.
func (r *replay) giveUp(p *pump) bool {
	r.lock()
	defer r.mu.Unlock()
	if r.overflow || r.err != nil && r.err != io.EOF {
		return false
	}
	if r.turn == p {
		r.turn = nil
	}
	r.changed.Broadcast()
	return true
}

// settle waits until p, whose stream was interrupted, is done or waits for the client.
func (r *replay) settle(p *pump) {
	r.lock()
	for !p.left && !p.waiting.Load() {
		r.changed.Wait()
	}
	left := p.left
	r.mu.Unlock()
	if left {
		<-p.done
	}
}

// end waits until no pump is left. stop makes one return that waits for the client.
func (r *replay) end(stop func()) {
	r.lock()
	r.turn = nil
	reading := r.reading
	r.changed.Broadcast()
	r.mu.Unlock()
	if reading {
		stop()
	}
	r.lock()
	defer r.mu.Unlock()
	for r.pumps > 0 {
		r.changed.Wait()
	}
}

// alone returns the source if p is the only one that ever uses it from now on, because more was sent than is kept.
func (r *replay) alone(p *pump) message.Body {
	r.lock()
	defer r.mu.Unlock()
	if r.turn != p || !r.overflow || r.reading || r.come || r.err != nil {
		return nil
	}
	return r.src
}
