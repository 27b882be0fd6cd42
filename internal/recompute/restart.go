package recompute

import (
	"maps"
	"slices"

	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
	"github.com/spillway-lb/spillway/internal/store"
)

// Published is what a unit had published, and what it takes to keep that: a unit that holds or falls back after a restart
// goes on from it.
type Published struct {
	Resources []*lbv1.Resource
	// Withheld are resources of names that another unit has.
	Withheld []*lbv1.Resource
	Tallies  []Tally
	// Reads are the units that were read for it, sorted.
	Reads []ID
	// Good is the Result's.
	Good store.Object
}

// inherited is a unit's output of an earlier process.
type inherited struct {
	output
	reads []ID
}

// Published returns what is published now, to be given to New after a restart.
func (e *Engine) Published() (seq uint64, units map[ID]Published) {
	units = map[ID]Published{}
	for id, m := range e.memos.all() {
		p := Published{Tallies: m.tallies, Good: m.good}
		for _, r := range m.resources {
			if e.resources.owns(r.key, id) {
				p.Resources = append(p.Resources, r.resource)
			} else {
				p.Withheld = append(p.Withheld, r.resource)
			}
		}
		p.Reads = *(&before{m.output, m.unitReads()}).keptUnits()
		if len(p.Resources)+len(p.Withheld)+len(p.Tallies)+len(p.Reads) > 0 || p.Good != nil {
			units[id] = p
		}
	}
	return e.seq, units
}

// inherit takes over what an earlier process published; the units keep their names until the first round.
func (e *Engine) inherit(all map[ID]Published) {
	if len(all) == 0 {
		return
	}
	e.inherited = make(map[ID]inherited, len(all))
	for id, p := range all {
		resources := publish(p.Resources)
		for _, r := range resources {
			e.resources.owners.set(r.key, id)
		}
		resources = append(resources, publish(p.Withheld)...)
		good := copied(p.Good)
		e.inherited[id] = inherited{
			output{state: Held, resources: resources, tallies: p.Tallies, good: good, unseen: good != nil}, p.Reads,
		}
	}
}

// copied is an object that is no other process's and in no store: whoever has it again in this process has not seen it here.
func copied(o store.Object) store.Object {
	if o == nil {
		return nil
	}
	out, _ := o.DeepCopyObject().(store.Object)
	return out
}

// bequeath gives a new memo what its unit published in an earlier process.
func (e *Engine) bequeath(m *memo) {
	was, ok := e.inherited[m.id]
	if !ok {
		return
	}
	delete(e.inherited, m.id)
	m.output = was.output
	e.tallies.replace(nil, m.tallies)
	for _, unit := range was.reads {
		m.reads = append(m.reads, e.reads.add(readUnit(e.memo(unit).id), m))
	}
	slices.Sort(m.reads)
}

// rootInherited runs the roots of an earlier process whose objects are not there: one that holds stays, for its object may be on
// its way; of the others nothing stays.
func (e *Engine) rootInherited() {
	for _, id := range slices.SortedFunc(maps.Keys(e.inherited), compareIDs) {
		ref, ok := store.ParseRef(id.Key)
		if !ok || !slices.Contains(e.roots[ref.Kind], id.Kind) || e.snapshot.Get(ref) != nil {
			continue
		}
		m := e.memo(id)
		m.rooted, m.missed = true, true
	}
}
