package serve

import (
	"maps"
	"time"

	"github.com/spillway-lb/spillway/internal/fact"
	"github.com/spillway-lb/spillway/internal/outage"
	"github.com/spillway-lb/spillway/internal/store"
	"github.com/spillway-lb/spillway/internal/view"
)

// backendStates makes facts of how the backend services of Ingresses are, for the annotation that says so.
type backendStates struct {
	store   *store.Store
	source  *view.Source
	settled *outage.Settled
	said    map[string]string
}

func newBackendStates(s *store.Store, source *view.Source) *backendStates {
	return &backendStates{store: s, source: source, settled: outage.NewSettled(fact.StateUnknown)}
}

// step looks; it returns when at the latest it wants to look again, the zero time is never.
func (b *backendStates) step(now time.Time) time.Time {
	next, again := b.settled.Step(now, b.source.IngressBackendStates())
	if maps.Equal(next, b.said) {
		return again
	}
	b.store.Commit(func(tx *store.Tx) {
		for name := range b.said {
			if _, still := next[name]; !still {
				tx.SetFact(fact.BackendState(name), nil)
			}
		}
		for name, state := range next {
			if b.said[name] != state {
				tx.SetFact(fact.BackendState(name), state)
			}
		}
	})
	b.said = next
	return again
}
