package recompute

import (
	"reflect"

	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
	"github.com/spillway-lb/spillway/internal/store"
)

// memo is one unit's last output and what it read to get there.
type memo struct {
	id     ID
	rooted bool
	// dirty: a read changed since the last run. running guards against cycles.
	dirty   bool
	running bool
	queued  bool
	dead    bool
	// height is above that of every unit read, so that low ones run first; it only saves re-runs.
	height int

	reads map[string]struct{}

	state     State
	value     any
	resources []published
	writes    []Write
	tallies   []Tally
	good      store.Object
}

// published is a resource with its identity and version.
type published struct {
	key      string // kind NUL name
	version  Version
	resource *lbv1.Resource
}

type equaler interface{ Equal(any) bool }

func equal(a, b any) bool {
	if x, ok := a.(equaler); ok {
		return x.Equal(b)
	}
	return reflect.DeepEqual(a, b)
}
