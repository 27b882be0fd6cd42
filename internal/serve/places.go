package serve

import (
	"context"
	"slices"
	"strings"

	"github.com/spillway-lb/spillway/internal/dataplanes"
	"github.com/spillway-lb/spillway/internal/fact"
	"github.com/spillway-lb/spillway/internal/store"
)

// places makes facts of the geo databases that proxies cannot read.
type places struct {
	store *store.Store
	// problems are those of all proxies, by file.
	problems func() map[string]string
	// changed receives after what proxies say has become different.
	changed chan struct{}
}

// wake says that it has.
func (p *places) wake() {
	select {
	case p.changed <- struct{}{}:
	default:
	}
}

func (p *places) run(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-p.changed:
			p.refresh()
		}
	}
}

func (p *places) refresh() {
	found := map[store.Fact]any{}
	for file, problem := range p.problems() {
		found[fact.GeoDatabase(file)] = problem
	}
	p.store.Commit(func(tx *store.Tx) { tx.ReplaceFacts(fact.KindGeoDatabase, found) })
}

// placeProblems puts together what the proxies say; those that say the same of a file are one.
func placeProblems(planes []*dataplanes.DataPlane) map[string]string {
	by := map[string][]string{}
	for _, d := range planes {
		for file, problem := range d.Proxy.PlaceProblems() {
			if !slices.Contains(by[file], problem) {
				by[file] = append(by[file], problem)
			}
		}
	}
	out := map[string]string{}
	for file, problems := range by {
		slices.Sort(problems)
		out[file] = strings.Join(problems, "; ")
	}
	return out
}
