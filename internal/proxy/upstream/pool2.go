package upstream

import (
	"context"
	"runtime"
	"slices"
	"sync"

	"github.com/spillway-lb/spillway/internal/proxy/http2"
	"github.com/spillway-lb/spillway/internal/proxy/transport"
)

const (
	// spreadAt streams on each connection make a further one worth while, up to maxSpread: what ends one connection ends
	// fewer requests then.
	spreadAt  = 64
	maxSpread = 8
)

// pool2 holds the HTTP/2 connections to one endpoint. A stream goes to a connection that has room; when none has, a
// goroutine makes a further connection and all wait for it.
type pool2 struct {
	mu      sync.Mutex
	conns   []*link2
	dialing *dialing // nil while no connection is being made
	retired bool
}

// link2 is a connection and what it is counted in.
type link2 struct {
	*http2.ClientConn
	silent  func() bool // pool2.mu is held
	release func()      // ends its count in the budget; may be called more than once
}

// quiet reports whether an idle connection has nothing to say: its end may have come, or something that ends it, which its
// reader is about to see. Anything else the reader has taken by the next look.
func (l *link2) quiet() bool {
	for range 3 {
		if l.silent() {
			return true
		}
		runtime.Gosched()
	}
	return false
}

// dialing is a connection being made. It belongs to no request: one that gives up leaves it to the others.
type dialing struct {
	done chan struct{} // closed when link is there, or err
	link *link2
	err  error
	why  need
}

// openStream2 returns a stream whose request is not sent yet. own makes a connection for this request, which others get
// only after it.
func (p *Pool) openStream2(waiting Waiting, own bool, budget Budget) (Stream, error) {
	s := streams2.Get().(*stream2)
	var err error
	if own {
		s.link, err = p.ownLink(waiting, budget)
	}
	if !own || err == ErrOverflow {
		s.link, s.used, err = p.sharedLink(waiting, budget)
	}
	if err != nil {
		streams2.Put(s)
		return nil, err
	}
	s.own = s.own || !s.used
	s.pool = p
	s.timer = p.pools.Clock.NewTimer(s)
	return s, nil
}

// ownLink makes a connection that is not in the pool yet.
func (p *Pool) ownLink(waiting Waiting, budget Budget) (*link2, error) {
	ctx, cancel := waiting()
	defer cancel()
	return p.link2(ctx, budget, needed)
}

// sharedLink finds a connection with room for a stream, or makes one.
func (p *Pool) sharedLink(waiting Waiting, budget Budget) (l *link2, used bool, err error) {
	h := &p.http2
	h.mu.Lock()
	l, crowded := h.withRoom()
	if l != nil && crowded && h.dialing == nil {
		p.startDial2(budget, spare)
	}
	h.mu.Unlock()
	if l != nil {
		return l, true, nil
	}
	ctx, cancel := waiting()
	defer cancel()
	for {
		h.mu.Lock()
		if l, _ := h.withRoom(); l != nil {
			h.mu.Unlock()
			return l, true, nil
		}
		if h.retired {
			h.mu.Unlock()
			l, err := p.link2(ctx, budget, needed)
			return l, false, err
		}
		d, mine := h.dialing, false
		if d == nil {
			d, mine = p.startDial2(budget, needed), true
		}
		h.mu.Unlock()
		select {
		case <-d.done:
		case <-ctx.Done():
			return nil, false, &ConnectError{TLS: p.target.TLS != nil, Err: transport.ErrTimeout}
		}
		if d.err == ErrOverflow && d.why == spare {
			continue // which had nothing give way
		}
		if mine && d.link != nil || d.err != nil {
			return d.link, false, d.err
		}
	}
}

// withRoom drops connections that have ended and returns the first that is not crowded, or else the one with the fewest
// streams; crowded asks for a further connection. mu is held.
func (h *pool2) withRoom() (found *link2, crowded bool) {
	fewest := 0
	keep := h.conns[:0]
	for _, l := range h.conns {
		room := l.Room()
		if room.Over {
			continue
		}
		keep = append(keep, l)
		if found != nil && !crowded || room.Streams == 0 || room.Idle && !l.quiet() {
			continue
		}
		n := l.Streams()
		if found == nil || n < fewest {
			found, fewest, crowded = l, n, n >= spreadAt
		}
	}
	clear(h.conns[len(keep):])
	h.conns = keep
	return found, crowded && len(keep) < maxSpread
}

// startDial2 makes a connection for everybody who waits. http2.mu is held.
func (p *Pool) startDial2(budget Budget, why need) *dialing {
	d := &dialing{done: make(chan struct{}), why: why}
	p.http2.dialing = d
	go p.dial2(d, budget)
	return d
}

func (p *Pool) dial2(d *dialing, budget Budget) {
	d.link, d.err = p.link2(context.Background(), budget, d.why)
	if d.link != nil && !p.share(d.link) {
		d.link = nil // who waits makes one of his own
	}
	h := &p.http2
	h.mu.Lock()
	h.dialing = nil
	h.mu.Unlock()
	close(d.done)
}

// link2 makes a connection. It counts until it has ended, or is evicted.
func (p *Pool) link2(ctx context.Context, budget Budget, why need) (*link2, error) {
	nc, err := p.dial(ctx, budget, why)
	if err != nil {
		return nil, err
	}
	l := &link2{silent: transport.Silence(nc), release: sync.OnceFunc(func() { p.closed(budget) })}
	l.ClientConn = http2.NewClientConn(nc, &p.pools.http2)
	go func() {
		<-l.Done()
		l.release()
	}()
	return l, nil
}

// share puts a connection into the pool, unless that is retired: it ends with its last stream then.
func (p *Pool) share(l *link2) bool {
	h := &p.http2
	h.mu.Lock()
	retired := h.retired
	if !retired && !slices.Contains(h.conns, l) {
		h.conns = append(h.conns, l)
	}
	h.mu.Unlock()
	if retired {
		l.Shutdown()
	}
	return !retired
}

// retire lets every connection end with its last stream.
func (h *pool2) retire() {
	h.mu.Lock()
	conns := h.conns
	h.conns, h.retired = nil, true
	h.mu.Unlock()
	for _, l := range conns {
		l.Shutdown()
	}
}

// evict ends a connection without streams. It is counted out at once.
func (h *pool2) evict() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	for i, l := range h.conns {
		if l.ShutdownIdle() {
			h.conns = slices.Delete(h.conns, i, i+1)
			l.release()
			return true
		}
	}
	return false
}

var _ transport.Expirer = (*stream2)(nil)
