package health

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/spillway-lb/spillway/internal/guard"
	"github.com/spillway-lb/spillway/internal/proxy/config"
)

// Options of a Prober; the zero value is usable.
type Options struct {
	// Concurrency is the number of probes under way at once; 0 is 256.
	Concurrency int
	// UserAgent of HTTP probes; "" is Google's.
	UserAgent string
	// OnVerdict, if set, is called for every verdict that changes, after the root knows it. Calls do not overlap.
	OnVerdict func(Verdict)
	// Guard recovers probes; nil does so without a word.
	Guard *guard.Guard
}

const (
	defaultConcurrency = 256
	defaultUserAgent   = "GoogleHC/1.0"
)

// Prober runs the probes of one location.
type Prober struct {
	opts   Options
	dialer prober
	start  time.Time
	wake   chan struct{}

	probes, failures atomic.Uint64

	mu       sync.Mutex
	core     *Core
	root     *config.Root
	inFlight int
	// told keeps calls of OnVerdict in the order of the decisions.
	told []Verdict
	out  sync.Mutex
}

// NewProber makes a prober that does nothing yet.
func NewProber(opts Options) *Prober {
	if opts.Concurrency == 0 {
		opts.Concurrency = defaultConcurrency
	}
	if opts.UserAgent == "" {
		opts.UserAgent = defaultUserAgent
	}
	return &Prober{
		opts: opts, dialer: newProbeRunner(opts.UserAgent), start: time.Now(), wake: make(chan struct{}, 1), core: NewCore(),
	}
}

// Run probes until ctx ends, and then waits for the probes under way.
func (p *Prober) Run(ctx context.Context) {
	var group sync.WaitGroup
	defer group.Wait()
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		jobs, pause := p.tick()
		for _, job := range jobs {
			group.Go(func() { p.probe(ctx, job) })
		}
		timer.Reset(pause)
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
		case <-p.wake:
		}
	}
}

// idle is the pause when nothing is due; whatever brings work wakes the loop.
const idle = time.Hour

func (p *Prober) tick() (jobs []Job, pause time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := p.now()
	jobs = p.core.Tick(now, p.opts.Concurrency-p.inFlight)
	p.inFlight += len(jobs)
	next, ok := p.core.Next()
	if !ok || p.inFlight >= p.opts.Concurrency {
		return jobs, idle
	}
	return jobs, max(0, next-now)
}

func (p *Prober) now() time.Duration { return time.Since(p.start) }

func (p *Prober) probe(ctx context.Context, job Job) {
	ctx, cancel := context.WithTimeout(ctx, job.Settings.Timeout)
	defer cancel()
	outcome := p.run(ctx, job)
	p.probes.Add(1)
	if !outcome.OK {
		p.failures.Add(1)
	}
	p.mu.Lock()
	p.inFlight--
	p.tell(p.core.Result(job, outcome))
	p.mu.Unlock()
	p.flush()
	select {
	case p.wake <- struct{}{}:
	default:
	}
}

// run makes a probe. One that ends in a panic has learned nothing.
func (p *Prober) run(ctx context.Context, job Job) (o Outcome) {
	o = Outcome{Own: true, Detail: "internal error"}
	defer p.opts.Guard.Recover("probe", nil)
	return p.dialer.run(ctx, job)
}

// Follow takes the health checks and endpoints of a root: only what changed, if it is the next one after the last.
func (p *Prober) Follow(root *config.Root) {
	p.mu.Lock()
	now := p.now()
	if p.root != nil && root.Generation() == p.root.Generation()+1 {
		p.root = root
		p.setChecks(root, root.ChangedHealthChecks(), now)
		p.change(root.ProbeChanges(), now)
	} else if p.root == nil || root.Generation() != p.root.Generation() {
		p.root = root
		p.replace(root, now)
	}
	p.mu.Unlock()
	p.flush()
	select {
	case p.wake <- struct{}{}:
	default:
	}
}

// replace goes over to a root that does not follow the last one. What both have keeps its verdicts.
func (p *Prober) replace(root *config.Root, now time.Duration) {
	before := p.core.users()
	p.setChecks(root, root.HealthChecks(), now)
	p.change(root.Probes(), now)
	for _, u := range before {
		p.core.Remove(u.Check, u.Address)
	}
	for name := range p.core.checks {
		if root.HealthCheck(name) == nil {
			p.core.RemoveCheck(name)
		}
	}
}

func (p *Prober) setChecks(root *config.Root, names []string, now time.Duration) {
	for _, name := range names {
		if h := root.HealthCheck(name); h != nil {
			p.tell(p.core.SetCheck(name, h, now))
		} else {
			p.core.RemoveCheck(name)
		}
	}
}

// change adds before it removes, so that an endpoint that goes from one user to another keeps its verdict.
func (p *Prober) change(changes []config.ProbeChange, now time.Duration) {
	for _, c := range changes {
		if c.Added {
			p.tell(p.core.Add(c.Check, c.Address, now))
		}
	}
	for _, c := range changes {
		if !c.Added {
			p.core.Remove(c.Check, c.Address)
		}
	}
}

// tell passes verdicts to the root, and keeps them for the callback.
func (p *Prober) tell(verdicts []Verdict) {
	for _, v := range verdicts {
		p.root.SetHealth(v.Check, v.Address, v.State)
		if p.opts.OnVerdict != nil {
			p.told = append(p.told, v)
		}
	}
}

// flush calls back without holding the core.
func (p *Prober) flush() {
	p.out.Lock()
	defer p.out.Unlock()
	p.mu.Lock()
	told := p.told
	p.told = nil
	p.mu.Unlock()
	for _, v := range told {
		p.opts.OnVerdict(v)
	}
}

// Verdicts lists every endpoint with its last verdict, sorted by health check and address.
func (p *Prober) Verdicts() []Verdict {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.core.Verdicts()
}

// Stats are counters since the start, and what is there now.
type Stats struct {
	Probes, Failures  uint64
	Targets, InFlight int
}

// Stats is for metrics.
func (p *Prober) Stats() Stats {
	p.mu.Lock()
	defer p.mu.Unlock()
	return Stats{Probes: p.probes.Load(), Failures: p.failures.Load(), Targets: p.core.Len(), InFlight: p.inFlight}
}
