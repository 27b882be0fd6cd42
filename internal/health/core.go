package health

import (
	"container/heap"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/cespare/xxhash/v2"

	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
)

const (
	// firstRetry is the pause before the second probe of an endpoint that was never healthy; it doubles up to the interval,
	// so that a process that is still starting is found soon after it listens.
	firstRetry = 200 * time.Millisecond
	// jitter is the share of the interval that is cut off at random, so that probes spread. An interval never grows: an
	// endpoint is out within the unhealthy threshold times the interval.
	jitter = 0.1
	// spread is the same for the first pause, after many endpoints came at once.
	spread = 0.5
	// cutOff and cutOffMinimum: when more than this share of the endpoints that were healthy, and at least so many of them,
	// fall silent together, the prober takes itself for cut off and says UNKNOWN instead of UNHEALTHY.
	cutOff        = 2.0 / 3
	cutOffMinimum = 8
)

// Verdict is what a health check says about an endpoint.
type Verdict struct {
	Check   string
	Address netip.AddrPort
	State   lbv1.HealthState
	// Detail is the outcome of the last probe, such as "HTTP 404".
	Detail string
}

// Outcome is how a probe ended.
type Outcome struct {
	OK bool
	// Silent is a failure without any word from the endpoint: a time-out, or no way to it. A refused connection or a wrong
	// answer is not silent.
	Silent bool
	// Own is a failure of this host's: it has no descriptor, port or memory left for a probe. It says nothing about the
	// endpoint.
	Own    bool
	Detail string
}

// Job is a probe to start.
type Job struct {
	Address  netip.AddrPort // the endpoint's; Settings.target is where to connect
	Settings Settings
}

// Core decides. It is for one goroutine; now is monotonic.
type Core struct {
	checks map[string]Settings
	probes map[Job]*probe
	queue  queue
	// alive counts the probes whose endpoint was healthy when last heard of, silent those of them that failed silently since.
	alive, silent int
}

// probe is the state of one endpoint under one set of settings.
type probe struct {
	job   Job
	users map[string]int // how often each health check wants it

	state      lbv1.HealthState
	known      bool // a first verdict was told
	wasHealthy bool // needs thresholds to change
	good, bad  int  // in a row
	silent     int  // in a row
	own        int  // in a row
	detail     string

	tries   int
	due     time.Duration
	running bool
	index   int // in the queue; -1 while running
}

// NewCore is a core without checks.
func NewCore() *Core {
	return &Core{checks: map[string]Settings{}, probes: map[Job]*probe{}}
}

// SetCheck brings or changes a health check. Its endpoints are probed at once under the new settings; until then their
// verdicts stay, and one that was healthy has to fail as often as the threshold says.
func (c *Core) SetCheck(name string, h *lbv1.HealthCheck, now time.Duration) []Verdict {
	settings := settingsOf(h)
	old, ok := c.checks[name]
	c.checks[name] = settings
	if !ok || old == settings {
		return nil
	}
	var out []Verdict
	for job, p := range c.probes {
		if job.Settings == old && p.users[name] > 0 {
			out = append(out, c.join(name, job.Address, p.users[name], p, now)...)
			c.leave(p, name, p.users[name])
		}
	}
	return out
}

// RemoveCheck forgets a health check and its endpoints.
func (c *Core) RemoveCheck(name string) {
	settings := c.checks[name]
	delete(c.checks, name)
	for job, p := range c.probes {
		if job.Settings == settings && p.users[name] > 0 {
			c.leave(p, name, p.users[name])
		}
	}
}

// Add counts one more user of an endpoint, and returns the verdict if there is one already.
func (c *Core) Add(check string, at netip.AddrPort, now time.Duration) []Verdict {
	if _, ok := c.checks[check]; !ok {
		return nil
	}
	return c.join(check, at, 1, nil, now)
}

// Remove counts one user less.
func (c *Core) Remove(check string, at netip.AddrPort) {
	settings, ok := c.checks[check]
	if p := c.probes[Job{at, settings}]; ok && p != nil && p.users[check] > 0 {
		c.leave(p, check, 1)
	}
}

// join adds n users; a new probe starts with what before knows.
func (c *Core) join(check string, at netip.AddrPort, n int, before *probe, now time.Duration) []Verdict {
	job := Job{at, c.checks[check]}
	p := c.probes[job]
	if p == nil {
		p = &probe{job: job, users: map[string]int{}, due: now}
		if before != nil && before.state == lbv1.HealthState_HEALTHY {
			p.state, p.known, p.wasHealthy, p.detail = before.state, true, true, before.detail
		}
		c.probes[job] = p
		c.count(p, +1)
		heap.Push(&c.queue, p)
	}
	p.users[check] += n
	if !p.known {
		return nil
	}
	return []Verdict{p.verdict(check)}
}

func (c *Core) leave(p *probe, check string, n int) {
	if p.users[check] -= n; p.users[check] == 0 {
		delete(p.users, check)
	}
	if len(p.users) > 0 {
		return
	}
	c.count(p, -1)
	delete(c.probes, p.job)
	if !p.running {
		heap.Remove(&c.queue, p.index)
	}
}

// Tick returns at most limit probes that are due. Each of them must come back in Result.
func (c *Core) Tick(now time.Duration, limit int) []Job {
	var out []Job
	for len(out) < limit && len(c.queue) > 0 && c.queue[0].due <= now {
		p := heap.Pop(&c.queue).(*probe)
		p.running = true
		p.due = now
		out = append(out, p.job)
	}
	return out
}

