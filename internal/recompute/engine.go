package recompute

import (
	"container/heap"
	"fmt"
	"maps"
	"runtime/debug"
	"slices"

	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
	"github.com/spillway-lb/spillway/internal/store"
)

// Config says what to compute.
type Config struct {
	// Units are the translators by unit kind.
	Units map[string]Translator
	Roots []Root
	// Published is what an earlier process had published: units that hold keep it, the rest of it is deleted by the first
	// round.
	Published map[ID]Published
	// Seq is the sequence number of the last transaction of that process.
	Seq uint64
}

// Published is what a unit had published, and the units that it read for it: a unit that holds keeps both.
type Published struct {
	Resources []*lbv1.Resource
	Reads     []ID
	// Good is the Result's.
	Good store.Object
}

// Engine keeps the memos. It is not safe for concurrent use; one goroutine owns it.
type Engine struct {
	units map[string]Translator
	roots map[string][]string // object kind -> unit kinds

	snapshot  *store.Snapshot
	memos     map[ID]*memo
	reads     reads
	tallies   *tallies
	firstSeen map[string][]string // what a readFirst key last returned

	queue    memoHeap
	orphans  []*memo
	before   map[*memo]output // outputs as they were when the round began
	problems []Problem

	owners     map[string]ID // resource key -> unit that publishes it
	writers    map[string]ID // write key -> unit
	inherited  map[ID]inherited
	firstRound bool
	seq        uint64
}

// inherited is a unit's output of an earlier process.
type inherited struct {
	resources []published
	reads     []ID
	good      store.Object
}

// output is the published half of a memo.
type output struct {
	resources []published
	writes    []Write
	value     any
	tallies   []Tally
	units     []ID // the units that were read for it
	good      store.Object
}

func (m *memo) output() output {
	return output{m.resources, m.writes, m.value, m.tallies, m.unitReads(), m.good}
}

func (m *memo) unitReads() []ID {
	var units []ID
	for read := range m.reads {
		if unit, ok := unitOfRead(read); ok {
			units = append(units, unit)
		}
	}
	return units
}

// New makes an engine; its first Run has to be given every object as touched, as store.Subscribe does.
func New(c Config) *Engine {
	e := &Engine{
		units: c.Units, roots: map[string][]string{}, memos: map[ID]*memo{},
		reads: reads{readers: map[string]map[*memo]struct{}{}}, tallies: newTallies(), firstSeen: map[string][]string{},
		owners: map[string]ID{}, writers: map[string]ID{}, inherited: map[ID]inherited{}, firstRound: true, seq: c.Seq,
	}
	for _, r := range c.Roots {
		e.roots[r.Kind] = append(e.roots[r.Kind], r.Unit)
	}
	for id, p := range c.Published {
		e.inherited[id] = inherited{resources: publish(p.Resources), reads: p.Reads, good: p.Good}
		for _, p := range e.inherited[id].resources {
			e.owners[p.key] = id
		}
	}
	return e
}

// Run brings every unit up to date with the snapshot and returns what changed.
func (e *Engine) Run(snapshot *store.Snapshot, touched []string) Round {
	e.snapshot = snapshot
	e.before = map[*memo]output{}
	e.problems = nil
	for _, read := range touched {
		e.markReaders(read)
		if ref, ok := store.ObjectOf(read); ok {
			e.updateRoots(ref)
		}
	}
	for e.drain(); e.markTallyReaders(); {
		e.drain()
	}
	e.collect()
	return e.round()
}

func (e *Engine) updateRoots(ref store.Ref) {
	for _, unit := range e.roots[ref.Kind] {
		id := ID{unit, ref.String()}
		exists := e.snapshot.Get(ref) != nil
		if _, known := e.memos[id]; !known && !exists {
			continue
		}
		m := e.memo(id)
		m.rooted = exists
		if !exists {
			e.orphans = append(e.orphans, m)
		}
	}
}

