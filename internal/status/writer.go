// Package status is the writer: it takes the writes that translators want and makes them facts of the store.
//
// In: a round's write changes and the read keys that changed. Out: one batch for an Applier with statuses, annotations,
// finalizers, derived objects and Event objects, by differences only: nothing is applied that is there already. Times
// (lastTransitionTime, last-reconcile-time, those of events) are stamped here, with the clock that the caller passes in.
//
//	w := status.NewWriter(s, status.Limits{})
//	w.Apply(round.Writes, touched, time.Now())
//	w.Expire(time.Now()) // now and then, drops old events
//
// The writer remembers what is wanted, so an object that goes and comes back is written again. What was written before, by
// an earlier process too, is read from the live object: its times stay, what other controllers say of it stays, and what
// is as it is wanted already makes neither a write nor an event.
package status

import (
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/spillway-lb/spillway/internal/recompute"
	"github.com/spillway-lb/spillway/internal/store"
)

// Origin is the origin of derived objects. An object of any other origin belongs to the user and is never replaced.
const Origin = "controller"

// Limits bound what the writer keeps; zero values mean the defaults.
type Limits struct {
	// EventTTL is how long an event lives after its last occurrence; 1 h, as in an API server.
	EventTTL time.Duration
	// MaxEvents is how many events are kept; the one whose last occurrence is the oldest goes first. 10,000.
	MaxEvents int
	// Controllers are those for which the writer speaks in lists that several controllers share, whether or not they say anything.
	Controllers []string
}

// Writer applies writes. It is safe for concurrent use, as the translators and the standalone controllers share one.
type Writer struct {
	applier Applier

	mu          sync.Mutex
	wanted      map[store.Ref]*wanted
	events      *eventLog
	controllers []string
	sweep       sweep
}

// wanted is everything that translators want of one object.
type wanted struct {
	object      store.Object
	status      any
	conditions  map[string]any // by type, beside those of status
	annotations map[string]string
	finalizers  []string
	// met: this writer has looked at the object. told: something beside the object itself has been wanted or taken back.
	met, told bool
}

func (w *wanted) empty() bool {
	return w.object == nil && w.status == nil && len(w.conditions) == 0 && w.annotations == nil && w.finalizers == nil
}

// NewWriter makes a writer for one store.
func NewWriter(s *store.Store, limits Limits) *Writer { return NewWriterTo(Into(s), limits) }

// NewWriterTo makes a writer for wherever the objects live.
func NewWriterTo(a Applier, limits Limits) *Writer {
	return &Writer{
		applier: a, wanted: map[store.Ref]*wanted{}, events: newEventLog(limits), controllers: limits.Controllers,
		sweep: newSweep(),
	}
}

// Apply takes the writes that changed in a round, and the read keys that the round started from; objects among those
// that have come back or changed are looked at again.
func (w *Writer) Apply(changes []recompute.WriteChange, touched []string, now time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	dirty := map[store.Ref]bool{}
	var occurrences []recompute.WriteChange
	for _, c := range changes {
		if c.Part == recompute.PartEvent {
			occurrences = append(occurrences, c)
			continue
		}
		w.want(c)
		dirty[c.Ref] = true
	}
	for _, read := range touched {
		ref, ok := store.ObjectOf(read)
		if !ok {
			ref, ok = store.StatusOf(read)
		}
		if ok && (w.wanted[ref] != nil || w.sweep.done) {
			dirty[ref] = true
		}
	}
	if len(dirty) == 0 && len(occurrences) == 0 && w.sweep.done {
		return
	}
	refs := slices.SortedFunc(maps.Keys(dirty), store.CompareRefs)
	w.applier.Apply(func(t Target) {
		w.events.adopt(t)
		w.sweep.hear(t, touched)
		said := map[store.Ref]bool{}
		for _, ref := range refs {
			said[ref] = w.write(t, ref, now)
		}
		for _, c := range occurrences {
			w.events.apply(t, c, said[c.Ref], now)
		}
		w.sweep.run(t, w.wanted, now)
	})
}

// Expire drops events past their time to live.
func (w *Writer) Expire(now time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.events.anyExpired(now) {
		return
	}
	w.applier.Apply(func(t Target) { w.events.expire(t, now) })
}

// want records a change of what is wanted.
func (w *Writer) want(c recompute.WriteChange) {
	x := w.wanted[c.Ref]
	if x == nil {
		x = &wanted{}
		w.wanted[c.Ref] = x
	}
	x.told = x.told || c.Part != recompute.PartObject
	switch c.Part {
	case recompute.PartObject:
		x.object, _ = c.Value.(store.Object)
		if c.Removed {
			x.object = nil
		}
	case recompute.PartStatus:
		x.status = c.Value
		if c.Removed {
			x.status = nil
		}
	case recompute.PartCondition:
		if x.conditions == nil {
			x.conditions = map[string]any{}
		}
		x.conditions[c.Key] = c.Value
		if c.Removed {
			delete(x.conditions, c.Key)
		}
	case recompute.PartAnnotations:
		x.annotations, _ = c.Value.(map[string]string)
		if c.Removed {
			x.annotations = nil
		}
	case recompute.PartFinalizers:
		x.finalizers, _ = c.Value.([]string)
		if c.Removed {
			x.finalizers = nil
		}
	}
}

// write brings one object in line with what is wanted of it. It returns true if an earlier process had already said all
// of it: then its events are no news either.
func (w *Writer) write(t Target, ref store.Ref, now time.Time) (said bool) {
	x := w.wanted[ref]
	if x == nil {
		if w.sweep.done {
			orphan(t, ref, now)
		}
		return false
	}
	writeObject(t, ref, x.object, now)
	entry := t.Get(ref)
	if x.empty() && (entry == nil || entry.Origin != Origin) {
		delete(w.wanted, ref)
	}
	if entry == nil {
		return false
	}
	next, said := x.written(entry, w.controllers, now)
	if next != entry.Written {
		t.Write(ref, next)
	}
	said = said && next != nil && x.status != nil && !x.met
	x.met = true
	return said
}
