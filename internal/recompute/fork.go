package recompute

// Fork returns an engine that starts where this one is and leaves it as it is, to see what a candidate would change. It
// costs as much as what its rounds touch. While a fork is in use, the engine that it came from must not run; the same
// goroutine had better own both.
//
//	snapshot, touched := store.Candidate(newest, func(tx *store.Tx) { tx.Put("west", edited, "") })
//	round := engine.Fork().Run(snapshot, touched)
func (e *Engine) Fork() *Engine {
	f := &Engine{
		units: e.units, roots: e.roots, memos: newLayer(&e.memos), born: e.born, tallies: e.tallies.fork(),
		resources: e.resources.fork(), writes: e.writes.fork(), seq: e.seq, inherited: e.inherited,
	}
	f.reads = reads{sets: map[string]*readers{}, under: &e.reads, here: func(base *memo) *memo { return f.known(base.id) }}
	return f
}
