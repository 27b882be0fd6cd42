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

// maxTallyPasses bounds how often a round looks at tallies again. Each pass is one more step of a chain of units that
// count each other; the longest that makes sense has a handful. Whoever would run after that is told apart from the rest.
const maxTallyPasses = 64

// Engine keeps the memos. It is not safe for concurrent use; one goroutine owns it.
type Engine struct {
	units map[string]Translator
	roots map[string][]string // object kind -> unit kinds

	snapshot *store.Snapshot
	memos    layer[ID, *memo]
	born     uint32
	reads    reads
	tallies  *tallies

	queue     memoHeap
	orphans   []*memo
	collected map[ID]*memo     // in this round
	before    map[*memo]before // outputs as they were when the round began
	spare     []map[string]struct{}
	problems  []Problem

	resources *claims // resource keys
	writes    *claims // write keys
	inherited map[ID]inherited
	seq       uint64
}

// New makes an engine; its first Run has to be given every object as touched, as store.Subscribe does.
func New(c Config) *Engine {
	e := &Engine{
		units: c.Units, roots: map[string][]string{}, memos: newLayer[ID, *memo](nil),
		reads: reads{sets: map[string]*readers{}}, tallies: newTallies(),
		resources: newClaims(false), writes: newClaims(true), seq: c.Seq,
	}
	for _, r := range c.Roots {
		e.roots[r.Kind] = append(e.roots[r.Kind], r.Unit)
	}
	e.inherit(c.Published)
	return e
}

// Run brings every unit up to date with the snapshot and returns what changed.
func (e *Engine) Run(snapshot *store.Snapshot, touched []string) Round {
	e.snapshot = snapshot
	e.before, e.collected = map[*memo]before{}, map[ID]*memo{}
	e.problems = nil
	e.rootInherited()
	for _, read := range touched {
		e.markReaders(read)
		if ref, ok := store.ObjectOf(read); ok {
			e.updateRoots(ref)
		}
	}
	e.settleAll()
	return e.round()
}

// settleAll runs and collects units until nothing changes any more.
func (e *Engine) settleAll() {
	for pass := 0; ; pass++ {
		e.drain()
		if e.markTallyReaders(pass) {
			continue
		}
		if len(e.orphans) == 0 {
			return
		}
		e.collect()
	}
}

func (e *Engine) updateRoots(ref store.Ref) {
	for _, unit := range e.roots[ref.Kind] {
		id := ID{unit, ref.String()}
		exists := e.snapshot.Get(ref) != nil
		if e.known(id) == nil && !exists {
			continue
		}
		m := e.memo(id)
		m.rooted, m.missed = exists, false
		if !exists {
			e.orphans = append(e.orphans, m)
		}
	}
}

// known returns the unit's memo, or nil. A fork copies the memos that it looks at.
func (e *Engine) known(id ID) *memo {
	m, ok := e.memos.here[id]
	if ok {
		return m
	}
	if base, ok := e.memos.get(id); ok {
		copied := *base
		e.memos.set(id, &copied)
		return &copied
	}
	return nil
}

// memo returns the unit's memo, a new one being dirty and queued.
func (e *Engine) memo(id ID) *memo {
	if m := e.known(id); m != nil {
		return m
	}
	if m := e.collected[id]; m != nil {
		e.revive(m)
		return m
	}
	e.born++
	m := &memo{id: id, born: e.born}
	e.memos.set(id, m)
	e.bequeath(m)
	e.orphans = append(e.orphans, m)
	e.mark(m)
	return m
}

