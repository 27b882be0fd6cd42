package upstream

import (
	"net"
	"sync"
	"time"

	"github.com/spillway-lb/spillway/internal/proxy/http2"
	"github.com/spillway-lb/spillway/internal/proxy/transport"
)

// pool2 holds the HTTP/2 connections to one endpoint. A stream goes to the first connection that has room; when none
// has, one goroutine makes a further connection and the others wait for it.
type pool2 struct {
	mu      sync.Mutex
	conns   []*http2.ClientConn
	dialing chan struct{} // closed when the connection being made is there, or has failed
	dialErr error
}

// openStream2 returns a stream whose request is not sent yet.
func (p *Pool) openStream2(connectBy time.Duration, budget Budget) (Stream, error) {
	cc, used, err := p.conn2(connectBy, budget)
	if err != nil {
		return nil, err
	}
	s := streams2.Get().(*stream2)
	s.pool, s.conn, s.used = p, cc, used
	s.timer = p.pools.Clock.NewTimer(s)
	return s, nil
}

// conn2 finds a connection with room for a stream, or makes one.
func (p *Pool) conn2(connectBy time.Duration, budget Budget) (cc *http2.ClientConn, used bool, err error) {
	h := &p.http2
	for {
		h.mu.Lock()
		if cc := h.withRoom(); cc != nil {
			h.mu.Unlock()
			return cc, true, nil
		}
		wait := h.dialing
		if wait == nil {
			h.dialing = make(chan struct{})
			h.mu.Unlock()
			cc, err = p.dial2(connectBy, budget)
			return cc, false, err
		}
		h.mu.Unlock()
		<-wait
		h.mu.Lock()
		err, cc = h.dialErr, h.withRoom()
		h.mu.Unlock()
		if cc != nil {
			return cc, true, nil
		}
		if err != nil {
			return nil, false, err
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
func (p *Pool) dial2(connectBy time.Duration, budget Budget) (*http2.ClientConn, error) {
	nc, err := p.dial(connectBy, budget)
	var cc *http2.ClientConn
	if err == nil {
		if tcp, ok := nc.(*net.TCPConn); ok {
			nc = transport.Eager(tcp)
		}
		cc = http2.NewClientConn(nc, &p.pools.http2)
		go func() {
			<-cc.Done()
			p.closed(budget)
		}()
	}
	h := &p.http2
	h.mu.Lock()
	if cc != nil {
		h.conns = append(h.conns, cc)
	}
	h.dialErr = err
	close(h.dialing)
	h.dialing = nil
	h.mu.Unlock()
	return cc, err
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
