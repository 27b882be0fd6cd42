package recompute

import (
	"reflect"
	"strings"

	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
	"github.com/spillway-lb/spillway/internal/store"
)

// memo is one unit's last output and what it read to get there.
type memo struct {
	id ID
	// born numbers memos as they are made, so that the order of runs is the same each time.
	born uint32
	// height is above that of every unit read, so that low ones run first; it only saves re-runs.
	height int32
	rooted bool
	// missed: it is rooted for as long as it holds, though its object is not there.
	missed bool
	// dirty: a read changed since the last run. running guards against cycles. stuck: it would run for ever in this round.
	dirty   bool
	running bool
	queued  bool
	dead    bool
	stuck   bool

	reads   []string            // sorted
	reading map[string]struct{} // while it runs
	seen    *[]seen             // what it read of tallies

	output
}

// output is what a run came to.
type output struct {
	state     State
	value     any
	writes    []Write
	counts    []Tally
	resources []published
	tallies   []Tally
	good      store.Object
	// unseen: good is of an earlier process, and this one has not come to a good input of its own.
	unseen bool
	// kept are the units that were read for what is published, if that was not the last run.
	kept *[]ID
}

// before is an output as it was before the runs of a round.
type before struct {
	output
	units []ID // that were read for it
}

// published is a resource with its identity and version.
type published struct {
	key      string // kind NUL name
	version  Version
	resource *lbv1.Resource
}

func publish(resources []*lbv1.Resource) []published {
	if len(resources) == 0 {
		return nil
	}
	out := make([]published, 0, len(resources))
	for _, r := range resources {
		key := lbv1.KeyOf(r)
		out = append(out, published{key: key.GetKind() + "\x00" + key.GetName(), version: VersionOf(r), resource: r})
	}
	return out
}

// unitReads are the units that the memo reads, sorted.
func (m *memo) unitReads() []ID {
	var units []ID
	for _, read := range m.reads {
		if unit, ok := unitOfRead(read); ok {
			units = append(units, unit)
		}
	}
	return units // as sorted as the reads are
}

// keptUnits are the units to keep for what was published when the round began.
func (b *before) keptUnits() *[]ID {
	if b.kept != nil {
		return b.kept
	}
	units := b.units // a pointer into b would keep all of it
	return &units
}

func compareIDs(a, b ID) int {
	if c := strings.Compare(a.Kind, b.Kind); c != 0 {
		return c
	}
	return strings.Compare(a.Key, b.Key)
}

type equaler interface{ Equal(any) bool }

func equal(a, b any) bool {
	if x, ok := a.(equaler); ok {
		return x.Equal(b)
	}
	return reflect.DeepEqual(a, b)
}