func (e *Engine) markReaders(read string) {
	for m := range e.reads.of(read) {
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
func (e *Engine) markTallyReaders(pass int) bool {
	for _, set := range e.tallies.takeChanged() {
		for m := range e.reads.of(readTally(set)) {
			switch {
			case m.stuck || !m.sawOther(set, e.tallies):
			case pass >= maxTallyPasses:
				e.stick(m)
			default:
				e.mark(m)
			}
		}
	}
	return e.queue.Len() > 0 || len(e.tallies.changed) > 0
}

// stick ends the runs of a unit whose output changes what it counts: it keeps what it had when the round began.
func (e *Engine) stick(m *memo) {
	m.stuck = true
	e.keepBefore(m)
	e.problem(m, "what it counts depends on what it says: it does not settle")
	result := Result{State: Held, Writes: e.before[m].writes, Counts: e.before[m].counts}
	e.accept(m, result, nil)
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

// keepBefore remembers a memo's output as it was when the round began.
func (e *Engine) keepBefore(m *memo) {
	if _, kept := e.before[m]; !kept {
		e.before[m] = before{m.output, m.unitReads()}
	}
}

func (e *Engine) run(m *memo) {
	e.keepBefore(m)
	m.dirty, m.running, m.stuck = false, true, false
	m.reading, m.seen, m.height = e.newReading(), nil, 0
	result, resources := e.translate(m)
	m.running = false
	e.accept(m, result, resources)
	e.keepReads(m)
	if m.missed && m.state != Held {
		m.missed, m.rooted = false, false
		e.orphans = append(e.orphans, m)
	}
}

// translate turns a translator's panic into Held, so that one unit's defect leaves the others alone.
func (e *Engine) translate(m *memo) (result Result, resources []published) {
	defer func() {
		if r := recover(); r != nil {
			e.problem(m, fmt.Sprintf("%v\n%s", r, debug.Stack()))
			result, resources = Result{State: Held, Writes: m.writes, Counts: m.counts}, nil
		}
	}()
	translator := e.units[m.id.Kind]
	if translator == nil {
		panic("no translator for unit kind " + m.id.Kind)
	}
	v := &View{engine: e, snapshot: e.snapshot, reader: m}
	result = translator(v, m.id.Key)
	if v.hold {
		result = Result{State: Held, Writes: e.before[m].writes, Counts: e.before[m].counts}
	}
	if result.State == Present && !result.KeepPublished {
		resources = publish(result.Resources)
	}
	return result, resources
}

// accept takes over a run's result. What is kept is what was there when the round began: a run before this one in the
// round may have seen less than all.
func (e *Engine) accept(m *memo, result Result, resources []published) {
	wasState, wasValue, wasTallies, wasCounts := m.state, m.value, m.tallies, m.counts
	was := e.before[m]
	m.output = output{state: result.State, value: result.Value, good: result.Good, writes: result.Writes, counts: result.Counts}
	m.unseen = was.unseen && result.Good == was.good
	switch {
	case result.State == Absent:
		m.value, m.good, m.unseen = nil, nil, false
	case result.State == Held:
		m.value, m.good, m.unseen = was.value, was.good, was.unseen
		m.resources, m.tallies, m.kept = was.resources, was.tallies, was.keptUnits()
	case result.KeepPublished:
		m.resources, m.tallies, m.kept = was.resources, was.tallies, was.keptUnits()
	default:
		m.resources, m.tallies = resources, result.Tallies
	}
	e.tallies.replace(wasTallies, m.tallies)
	e.tallies.replace(wasCounts, m.counts)
	if m.state != wasState || !equal(wasValue, m.value) {
		e.markReaders(readUnit(m.id))
	}
}

// collect drops the units that nothing reads and that are no roots, and what only they read.
func (e *Engine) collect() {
	for len(e.orphans) > 0 {
		m := e.orphans[len(e.orphans)-1]
		e.orphans = e.orphans[:len(e.orphans)-1]
		if m.dead || m.rooted || e.reads.any(readUnit(m.id)) {
			continue
		}
		e.keepBefore(m)
		m.dead = true
		e.memos.delete(m.id)
		e.collected[m.id] = m
		for _, read := range m.reads {
			e.dropRead(read, m)
		}
		m.reads, m.seen = nil, nil
		e.tallies.replace(m.tallies, nil)
		e.tallies.replace(m.counts, nil)
		m.output = output{}
	}
}

// revive brings back a unit that was collected in this round, as it was when the round began.
func (e *Engine) revive(m *memo) {
	m.dead, m.output = false, e.before[m].output
	e.tallies.replace(nil, m.tallies)
	e.tallies.replace(nil, m.counts)
	delete(e.collected, m.id)
	e.memos.set(m.id, m)
	e.orphans = append(e.orphans, m)
	e.mark(m)
}

// Resources returns everything that is published, in order of kind and name.
func (e *Engine) Resources() []*lbv1.Resource {
	all := map[string]*lbv1.Resource{}
	for id, m := range e.memos.all() {
		for _, p := range m.resources {
			if e.resources.owns(p.key, id) {
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

// memoHeap is a container/heap of memos, the lowest first.
type memoHeap []*memo

func (h memoHeap) Len() int { return len(h) }
func (h memoHeap) Less(i, j int) bool {
	if h[i].height != h[j].height {
		return h[i].height < h[j].height
	}
	return h[i].born < h[j].born
}
func (h memoHeap) Swap(i, j int) { h[i], h[j] = h[j], h[i] }
func (h *memoHeap) Push(x any)   { *h = append(*h, x.(*memo)) }
func (h *memoHeap) Pop() any {
	old := *h
	m := old[len(old)-1]
	*h = old[:len(old)-1]
	return m
}