// memo returns the unit's memo, a new one being dirty and queued.
func (e *Engine) memo(id ID) *memo {
	if m := e.memos[id]; m != nil {
		return m
	}
	m := &memo{id: id, reads: map[string]struct{}{}}
	e.memos[id] = m
	if inherited, ok := e.inherited[id]; ok {
		delete(e.inherited, id)
		m.resources, m.state, m.good = inherited.resources, Held, inherited.good
		for _, read := range inherited.reads {
			e.reads.add(readUnit(e.memo(read).id), m)
		}
	}
	e.orphans = append(e.orphans, m)
	e.mark(m)
	return m
}

func (e *Engine) markReaders(read string) {
	for m := range e.reads.readers[read] {
		e.mark(m)
	}
}

func (e *Engine) mark(m *memo) {
	m.dirty = true
	if !m.queued {
		m.queued = true
		heap.Push(&e.queue, m)
	}
}

// markTallyReaders marks the readers of tallies that now read differently. It waits for the queue to be empty, so that
// a thousand routes that attach cost their Gateway one run.
func (e *Engine) markTallyReaders() bool {
	for set := range e.tallies.changed {
		e.markReaders("c\x00" + set)
	}
	for read, seen := range e.firstSeen {
		index, key, n := splitFirst(read)
		if _, changed := e.tallies.changed[index+"\x00"+key]; !changed {
			continue
		}
		if now := e.tallies.first(index, key, n); !slices.Equal(now, seen) {
			e.markReaders(read)
		}
	}
	clear(e.tallies.changed)
	return e.queue.Len() > 0
}

func (e *Engine) drain() {
	for e.queue.Len() > 0 {
		m := heap.Pop(&e.queue).(*memo)
		m.queued = false
		if m.dirty && !m.dead {
			e.run(m)
		}
	}
}

// settle makes a unit that is about to be read current.
func (e *Engine) settle(m, reader *memo) {
	if m.running {
		panic(fmt.Sprintf("%s reads %s, which is what it is computed for: a cycle", reader.id, m.id))
	}
	if m.dirty {
		e.run(m)
	}
}

func (e *Engine) run(m *memo) {
	if _, kept := e.before[m]; !kept {
		e.before[m] = m.output()
	}
	m.dirty, m.running = false, true
	oldReads := m.reads
	m.reads = make(map[string]struct{}, len(oldReads))
	m.height = 0
	result, resources := e.translate(m)
	m.running = false
	e.dropOldReads(m, oldReads, result.State == Held || result.KeepPublished)
	e.accept(m, result, resources)
}

// translate turns a translator's panic into Held, so that one unit's defect leaves the others alone.
func (e *Engine) translate(m *memo) (result Result, resources []published) {
	defer func() {
		if r := recover(); r != nil {
			e.problems = append(e.problems, Problem{Unit: m.id, Text: fmt.Sprintf("%v\n%s", r, debug.Stack())})
			result, resources = Result{State: Held, Writes: m.writes}, nil
		}
	}()
	translator := e.units[m.id.Kind]
	if translator == nil {
		panic("no translator for unit kind " + m.id.Kind)
	}
	result = translator(&View{engine: e, snapshot: e.snapshot, reader: m}, m.id.Key)
	if result.State == Present {
		resources = publish(result.Resources)
	}
	return result, resources
}

func (e *Engine) accept(m *memo, result Result, resources []published) {
	wasState, wasValue := m.state, m.value
	m.writes, m.state, m.value = result.Writes, result.State, nil
	// What is kept is what was there when the round began: a run before this one in the round may have seen less than all.
	kept := e.before[m]
	m.good = result.Good
	switch {
	case result.State == Held:
		m.value, m.good = kept.value, kept.good
		e.replacePublished(m, kept.tallies, kept.resources)
	case result.State == Absent:
		e.replacePublished(m, nil, nil)
	case result.KeepPublished:
		m.value = result.Value
		e.replacePublished(m, kept.tallies, kept.resources)
	default:
		m.value = result.Value
		e.replacePublished(m, result.Tallies, resources)
	}
	if m.state != wasState || !equal(wasValue, m.value) {
		e.markReaders(readUnit(m.id))
	}
}

