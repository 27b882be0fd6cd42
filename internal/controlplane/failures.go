package controlplane

import (
	"cmp"
	"slices"

	"github.com/spillway-lb/spillway/internal/fact"
	"github.com/spillway-lb/spillway/internal/proxy/passive"
	"github.com/spillway-lb/spillway/internal/store"
)

// Failures knows which extensions the proxies find to fail. It has no clock: locations' words go in, the facts that changed come
// out. It is not safe for concurrent use.
type Failures struct {
	locations map[string][]passive.Failing
	told      map[store.Fact]fact.Failures
	dirty     bool
}

// NewFailures starts with nothing known.
func NewFailures() *Failures {
	return &Failures{locations: map[string][]passive.Failing{}, told: map[store.Fact]fact.Failures{}}
}

// Report takes all that a location has to say.
func (f *Failures) Report(location string, all []passive.Failing) {
	if slices.Equal(f.locations[location], all) {
		return
	}
	f.dirty = true
	if f.locations[location] = all; len(all) == 0 {
		delete(f.locations, location)
	}
}

// Close forgets a location.
func (f *Failures) Close(location string) { f.Report(location, nil) }

// Changes returns the facts that changed since the last call, in order of key.
func (f *Failures) Changes() []FactChange {
	if !f.dirty {
		return nil
	}
	f.dirty = false
	now := map[store.Fact]fact.Failures{}
	for location, all := range f.locations {
		for _, x := range all {
			of := fact.FailuresOf(x.Kind, x.Resource)
			now[of] = append(now[of], fact.Failure{Location: location, Chain: x.Chain, Extension: x.Extension, Cause: x.Cause, Text: x.Text})
		}
	}
	var out []FactChange
	for of, list := range now {
		slices.SortFunc(list, func(a, b fact.Failure) int {
			return cmp.Or(cmp.Compare(a.Chain, b.Chain), cmp.Compare(a.Extension, b.Extension), cmp.Compare(a.Location, b.Location))
		})
		if !list.Equal(f.told[of]) {
			out = append(out, FactChange{of, list})
		}
	}
	for of := range f.told {
		if now[of] == nil {
			out = append(out, FactChange{Fact: of})
		}
	}
	f.told = now
	slices.SortFunc(out, func(a, b FactChange) int { return cmp.Compare(a.Fact.Key, b.Fact.Key) })
	return out
}
