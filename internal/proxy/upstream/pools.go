package upstream

import (
	"net"
	"sync"
	"time"

	"github.com/spillway-lb/spillway/internal/descriptors"
	"github.com/spillway-lb/spillway/internal/proxy/balance"
	"github.com/spillway-lb/spillway/internal/proxy/http1"
	"github.com/spillway-lb/spillway/internal/proxy/http2"
	"github.com/spillway-lb/spillway/internal/proxy/transport"
)

// Defaults of Pools.
const (
	defaultMaxIdle     = 1024
	defaultIdleTimeout = 90 * time.Second
	sweepEvery         = 5 * time.Second
)

// Pools are the pools of all endpoints. The zero value needs a Clock; Start begins the sweep.
type Pools struct {
	Clock *transport.Clock
	// MaxIdle bounds the idle connections of one endpoint. Default 1,024.
	MaxIdle int
	// IdleTimeout is how long an idle connection is kept. Default 90 s.
	IdleTimeout time.Duration
	// Limits bound the heads of answers.
	Limits http1.Limits
	// Workers runs writes of HTTP/2 connections that must not block a reader.
	Workers *http2.Workers
	// Reserve are descriptors that connections to backends leave for others.
	Reserve *descriptors.Reserve

	dialer net.Dialer
	http2  http2.ClientConfig
	mu     sync.Mutex
	all    map[*balance.Endpoint]*Pool
	none   Pool // stands for that of an endpoint that was retired without one
	stop   chan struct{}
	done   chan struct{}
}

// Start begins to close connections that were idle for too long.
func (p *Pools) Start() {
	if p.MaxIdle == 0 {
		p.MaxIdle = defaultMaxIdle
	}
	if p.IdleTimeout == 0 {
		p.IdleTimeout = defaultIdleTimeout
	}
	p.Limits = p.Limits.WithDefaults()
	p.dialer.Control = p.Reserve.Control
	p.http2 = http2.ClientConfig{Limits: http2.Limits{
		IdleTimeout:       p.IdleTimeout,
		StreamIdleTimeout: -1, // exchanges have their own, which is their target proxy's
	}, Workers: p.Workers}
	p.all = map[*balance.Endpoint]*Pool{}
	p.stop, p.done = make(chan struct{}), make(chan struct{})
	go p.run()
}

// Stop ends the sweep and closes every idle connection.
func (p *Pools) Stop() {
	close(p.stop)
	<-p.done
	for _, pool := range p.list() {
		pool.Retire()
	}
}

// Find returns the pool of an endpoint, or nil.
func (p *Pools) Find(e *balance.Endpoint) *Pool {
	pool, _ := e.Pool.Load().(*Pool)
	if pool == &p.none {
		return nil
	}
	return pool
}

// Create makes the pool of an endpoint, unless another goroutine was faster. A request that chose the endpoint before it
// was retired gets one that keeps nothing.
func (p *Pools) Create(e *balance.Endpoint, t Target) *Pool {
	p.mu.Lock()
	defer p.mu.Unlock()
	pool := &Pool{pools: p, target: t, limits: p.Limits}
	switch {
	case e.Pool.CompareAndSwap(nil, pool):
		p.all[e] = pool
	case e.Pool.CompareAndSwap(&p.none, pool):
		pool.retired = true
	default:
		return p.Find(e)
	}
	return pool
}

// Retire ends the pool of an endpoint that is no longer used.
func (p *Pools) Retire(e *balance.Endpoint) {
	p.mu.Lock()
	pool := p.all[e]
	delete(p.all, e)
	e.Pool.CompareAndSwap(nil, &p.none)
	p.mu.Unlock()
	if pool != nil {
		pool.Retire()
	}
}

// evict closes an idle connection of the service that a pool belongs to.
func (p *Pools) evict(of *Pool) bool {
	p.mu.Lock()
	var rest []*Pool
	for _, pool := range p.all {
		if pool.target.Counts == of.target.Counts {
			rest = append(rest, pool)
		}
	}
	p.mu.Unlock()
	for _, pool := range rest {
		if pool.evict() {
			return true
		}
	}
	return false
}

func (p *Pools) list() []*Pool {
	p.mu.Lock()
	defer p.mu.Unlock()
	out := make([]*Pool, 0, len(p.all))
	for _, pool := range p.all {
		out = append(out, pool)
	}
	return out
}

func (p *Pools) run() {
	defer close(p.done)
	ticker := time.NewTicker(sweepEvery)
	defer ticker.Stop()
	for {
		select {
		case <-p.stop:
			return
		case <-ticker.C:
			then := p.Clock.Now() - int64(p.IdleTimeout)
			for _, pool := range p.list() {
				pool.sweep(then)
			}
		}
	}
}
