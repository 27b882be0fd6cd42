package outage

import (
	"maps"
	"time"
)

// Settled keeps texts about things from changing with every verdict: one that is news of a thing of which nothing was known counts at
// once, any other when it has stood for flapTime. So a thing changes no more often than that. It has no clock.
type Settled struct {
	// unknown is the text of a thing of which nothing is known.
	unknown string
	said    map[string]string
	waiting map[string]candidate
}

type candidate struct {
	text  string
	since time.Time
}

// NewSettled has said nothing.
func NewSettled(unknown string) *Settled {
	return &Settled{unknown: unknown, said: map[string]string{}, waiting: map[string]candidate{}}
}

// Step takes what is so of all things. It returns what is to be said of them, which the caller must not change, and when at the latest
// it wants to be called again; the zero time is never. A thing that is not among them is forgotten.
func (s *Settled) Step(now time.Time, all map[string]string) (said map[string]string, again time.Time) {
	next := make(map[string]string, len(all))
	for name, text := range all {
		old, known := s.said[name]
		if !known || old == text || old == s.unknown {
			next[name] = text
			delete(s.waiting, name)
			continue
		}
		next[name] = old
		w, waits := s.waiting[name]
		if !waits || w.text != text {
			w = candidate{text, now}
			s.waiting[name] = w
		}
		due := w.since.Add(flapTime)
		switch {
		case !now.Before(due):
			next[name] = text
			delete(s.waiting, name)
		case again.IsZero() || due.Before(again):
			again = due
		}
	}
	maps.DeleteFunc(s.waiting, func(name string, _ candidate) bool { _, still := all[name]; return !still })
	s.said = next
	return next, again
}
