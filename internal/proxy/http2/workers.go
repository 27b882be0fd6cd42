package http2

import (
	"sync"

	"github.com/spillway-lb/spillway/internal/guard"
)

// Workers is a pool of goroutines that run short or long jobs. A parked goroutine keeps the stack that the last job
// grew, which is what makes it cheaper than a new one. One pool is shared by all connections of a proxy.
type Workers struct {
	mu     sync.Mutex
	idle   []*worker // last in, first out: warm stacks
	max    int
	closed bool
	guard  *guard.Guard
}

type worker struct {
	jobs chan func()
}

// NewWorkers makes a pool that keeps up to idle parked goroutines. It never limits how many run. A job that panics ends
// itself only.
func NewWorkers(idle int, g *guard.Guard) *Workers {
	return &Workers{max: idle, guard: g}
}

// Run runs job on a goroutine of the pool. It never blocks. A nil pool starts a goroutine.
func (p *Workers) Run(job func()) {
	if p == nil {
		go job()
		return
	}
	p.mu.Lock()
	n := len(p.idle)
	if n == 0 {
		p.mu.Unlock()
		go p.work(job)
		return
	}
	w := p.idle[n-1]
	p.idle[n-1] = nil
	p.idle = p.idle[:n-1]
	p.mu.Unlock()
	w.jobs <- job
}

// Close lets the parked goroutines go. Jobs that run end by themselves.
func (p *Workers) Close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closed = true
	for _, w := range p.idle {
		close(w.jobs)
	}
	p.idle = nil
}

func (p *Workers) work(job func()) {
	// One slot: Run must not wait for the worker to reach its receive.
	w := &worker{jobs: make(chan func(), 1)}
	for {
		p.do(job)
		if !p.park(w) {
			return
		}
		var ok bool
		if job, ok = <-w.jobs; !ok {
			return
		}
	}
}

// recovery is nil without a pool, which does as well.
func (p *Workers) recovery() *guard.Guard {
	if p == nil {
		return nil
	}
	return p.guard
}

func (p *Workers) do(job func()) {
	defer p.guard.Recover("worker", nil)
	job()
}

func (p *Workers) park(w *worker) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed || len(p.idle) >= p.max {
		return false
	}
	p.idle = append(p.idle, w)
	return true
}