// replacePublished takes over what a unit publishes.
func (e *Engine) replacePublished(m *memo, tallies []Tally, resources []published) {
	e.tallies.replace(m.tallies, tallies)
	m.tallies, m.resources = tallies, resources
}

// dropOldReads forgets what a unit read the last time and does not any more. A unit that keeps what it published keeps
// the units that it read for that, too: what is published may name their resources.
func (e *Engine) dropOldReads(m *memo, old map[string]struct{}, keepUnits bool) {
	if keepUnits {
		for _, unit := range e.before[m].units {
			e.reads.add(readUnit(e.memo(unit).id), m)
		}
	}
	for read := range old {
		if _, still := m.reads[read]; !still {
			e.dropRead(read, m)
		}
	}
}

func (e *Engine) dropRead(read string, m *memo) {
	if !e.reads.drop(read, m) {
		return
	}
	delete(e.firstSeen, read)
	if unit, ok := unitOfRead(read); ok {
		if read := e.memos[unit]; read != nil {
			e.orphans = append(e.orphans, read)
		}
	}
}

// collect drops the units that nothing reads and that are no roots, and what only they read.
func (e *Engine) collect() {
	for len(e.orphans) > 0 {
		m := e.orphans[len(e.orphans)-1]
		e.orphans = e.orphans[:len(e.orphans)-1]
		if m.dead || m.rooted || len(e.reads.readers[readUnit(m.id)]) > 0 {
			continue
		}
		if _, kept := e.before[m]; !kept {
			e.before[m] = m.output()
		}
		m.dead = true
		delete(e.memos, m.id)
		for read := range m.reads {
			e.dropRead(read, m)
		}
		e.tallies.replace(m.tallies, nil)
		m.resources, m.writes, m.tallies = nil, nil, nil
		for e.markTallyReaders() {
			e.drain()
		}
	}
}

// Published returns what is published now, to be given to New after a restart.
func (e *Engine) Published() (seq uint64, units map[ID]Published) {
	units = map[ID]Published{}
	for id, m := range e.memos {
		var p Published
		for _, r := range m.resources {
			p.Resources = append(p.Resources, r.resource)
		}
		p.Reads, p.Good = m.unitReads(), m.good
		if len(p.Resources)+len(p.Reads) > 0 || p.Good != nil {
			units[id] = p
		}
	}
	return e.seq, units
}

// Resources returns everything that is published, in order of kind and name.
func (e *Engine) Resources() []*lbv1.Resource {
	all := map[string]*lbv1.Resource{}
	for id, m := range e.memos {
		for _, p := range m.resources {
			if e.owners[p.key] == id {
				all[p.key] = p.resource
			}
		}
	}
	out := make([]*lbv1.Resource, 0, len(all))
	for _, key := range slices.Sorted(maps.Keys(all)) {
		out = append(out, all[key])
	}
	return out
}

func publish(resources []*lbv1.Resource) []published {
	out := make([]published, 0, len(resources))
	for _, r := range resources {
		key := lbv1.KeyOf(r)
		out = append(out, published{key: key.GetKind() + "\x00" + key.GetName(), version: VersionOf(r), resource: r})
	}
	return out
}

// memoHeap is a container/heap of memos, the lowest first.
type memoHeap []*memo

func (h memoHeap) Len() int           { return len(h) }
func (h memoHeap) Less(i, j int) bool { return h[i].height < h[j].height }
func (h memoHeap) Swap(i, j int)      { h[i], h[j] = h[j], h[i] }
func (h *memoHeap) Push(x any)        { *h = append(*h, x.(*memo)) }
func (h *memoHeap) Pop() any {
	old := *h
	m := old[len(old)-1]
	*h = old[:len(old)-1]
	return m
}
