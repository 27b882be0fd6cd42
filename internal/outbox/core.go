package outbox

import (
	"container/heap"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/spillway-lb/spillway/internal/finalizer"
	"github.com/spillway-lb/spillway/internal/kind"
	"github.com/spillway-lb/spillway/internal/status"
	"github.com/spillway-lb/spillway/internal/store"
)

// Core decides which requests are sent when. It is used by one goroutine.
type Core struct {
	owner  Owner
	limits Limits
	// Trouble, if not nil, is told what an API server does not take, once for each text.
	Trouble func(store.Ref, Class, string)

	items  map[store.Ref]*item
	lanes  map[string]*lane // by cluster
	timers timers
	spaces *namespaces
}

// NewCore makes a core that knows nothing yet.
func NewCore(o Owner, l Limits) *Core {
	return &Core{
		owner: o, limits: l.orDefaults(), Trouble: func(store.Ref, Class, string) {},
		items: map[store.Ref]*item{}, lanes: map[string]*lane{}, spaces: newNamespaces(),
	}
}

// Observe takes an entry as the store has it now, nil if it has none.
func (c *Core) Observe(ref store.Ref, e *store.Entry) {
	if ref.Kind == kind.Namespace {
		c.observeNamespace(ref, e)
	}
	it := c.items[ref]
	if it == nil {
		if e == nil || e.Written == nil && e.Origin != status.Origin {
			return // nothing was ever said of it
		}
		it = &item{ref: ref}
		c.items[ref] = it
	}
	if it.observe(e) {
		c.queue(it)
	}
}

// observeNamespace has what waits for a Namespace tried again when it is there.
func (c *Core) observeNamespace(ref store.Ref, e *store.Entry) {
	there := false
	if e != nil {
		n, ok := e.Object.(*corev1.Namespace)
		there = ok && !finalizer.Deleted(n) && n.Status.Phase != corev1.NamespaceTerminating
	}
	for _, waiting := range c.spaces.set(place{ref.Cluster, ref.Name}, e != nil, there) {
		if it := c.items[waiting]; it != nil {
			it.refused, it.notBefore, it.failures = "", time.Time{}, 0
			c.queue(it)
		}
	}
}

// queue has an item looked at, unless it will be anyway.
func (c *Core) queue(it *item) {
	if it.queued || it.flight != nil {
		return
	}
	it.queued = true
	c.lane(it.ref.Cluster).push(it)
}

func (c *Core) lane(cluster string) *lane {
	l := c.lanes[cluster]
	if l == nil {
		l = newLane()
		c.lanes[cluster] = l
	}
	return l
}

// Next returns the requests that may start now; they are in flight until Done.
func (c *Core) Next(now time.Time) []*Op {
	for _, it := range c.timers.due(now) {
		c.queue(it)
	}
	var ops []*Op
	for _, l := range c.lanes {
		ops = append(ops, c.drain(l, now)...)
	}
	return ops
}

// drain starts what a cluster's lane lets pass.
func (c *Core) drain(l *lane, now time.Time) (ops []*Op) {
	l.bucket.fill(now, c.limits.Rate, c.limits.Burst)
	for l.inFlight < c.limits.Parallel && l.bucket.tokens >= 1 && l.open(now) {
		it := l.pop()
		if it == nil {
			break
		}
		it.queued = false
		op := c.start(it, l, now)
		if op == nil {
			continue
		}
		l.bucket.tokens--
		l.inFlight++
		l.probing = l.failures > 0
		it.flight = op
		ops = append(ops, op)
	}
	return ops
}

// start makes out an item's request; it is nil if there is none now.
func (c *Core) start(it *item, l *lane, now time.Time) *Op {
	if c.items[it.ref] != it {
		return nil
	}
	op := c.owner.next(it)
	if op == nil {
		if it.idle() {
			delete(c.items, it.ref)
		}
		return nil
	}
	if it.refused != "" && it.refused != op.signature() {
		it.refused, it.notBefore, it.failures = "", time.Time{}, 0
	}
	if now.Before(it.notBefore) {
		c.timers.add(it, it.notBefore)
		return nil
	}
	if op.Verb == Create && c.spaces.missing(it.ref) {
		c.spaces.wait(it.ref)
		return nil
	}
	if at, closed := l.closed(it.ref.Kind, now); closed {
		c.timers.add(it, at)
		return nil
	}
	it.bucket.fill(now, c.limits.perObject(), c.limits.ObjectBurst)
	if wait := it.bucket.wait(c.limits.perObject()); wait > 0 && op.Verb != Read {
		c.timers.add(it, now.Add(wait))
		return nil
	}
	if op.Verb != Read {
		it.bucket.tokens--
	}
	return op
}

// Due is when Next may have something, if nothing is observed or answered before; ok is false if that is never.
func (c *Core) Due(now time.Time) (at time.Time, ok bool) {
	if len(c.timers) > 0 {
		at, ok = c.timers[0].at, true
	}
	for _, l := range c.lanes {
		if l.empty() || l.inFlight >= c.limits.Parallel {
			continue
		}
		if next, waits := l.due(now, c.limits.Rate); waits && (!ok || next.Before(at)) {
			at, ok = next, true
		}
	}
	return at, ok
}

// Waiting counts what is not as wanted, as far as that is known: what waits for its turn, for a pause to end, or for an answer.
func (c *Core) Waiting() int {
	n := len(c.timers)
	for _, l := range c.lanes {
		n += len(l.urgent) + len(l.events) + l.inFlight
	}
	return n
}

// timers are the items that wait, the earliest first; of an item's, the earliest counts.
type timers []timer

type timer struct {
	at time.Time
	it *item
}

func (t *timers) add(it *item, at time.Time) {
	if it.wakes.IsZero() || at.Before(it.wakes) {
		it.wakes = at
		heap.Push(t, timer{at, it})
	}
}

// due takes out those whose time has come.
func (t *timers) due(now time.Time) (items []*item) {
	for len(*t) > 0 && !(*t)[0].at.After(now) {
		if next := heap.Pop(t).(timer); next.it.wakes.Equal(next.at) {
			next.it.wakes = time.Time{}
			items = append(items, next.it)
		}
	}
	return items
}

func (t timers) Len() int           { return len(t) }
func (t timers) Less(i, j int) bool { return t[i].at.Before(t[j].at) }
func (t timers) Swap(i, j int)      { t[i], t[j] = t[j], t[i] }
func (t *timers) Push(x any)        { *t = append(*t, x.(timer)) }
func (t *timers) Pop() any {
	last := (*t)[len(*t)-1]
	*t = (*t)[:len(*t)-1]
	return last
}
