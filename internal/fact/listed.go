package fact

import "github.com/spillway-lb/spillway/internal/store"

// Reader is what reads facts: a recompute.View.
type Reader interface {
	Fact(store.Fact) any
}

// Pending says whether a list of one of the kinds is on its way in a cluster. A unit that enumerates such objects holds
// until it is not: what is missing yet is not gone.
func Pending(v Reader, cluster string, kinds ...string) bool {
	for _, kind := range kinds {
		if listed, ok := v.Fact(Listed(cluster, kind)).(bool); ok && !listed {
			return true
		}
	}
	return false
}
