package upstream

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"slices"
	"sync"
	"time"

	"github.com/spillway-lb/spillway/internal/proxy/balance"
	"github.com/spillway-lb/spillway/internal/proxy/http1"
	"github.com/spillway-lb/spillway/internal/proxy/metrics"
	"github.com/spillway-lb/spillway/internal/proxy/transport"
)

// Target is how to speak to one endpoint.
type Target struct {
	// Address is IP:port.
	Address string
	// TLS, if not nil, is the configuration of connections.
	TLS *tls.Config
	// HTTP2 speaks HTTP/2 with prior knowledge, or after ALPN with TLS.
	HTTP2 bool
	// Counts counts connections. It is required.
	Counts *metrics.Service
}

// Budget is what a connection is counted in, for as long as it is open: a *balance.Service.
type Budget interface {
	TryAcquire(l balance.Limited) bool
	ReleaseLimit(l balance.Limited)
}

// Waiting bounds a wait for a connection: the context ends with whoever waits. It is asked only when there is a wait.
type Waiting func() (context.Context, context.CancelFunc)

// connectTimeout bounds TCP and TLS of one connection, whoever waits.
const connectTimeout = 5 * time.Second

// Pool holds the connections to one endpoint.
type Pool struct {
	pools  *Pools
	target Target
	limits http1.Limits

	mu      sync.Mutex
	idle    []*conn1 // the last one in is the first one out
	retired bool

	http2 pool2
}

// Open returns a stream on a connection of the pool, where reuse allows that, or on a new one, which must fit the budget
// (ErrOverflow): idle connections to other endpoints of the service give way. A wait that has ended is a ConnectError with transport.ErrTimeout.
func (p *Pool) Open(waiting Waiting, reuse bool, budget Budget) (Stream, error) {
	if p.target.HTTP2 {
		return p.openStream2(waiting, !reuse, budget)
	}
	if reuse {
		if c := p.take(); c != nil {
			c.begin()
			return c, nil
		}
	}
	ctx, cancel := waiting()
	defer cancel()
	nc, err := p.dial(ctx, budget, needed)
	if err != nil {
		return nil, err
	}
	c := &conn1{Conn: transport.NewConn(nc, p.pools.Clock), pool: p, budget: budget}
	c.BufferSize(transport.StreamBuffer)
	c.begin()
	return c, nil
}

// need is why a connection is made.
type need bool

const (
	// needed by a request that has none: an idle connection to elsewhere gives way where the budget is used up.
	needed need = true
	// spare connections spread what others could carry as well.
	spare need = false
)

// dial makes a connection. It counts until closed is called.
func (p *Pool) dial(ctx context.Context, budget Budget, why need) (net.Conn, error) {
	if !budget.TryAcquire(balance.Connections) && !(why == needed && p.pools.evict(p) && budget.TryAcquire(balance.Connections)) {
		return nil, ErrOverflow
	}
	nc, err := p.connect(ctx)
	if err != nil {
		budget.ReleaseLimit(balance.Connections)
		return nil, err
	}
	p.target.Counts.Connects.Inc()
	p.target.Counts.Connections.Inc()
	return nc, nil
}

// closed counts a connection out.
func (p *Pool) closed(budget Budget) {
	budget.ReleaseLimit(balance.Connections)
	p.target.Counts.Connections.Dec()
}

func (p *Pool) connect(waiting context.Context) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(waiting, connectTimeout)
	defer cancel()
	nc, err := p.pools.dialer.DialContext(ctx, "tcp", p.target.Address)
	if err != nil {
		return nil, connectError(waiting, false, err)
	}
	switch {
	case p.target.TLS != nil:
	case p.target.HTTP2:
		return transport.Eager(nc.(*net.TCPConn)), nil
	default:
		return nc, nil
	}
	tc := transport.TLSClient(nc.(*net.TCPConn), p.target.TLS)
	err = tc.HandshakeContext(ctx)
	if err == nil && p.target.HTTP2 && tc.ConnectionState().NegotiatedProtocol == "http/1.1" {
		err = errors.New("the backend does not speak HTTP/2")
	}
	if err != nil {
		_ = nc.Close()
		p.target.Counts.HandshakeFailures.Inc()
		return nil, connectError(waiting, true, err)
	}
	return tc, nil
}

// connectError says whether it was the wait that ended. The dialer can be a moment ahead of its context.
func connectError(waiting context.Context, tls bool, err error) *ConnectError {
	if at, ok := waiting.Deadline(); waiting.Err() != nil || ok && !time.Now().Before(at) {
		err = transport.ErrTimeout
	}
	return &ConnectError{TLS: tls, Err: err}
}

func (p *Pool) take() *conn1 {
	p.mu.Lock()
	defer p.mu.Unlock()
	n := len(p.idle)
	if n == 0 {
		return nil
	}
	c := p.idle[n-1]
	p.idle[n-1] = nil
	p.idle = p.idle[:n-1]
	return c
}

// put takes a connection back that is ready for another request.
func (p *Pool) put(c *conn1) {
	c.idleSince = p.pools.Clock.Now()
	p.mu.Lock()
	if !p.retired && len(p.idle) < p.pools.MaxIdle {
		p.idle = append(p.idle, c)
		p.mu.Unlock()
		return
	}
	p.mu.Unlock()
	p.drop(c)
}

// drop closes a connection for good.
func (p *Pool) drop(c *conn1) {
	c.Conn.Close()
	p.closed(c.budget)
}

// sweep takes out what has been idle since before then, or was closed by the backend, and closes it.
func (p *Pool) sweep(then int64) {
	p.mu.Lock()
	var old []*conn1
	keep := p.idle[:0]
	for _, c := range p.idle {
		if c.idleSince < then || p.retired || c.HungUp() {
			old = append(old, c)
		} else {
			keep = append(keep, c)
		}
	}
	clear(p.idle[len(keep):])
	p.idle = keep
	p.mu.Unlock()
	for _, c := range old {
		p.drop(c)
	}
}

// evict closes the connection that has been idle longest.
func (p *Pool) evict() bool {
	p.mu.Lock()
	if len(p.idle) == 0 {
		p.mu.Unlock()
		return p.http2.evict()
	}
	c := p.idle[0]
	p.idle = slices.Delete(p.idle, 0, 1)
	p.mu.Unlock()
	p.drop(c)
	return true
}

// scheme is that of requests on this pool's connections.
func (p *Pool) scheme() []byte {
	if p.target.TLS != nil {
		return schemeHTTPS
	}
	return schemeHTTP
}

var schemeHTTP, schemeHTTPS = []byte("http"), []byte("https")

// Retire closes idle connections and makes every other close when it becomes idle.
func (p *Pool) Retire() {
	p.mu.Lock()
	p.retired = true
	p.mu.Unlock()
	p.sweep(0)
	p.http2.retire()
}

// Idle is the number of idle connections.
func (p *Pool) Idle() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.idle)
}