// Next is when Tick will have something to do; false: not before something else happens.
func (c *Core) Next() (time.Duration, bool) {
	if len(c.queue) == 0 {
		return 0, false
	}
	return c.queue[0].due, true
}

// Result takes the outcome of a probe and returns the verdicts that changed.
func (c *Core) Result(job Job, o Outcome) []Verdict {
	p := c.probes[job]
	if p == nil || !p.running {
		return nil // nobody wants it any more
	}
	c.count(p, -1)
	p.running = false
	p.detail = o.Detail
	state := p.next(o)
	c.count(p, +1)
	if state == lbv1.HealthState_UNHEALTHY && p.state != state && c.isCutOff(p) {
		state = lbv1.HealthState_UNKNOWN
	}
	changed := !p.known || state != p.state
	c.count(p, -1)
	p.known, p.state = true, state
	p.wasHealthy = p.wasHealthy || state == lbv1.HealthState_HEALTHY
	c.count(p, +1)
	p.due += p.pause()
	p.tries++
	heap.Push(&c.queue, p)
	if !changed {
		return nil
	}
	return p.verdicts()
}

// next is the state that the outcome asks for.
func (p *probe) next(o Outcome) lbv1.HealthState {
	if o.Own {
		// Nothing was learned. When that goes on for as long as a verdict would have taken, nothing is known.
		p.own++
		if !p.known || p.state == lbv1.HealthState_HEALTHY && p.own >= p.job.Settings.Unhealthy {
			return lbv1.HealthState_UNKNOWN
		}
		return p.state
	}
	p.own = 0
	if o.OK {
		p.good, p.bad, p.silent = p.good+1, 0, 0
		if p.state != lbv1.HealthState_UNHEALTHY || !p.wasHealthy || p.good >= p.job.Settings.Healthy {
			return lbv1.HealthState_HEALTHY
		}
		return p.state
	}
	p.good, p.bad = 0, p.bad+1
	if o.Silent {
		p.silent++
	} else {
		p.silent = 0
	}
	if !p.wasHealthy || p.bad >= p.job.Settings.Unhealthy {
		return lbv1.HealthState_UNHEALTHY
	}
	return p.state
}

// pause is the time from the start of one probe to that of the next.
func (p *probe) pause() time.Duration {
	interval := p.job.Settings.Interval
	if !p.wasHealthy && p.tries < 16 {
		if retry := firstRetry << p.tries; retry < interval {
			return retry
		}
	}
	share := jitter
	if p.tries == 0 {
		share = spread
	}
	seed := xxhash.Sum64String(p.job.Address.String()) + uint64(p.tries)*0x9E3779B97F4A7C15
	random := float64(seed>>11) / (1 << 53)
	return interval - time.Duration(random*share*float64(interval))
}

// count adds a probe to the counters, or takes it out.
func (c *Core) count(p *probe, n int) {
	if p.wasHealthy && p.state != lbv1.HealthState_UNHEALTHY {
		c.alive += n
		if p.silent > 0 {
			c.silent += n
		}
	}
}

// isCutOff says whether the silence is rather the prober's fault than the endpoint's.
func (c *Core) isCutOff(p *probe) bool {
	return p.silent > 0 && c.alive >= cutOffMinimum && float64(c.silent) > cutOff*float64(c.alive)
}

func (p *probe) verdict(check string) Verdict {
	return Verdict{Check: check, Address: p.job.Address, State: p.state, Detail: p.detail}
}

func (p *probe) verdicts() []Verdict {
	out := make([]Verdict, 0, len(p.users))
	for check := range p.users {
		out = append(out, p.verdict(check))
	}
	return out
}

// Verdicts lists every endpoint with its last verdict, sorted by check and address.
func (c *Core) Verdicts() []Verdict {
	var out []Verdict
	for _, p := range c.probes {
		out = append(out, p.verdicts()...)
	}
	slices.SortFunc(out, func(a, b Verdict) int {
		if n := strings.Compare(a.Check, b.Check); n != 0 {
			return n
		}
		return a.Address.Compare(b.Address)
	})
	return out
}

// Len is the number of probes, shared ones counted once.
func (c *Core) Len() int { return len(c.probes) }

// queue is a heap of the probes that wait, by due time.
type queue []*probe

func (q queue) Len() int           { return len(q) }
func (q queue) Less(i, j int) bool { return q[i].due < q[j].due }
func (q queue) Swap(i, j int)      { q[i], q[j] = q[j], q[i]; q[i].index, q[j].index = i, j }

// Push is part of heap.Interface.
func (q *queue) Push(x any) {
	p := x.(*probe)
	p.index = len(*q)
	*q = append(*q, p)
}

// Pop is part of heap.Interface.
func (q *queue) Pop() any {
	old := *q
	p := old[len(old)-1]
	old[len(old)-1] = nil
	*q = old[:len(old)-1]
	p.index = -1
	return p
}

// user is one health check's use of an endpoint.
type user struct {
	Check   string
	Address netip.AddrPort
}

// users lists every use, as often as it was added.
func (c *Core) users() []user {
	var out []user
	for _, p := range c.probes {
		for check, n := range p.users {
			for range n {
				out = append(out, user{check, p.job.Address})
			}
		}
	}
	return out
}
