package upstream

import (
	"context"
	"sync"

	"github.com/spillway-lb/spillway/internal/proxy/http2"
	"github.com/spillway-lb/spillway/internal/proxy/transport"
)

// pool2 holds the HTTP/2 connections to one endpoint. A stream goes to the first connection that has room; when none
// has, a goroutine makes a further connection and all wait for it.
type pool2 struct {
	mu      sync.Mutex
	conns   []*http2.ClientConn
	dialing *dialing // nil while no connection is being made
}

// dialing is a connection being made. It belongs to no request: one that gives up leaves it to the others.
type dialing struct {
	done chan struct{} // closed when conn is there, or err
	conn *http2.ClientConn
	err  error
}

// openStream2 returns a stream whose request is not sent yet.
func (p *Pool) openStream2(waiting Waiting, budget Budget) (Stream, error) {
	cc, used, err := p.conn2(waiting, budget)
	if err != nil {
		return nil, err
	}
	s := streams2.Get().(*stream2)
	s.pool, s.conn, s.used = p, cc, used
	s.timer = p.pools.Clock.NewTimer(s)
	return s, nil
}

// conn2 finds a connection with room for a stream, or makes one.
func (p *Pool) conn2(waiting Waiting, budget Budget) (cc *http2.ClientConn, used bool, err error) {
	h := &p.http2
	h.mu.Lock()
	cc = h.withRoom()
	h.mu.Unlock()
	if cc != nil {
		return cc, true, nil
	}
	ctx, cancel := waiting()
	defer cancel()
	for {
		h.mu.Lock()
		if cc := h.withRoom(); cc != nil {
			h.mu.Unlock()
			return cc, true, nil
		}
		d, mine := h.dialing, false
		if d == nil {
			d, mine = &dialing{done: make(chan struct{})}, true
			h.dialing = d
			go p.dial2(d, budget)
		}
		h.mu.Unlock()
		select {
		case <-d.done:
		case <-ctx.Done():
			return nil, false, &ConnectError{TLS: p.target.TLS != nil, Err: transport.ErrTimeout}
		}
		if mine || d.err != nil {
			return d.conn, false, d.err
		}
	}
}

// withRoom drops connections that have ended and returns the first with a free stream. mu is held.
func (h *pool2) withRoom() *http2.ClientConn {
	var found *http2.ClientConn
	keep := h.conns[:0]
	for _, cc := range h.conns {
		if cc.GoingAway() {
			continue
		}
		keep = append(keep, cc)
		if found == nil && cc.Available() > 0 {
			found = cc
		}
	}
	clear(h.conns[len(keep):])
	h.conns = keep
	return found
}

// dial2 makes a connection for everybody who waits.
func (p *Pool) dial2(d *dialing, budget Budget) {
	nc, err := p.dial(context.Background(), budget)
	if err == nil {
		d.conn = http2.NewClientConn(nc, &p.pools.http2)
		go func() {
			<-d.conn.Done()
			p.closed(budget)
		}()
	}
	h := &p.http2
	h.mu.Lock()
	if d.conn != nil {
		h.conns = append(h.conns, d.conn)
	}
	d.err = err
	h.dialing = nil
	h.mu.Unlock()
	close(d.done)
}

// retire lets every connection end with its last stream.
func (h *pool2) retire() {
	h.mu.Lock()
	conns := h.conns
	h.conns = nil
	h.mu.Unlock()
	for _, cc := range conns {
		cc.Shutdown()
	}
}

var _ transport.Expirer = (*stream2)(nil)
