package truth_test

import (
	"fmt"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// bound is how long a status may say True for what requests show to be false: the time of a round with its acknowledgement, on a machine that
// is busy with other things.
const bound = 2 * time.Second

// claim is what the conditions of a route promise: that its host answers 200.
type claim struct {
	route, listener, url string
}

// claimsOf are about the neighbour, which no fault may disturb, and about the route that faults are about, on both listeners.
func claimsOf(f *fault) []claim {
	return []claim{
		{"good", "http", "http://good.test/"},
		{"r", or(f.listener, "http"), "http://r.test/"},
		{"secure", "https", "https://foo.test/"},
	}
}

// liar asks all along whether what statuses say is so.
type liar struct {
	w     *world
	stop  chan struct{}
	ended sync.WaitGroup
	once  sync.Once
}

func startLiar(w *world) *liar {
	l := &liar{w: w, stop: make(chan struct{})}
	for _, c := range w.claims {
		l.ended.Go(func() { l.watch(c) })
	}
	return l
}

func (l *liar) end() {
	l.once.Do(func() { close(l.stop) })
	l.ended.Wait()
}

// watch reports a claim that stays false for longer than the bound.
func (l *liar) watch(c claim) {
	var since time.Time
	for {
		select {
		case <-l.stop:
			return
		case <-time.After(60 * time.Millisecond):
		}
		promised, before := l.promised(c)
		if !promised {
			since = time.Time{}
			continue
		}
		status, err := l.w.ask(c.listener, c.url)
		still, after := l.promised(c)
		switch {
		case err == nil && status == 200, !still, before != after:
			since = time.Time{}
		case since.IsZero():
			since = time.Now()
		case time.Since(since) > bound:
			l.w.t.Errorf("route %s and its Gateway say True for %v, but %s is answered %d, %v", c.route, time.Since(since), c.url, status, err)
			return
		}
	}
}

// promised says whether every condition about a claim is True, and of which versions.
func (l *liar) promised(c claim) (bool, string) {
	route := l.w.object("HTTPRoute.gateway.networking.k8s.io", "default", c.route)
	gateway := l.w.object("Gateway.gateway.networking.k8s.io", "default", l.w.name)
	if route == nil || gateway == nil || partial(route) {
		return false, ""
	}
	versions := fmt.Sprint(route.GetGeneration(), gateway.GetGeneration())
	return allTrue(route, "", "Accepted", "ResolvedRefs", "Reconciled") && allTrue(gateway, "", "Accepted", "Programmed") &&
		allTrue(gateway, c.listener, "Accepted", "ResolvedRefs", "Programmed"), versions
}

// partial routes say which of their rules are not served.
func partial(o *unstructured.Unstructured) bool {
	for _, c := range conditionsOf(o) {
		if c.kind == "PartiallyInvalid" && c.status == "True" {
			return true
		}
	}
	return false
}
