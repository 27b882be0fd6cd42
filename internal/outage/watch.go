package outage

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/spillway-lb/spillway/internal/store"
)

// Backend is a port of a Service or a ServiceImport as one location sends requests to it.
type Backend struct {
	Of       store.Ref
	Port     int32
	Location string
	// Callout: extensions call it; routes that send requests to the same port do so by another backend service.
	Callout bool
	// Healthy: an endpoint of it is, as far as the location's prober knows.
	Healthy bool
	// Reason is why none is.
	Reason Reason
}

// Key tells backends apart.
type Key struct {
	of       store.Ref
	port     int32
	location string
	callout  bool
}

// Key is the backend's.
func (b *Backend) Key() Key { return Key{b.Of, b.Port, b.Location, b.Callout} }

// Then is what becomes of requests while nobody answers.
func (b *Backend) Then() string {
	if b.Callout {
		return "extensions that call it fail, and requests get 500 without failOpen"
	}
	return "requests get 503"
}

const (
	// startTime is how long a backend that was never healthy may take: its Pods may be starting.
	startTime = 10 * time.Second
	// flapTime is how long any other trouble has to last: files of one change may come one after the other, and a rollout has
	// moments without anybody.
	flapTime = 2 * time.Second
	// rewordTime is how long a told reason stands before it is told in other words: probes fail in one way and another.
	rewordTime = 30 * time.Second
)

// Watch decides what is told of backends. It has no clock: the caller says what time it is.
type Watch struct {
	known map[Key]*watched
}

type watched struct {
	// since is when the trouble began, as far as it is the same; it counts while there is one.
	since  time.Time
	reason Reason
	silent bool
	// healthy: it was, once.
	healthy bool
	told    Reason // the zero Reason: nothing is told that holds still
	toldAt  time.Time
}

// NewWatch knows of nothing.
func NewWatch() *Watch { return &Watch{known: map[Key]*watched{}} }

// Step takes all backends that are in use. It returns those of which there is something new to tell that is not well,
// those that were told of and are well again, both in order, and when at the latest it wants to be called again; the zero
// time is never. A backend that is not in use any more is forgotten.
func (w *Watch) Step(now time.Time, all []Backend) (worse, better []Backend, again time.Time) {
	next := make(map[Key]*watched, len(all))
	for i := range all {
		b := &all[i]
		k := w.known[b.Key()]
		if k == nil {
			k = &watched{}
		}
		next[b.Key()] = k
		if b.Healthy {
			if k.told != (Reason{}) {
				better = append(better, *b)
			}
			*k = watched{healthy: true}
			continue
		}
		due := k.trouble(now, b.Reason)
		switch {
		case k.told == b.Reason, k.told.Rule != "" && b.Reason.Rule == NotProbed: // which is no news
		case !now.Before(due):
			k.told, k.toldAt = b.Reason, now
			worse = append(worse, *b)
		case again.IsZero() || due.Before(again):
			again = due
		}
	}
	w.known = next
	slices.SortFunc(worse, compare)
	slices.SortFunc(better, compare)
	return worse, better, again
}

// Told are those of the backends that are told of now, with what was told.
func (w *Watch) Told(all []Backend) []Backend {
	var out []Backend
	for _, b := range all {
		if k := w.known[b.Key()]; k != nil && k.told != (Reason{}) {
			b.Reason = k.told
			out = append(out, b)
		}
	}
	return out
}

// trouble takes the reason of now, and returns when it is to be told.
func (k *watched) trouble(now time.Time, r Reason) time.Time {
	// What Pods that are starting go through is one trouble.
	if !k.silent || k.reason.starting() != r.starting() {
		k.since = now
	}
	k.silent, k.reason = true, r
	due := k.since.Add(flapTime)
	if r.starting() && !k.healthy {
		due = k.since.Add(startTime)
	}
	if again := k.toldAt.Add(rewordTime); k.told.Rule == r.Rule && again.After(due) {
		return again
	}
	return due
}

func compare(a, b Backend) int {
	return cmp.Or(strings.Compare(a.Of.String(), b.Of.String()), cmp.Compare(a.Port, b.Port), strings.Compare(a.Location, b.Location),
		compareBools(a.Callout, b.Callout))
}

// compareBools puts false first.
func compareBools(a, b bool) int {
	switch {
	case a == b:
		return 0
	case b:
		return -1
	}
	return 1
}
