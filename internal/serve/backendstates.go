package serve

import (
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
}

func newBackendStates(s *store.Store, source *view.Source) *backendStates {
	return &backendStates{store: s, source: source, settled: outage.NewSettled(fact.StateUnknown)}
}

// step looks; it returns when at the latest it wants to look again, the zero time is never.
func (b *backendStates) step(now time.Time) time.Time {
	said, again := b.settled.Step(now, b.source.IngressBackendStates())
	states := map[store.Fact]any{}
	for name, state := range said {
		states[fact.BackendState(name)] = state
	}
	b.store.Commit(func(tx *store.Tx) { tx.ReplaceFacts(fact.KindBackendState, states) })
	return again
}
