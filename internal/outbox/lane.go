package outbox

import (
	"time"

	"github.com/spillway-lb/spillway/internal/kind"
	"github.com/spillway-lb/spillway/internal/store"
)

// lane is what goes to one cluster: statuses and objects before events.
type lane struct {
	urgent, events []*item
	inFlight       int
	bucket         bucket
	pause
	// probing: one request finds out whether the API server is there again.
	probing bool
	kinds   map[string]*pause // those that are not served
}

// pause grows with failures.
type pause struct {
	failures int
	until    time.Time
}

func newLane() *lane { return &lane{kinds: map[string]*pause{}} }

func (l *lane) empty() bool { return len(l.urgent)+len(l.events) == 0 }

func (l *lane) push(it *item) {
	if it.ref.Kind == kind.Event {
		l.events = append(l.events, it)
	} else {
		l.urgent = append(l.urgent, it)
	}
}

func (l *lane) pop() *item {
	from := &l.urgent
	if len(*from) == 0 {
		from = &l.events
	}
	if len(*from) == 0 {
		return nil
	}
	it := (*from)[0]
	(*from)[0] = nil
	*from = (*from)[1:]
	return it
}

// open says that requests may go out; after a failure, one at a time.
func (l *lane) open(now time.Time) bool {
	return l.failures == 0 || !l.probing && !now.Before(l.until)
}

// due is when the lane may go on by itself; waits is false if it waits for an answer.
func (l *lane) due(now time.Time, rate float64) (at time.Time, waits bool) {
	if l.failures > 0 {
		return l.until, !l.probing
	}
	return now.Add(l.bucket.wait(rate)), true
}

// closed says until when nothing is asked for a kind that is not served.
func (l *lane) closed(of string, now time.Time) (until time.Time, closed bool) {
	p := l.kinds[of]
	if p == nil || !now.Before(p.until) {
		return time.Time{}, false
	}
	return p.until, true
}

// fail makes the pause longer.
func (p *pause) fail(now time.Time, l Limits) {
	p.until = now.Add(l.backoff(p.failures))
	p.failures++
}

// backoff doubles from MinPause to MaxPause.
func (l Limits) backoff(failures int) time.Duration {
	d := l.MinPause
	for range failures {
		if d *= 2; d >= l.MaxPause {
			return l.MaxPause
		}
	}
	return d
}

func (l Limits) perObject() float64 { return 1 / l.ObjectEvery.Seconds() }

// place is a namespace of a cluster.
type place struct{ cluster, namespace string }

// namespaces knows which Namespaces there are, and what waits for one.
type namespaces struct {
	there   map[place]bool
	known   map[string]int // how many, by cluster
	waiting map[place]map[store.Ref]struct{}
}

func newNamespaces() *namespaces {
	return &namespaces{there: map[place]bool{}, known: map[string]int{}, waiting: map[place]map[store.Ref]struct{}{}}
}

// set takes whether a Namespace exists, and whether something can be made in it; what waited for that is returned.
func (n *namespaces) set(p place, exists, usable bool) (free []store.Ref) {
	_, had := n.there[p]
	switch {
	case exists && !had:
		n.known[p.cluster]++
	case !exists && had:
		n.known[p.cluster]--
		delete(n.there, p)
	}
	if exists {
		n.there[p] = usable
	}
	if usable {
		for ref := range n.waiting[p] {
			free = append(free, ref)
		}
		delete(n.waiting, p)
	}
	return free
}

// missing says that an object cannot be made for want of its Namespace. Of a cluster whose Namespaces nobody lists, nothing is known.
func (n *namespaces) missing(ref store.Ref) bool {
	return ref.Namespace != "" && n.known[ref.Cluster] > 0 && !n.there[place{ref.Cluster, ref.Namespace}]
}

func (n *namespaces) wait(ref store.Ref) {
	p := place{ref.Cluster, ref.Namespace}
	if n.waiting[p] == nil {
		n.waiting[p] = map[store.Ref]struct{}{}
	}
	n.waiting[p][ref] = struct{}{}
}
