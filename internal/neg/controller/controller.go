package controller

import (
	"context"
	"math/rand/v2"
	"strconv"
	"sync"
	"time"

	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
	"github.com/spillway-lb/spillway/internal/neg"
	"github.com/spillway-lb/spillway/internal/neg/garbage"
	"github.com/spillway-lb/spillway/internal/neg/syncer"
	"github.com/spillway-lb/spillway/internal/recompute"
	"github.com/spillway-lb/spillway/internal/store"
)

// quiet is how long nothing is looked at if nothing happens.
const quiet = time.Hour

// keyTold is that of events about what has happened.
const keyTold = "neg.told"

// Writer applies what is wanted of objects.
type Writer interface {
	Apply(changes []recompute.WriteChange, touched []string, now time.Time)
	Expire(now time.Time)
}

// Model is what is published.
type Model interface {
	Kind(kind string) []*lbv1.Resource
	Get(kind, name string) *lbv1.Resource
	// Users are the resources that refer to one; Routing numbers the state of what leads where.
	Users(kind, name string) []*lbv1.Resource
	Routing() uint64
}

// Options are what a controller works with.
type Options struct {
	Store  *store.Store
	Writer Writer
	Model  Model
	// Published is what an earlier process had published.
	Published map[recompute.ID]recompute.Published
	Now       func() time.Time
	// Random gives numbers in [0, 1); nil is a source of its own.
	Random func() float64
}

// Controller looks after the groups of a store. It passes on to its writer what is not for itself.
type Controller struct {
	options Options
	wake    chan struct{}

	mu      sync.Mutex
	syncer  *syncer.Core
	garbage *garbage.Core
	gates   *gates
	// told numbers what is told, so that the same text tells of another time.
	told int
}

// New makes a controller. Groups of an earlier process that had no cluster any more are orphans still.
func New(o Options) *Controller {
	if o.Random == nil {
		o.Random = rand.Float64
	}
	c := &Controller{
		options: o, wake: make(chan struct{}, 1),
		syncer: syncer.New(o.Random, attached(o.Published)), garbage: garbage.New(o.Now()), gates: newGates(o.Model),
	}
	c.adopt(o.Published)
	return c
}

// attached are the addresses of each group that were published.
func attached(units map[recompute.ID]recompute.Published) map[string][]string {
	all := map[string][]string{}
	for _, unit := range units {
		for _, r := range unit.Resources {
			if r.GetNetworkEndpointGroup() != nil {
				all[r.GetName()] = all[r.GetName()] // it is there, with or without endpoints
			}
			if s := r.GetEndpointShard(); s != nil {
				all[s.GetGroup()] = append(all[s.GetGroup()], neg.Addresses(s.GetEndpoints())...)
			}
		}
	}
	return all
}

// Apply takes the reports out of a round, and passes on the rest.
func (c *Controller) Apply(changes []recompute.WriteChange, touched []string, now time.Time) {
	var rest, reports []recompute.WriteChange
	for _, change := range changes {
		if change.Part == recompute.PartReport {
			reports = append(reports, change)
		} else {
			rest = append(rest, change)
		}
	}
	c.options.Writer.Apply(rest, touched, now)
	if len(reports) > 0 {
		c.observe(reports, now)
	}
	c.look() // what is published may be another
}

// Expire passes on.
func (c *Controller) Expire(now time.Time) { c.options.Writer.Expire(now) }

func (c *Controller) observe(reports []recompute.WriteChange, now time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, change := range reports {
		r, ok := change.Value.(*neg.Report)
		switch {
		case !ok:
		case change.Removed:
			c.syncerSays(c.syncer.Gone(r.Unit), now)
			c.gates.report(r.Unit, r.Service, nil)
			c.hush(r.Service, now)
		default:
			if last := c.gates.roster.reports[r.Unit]; last == nil || !last.SameGroups(r) {
				c.syncerSays(c.syncer.Observe(now, r), now)
			}
			c.gates.report(r.Unit, r.Service, r)
		}
	}
}

// syncerSays tells events and sets facts.
func (c *Controller) syncerSays(out syncer.Output, now time.Time) {
	for _, e := range out.Events {
		c.tell(e.Service, e.Event, now)
	}
	if len(out.Facts) > 0 {
		c.options.Store.Commit(func(tx *store.Tx) {
			for f, value := range out.Facts {
				tx.SetFact(f, value)
			}
		})
	}
}

// tell writes an event, whatever was told before.
func (c *Controller) tell(about store.Ref, e recompute.Event, now time.Time) {
	c.told++
	e.Cause = now.UTC().Format(time.RFC3339Nano) + "/" + strconv.Itoa(c.told)
	write := recompute.Write{Ref: about, Part: recompute.PartEvent, Key: keyTold, Value: e}
	c.options.Writer.Apply([]recompute.WriteChange{{Write: write}}, nil, now)
}

// hush lets the writer forget that anything was told of an object.
func (c *Controller) hush(about store.Ref, now time.Time) {
	write := recompute.Write{Ref: about, Part: recompute.PartEvent, Key: keyTold, Value: recompute.Event{}}
	c.options.Writer.Apply([]recompute.WriteChange{{Write: write, Removed: true}}, nil, now)
}

// look has Run look at what may be different.
func (c *Controller) look() {
	select {
	case c.wake <- struct{}{}:
	default:
	}
}

// Run looks after gates, failures and garbage until the context ends.
func (c *Controller) Run(ctx context.Context) {
	sub := c.options.Store.Subscribe()
	defer c.options.Store.Unsubscribe(sub)
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-sub.Ready():
		case <-c.wake:
		case <-timer.C:
		}
		snapshot, touched := sub.Take()
		timer.Reset(max(0, c.Step(snapshot, touched).Sub(c.options.Now())))
	}
}

// Step does what is due, and returns when something is next.
func (c *Controller) Step(snapshot *store.Snapshot, touched []string) time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := c.options.Now()
	c.syncerSays(c.syncer.Tick(now), now)
	c.turnGates(snapshot, touched, now)
	c.follow(snapshot, touched)
	c.collect(snapshot, now)
	next := now.Add(quiet)
	if at, ok := c.syncer.Next(); ok && at.Before(next) {
		next = at
	}
	if at, ok := c.gates.next(); ok && at.Before(next) {
		next = at
	}
	if at := c.garbage.Next(); at.Before(next) {
		next = at
	}
	return next
}
