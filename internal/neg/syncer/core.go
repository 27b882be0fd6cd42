// Package syncer follows the groups of wanted Service ports, and decides what is said of it: endpoints that come and go, degraded
// mode, and what cannot be had.
//
// In: each report of package neg, when what it speaks of has been published, and the time. Out: events on Services, and the facts
// fact.Degraded and fact.Synced. There is no clock in it, and no I/O:
//
//	core := syncer.New(rand.Float64, attachedBefore)
//	out := core.Observe(now, report)
//	out = core.Tick(now) // at core.Next() at the latest
//
// A group is published with all its endpoints at once. What the Compute API takes 500 at a time is told in such batches. What
// fails is tried again by those who publish as soon as there is reason to; here it is told again, later each time, and never
// given up.
package syncer

import (
	"maps"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/spillway-lb/spillway/internal/fact"
	"github.com/spillway-lb/spillway/internal/names"
	"github.com/spillway-lb/spillway/internal/neg"
	"github.com/spillway-lb/spillway/internal/recompute"
	"github.com/spillway-lb/spillway/internal/store"
)

const (
	// batch is how many endpoints one call of the Compute API takes.
	batch = 500
	// The pause before a failure is told again: each is the last one times a number between 1 and 2.
	minPause = 5 * time.Second
	maxPause = 600 * time.Second
)

// Event is one on a Service.
type Event struct {
	Service store.Ref
	recompute.Event
}

// Output is what is to be said and known.
type Output struct {
	Events []Event
	// Facts are values to set; nil removes one.
	Facts map[store.Fact]any
}

// Core knows the Service ports that have groups. It is for one goroutine.
type Core struct {
	random   func() float64
	restored map[string][]string
	ports    map[string]*port
	// failing are the ports whose failure is told again: the only ones that time matters to.
	failing map[string]*port
}

// port is what was last seen of a Service port.
type port struct {
	report   *neg.Report
	attached map[string]map[string]bool // addresses by zone
	degraded bool
	pause    time.Duration // 0 if nothing fails
	due      time.Time
}

// New makes a core. random gives numbers in [0, 1); attached are the addresses of each group that an earlier process had published, by
// ZONE/NEG.
func New(random func() float64, attached map[string][]string) *Core {
	return &Core{random: random, restored: attached, ports: map[string]*port{}, failing: map[string]*port{}}
}

// Observe takes a new report.
func (c *Core) Observe(now time.Time, r *neg.Report) Output {
	out := &builder{report: r, facts: map[store.Fact]any{fact.Synced(r.Unit): now.UTC().Truncate(time.Second)}}
	p := c.ports[r.Unit]
	if p == nil || p.report.Name != r.Name {
		p = &port{attached: c.attachedBefore(r), degraded: p != nil && p.degraded}
		c.ports[r.Unit] = p
	}
	p.report = r
	out.attach(p)
	out.mode(p)
	c.failure(now, p, out)
	return Output{out.events, out.facts}
}

// Gone takes note that a Service port wants no groups any more.
func (c *Core) Gone(unit string) Output {
	if c.ports[unit] == nil {
		return Output{}
	}
	delete(c.ports, unit)
	delete(c.failing, unit)
	return Output{Facts: map[store.Fact]any{fact.Degraded(unit): nil, fact.Synced(unit): nil}}
}

// Tick tells again what still fails.
func (c *Core) Tick(now time.Time) Output {
	var out Output
	for _, unit := range slices.Sorted(maps.Keys(c.failing)) {
		p := c.failing[unit]
		if p.due.After(now) {
			continue
		}
		b := &builder{report: p.report}
		c.failure(now, p, b)
		out.Events = append(out.Events, b.events...)
	}
	return out
}

// Next is when Tick has something to do; false if never.
func (c *Core) Next() (at time.Time, ok bool) {
	for _, p := range c.failing {
		if !ok || p.due.Before(at) {
			at, ok = p.due, true
		}
	}
	return at, ok
}

// Degraded tells whether a port is in degraded mode.
func (c *Core) Degraded(unit string) bool { return c.ports[unit] != nil && c.ports[unit].degraded }

// attachedBefore is what an earlier process had published of a report's groups. It counts once.
func (c *Core) attachedBefore(r *neg.Report) map[string]map[string]bool {
	attached := map[string]map[string]bool{}
	for _, z := range r.Zones {
		group := names.Group(z.Zone, r.Name)
		addresses, known := c.restored[group]
		if !known {
			continue
		}
		delete(c.restored, group)
		attached[z.Zone] = map[string]bool{}
		for _, a := range addresses {
			attached[z.Zone][a] = true
		}
	}
	return attached
}

// Settle forgets what an earlier process had published: whoever still wanted it has reported.
func (c *Core) Settle() { c.restored = nil }

// failure tells what fails, and when it is told again.
func (c *Core) failure(now time.Time, p *port, out *builder) {
	switch {
	case p.report.Asked == "":
		p.pause = 0
		delete(c.failing, p.report.Unit)
		return
	case p.pause == 0:
		p.pause = minPause
	case p.due.After(now):
		return
	default:
		p.pause = min(time.Duration(float64(p.pause)*(1+c.random())), maxPause)
	}
	p.due = now.Add(p.pause)
	c.failing[p.report.Unit] = p
	out.add(corev1.EventTypeWarning, "SyncNetworkEndpointGroupFailed", neg.ConflictMessage(p.report.Asked, p.report.Holder))
}
