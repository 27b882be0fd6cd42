package recompute

import (
	"slices"
	"strings"

	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
)

// Round is what one Run changed.
type Round struct {
	// Tx is nil if no resource changed.
	Tx *lbv1.Transaction
	// Changes say of each of the transaction's upserts, and then of its deletes, whose it is and what version it has: a
	// control server need not hash again.
	Changes []Change
	// Writes are the desired writes that changed or went, in a stable order.
	Writes []WriteChange
	// Problems are defects of translators, not of the user's input.
	Problems []Problem
}

// Change is about one resource of a transaction.
type Change struct {
	// Unit publishes the resource, or did.
	Unit ID
	// Version is zero for a delete.
	Version Version
}

// WriteChange is a desired write that is new or different, or one that is no longer wanted.
type WriteChange struct {
	Write
	Unit    ID
	Removed bool
}

// Problem is a unit that failed, or that wanted a resource or write of another unit's.
type Problem struct {
	Unit ID
	Text string
}

// round compares every output touched in this round with what it was before.
func (e *Engine) round() Round {
	r := roundBuilder{e: e, upserts: map[string]upsert{}, deletes: map[string]ID{}}
	memos := make([]*memo, 0, len(e.before))
	for m := range e.before {
		memos = append(memos, m)
	}
	// A conflict between units must end the same way each time.
	slices.SortFunc(memos, func(a, b *memo) int { return compareIDs(a.id, b.id) })
	for _, m := range memos {
		before := e.before[m]
		r.releaseResources(m, before.resources)
		r.releaseWrites(m, before.writes)
	}
	r.releaseInherited()
	for _, m := range memos {
		before := e.before[m]
		r.claimResources(m, before.resources)
		r.claimWrites(m, before.writes)
	}
	r.handOver()
	e.before, e.collected = nil, nil
	out := Round{Writes: r.sortedWrites(), Problems: e.problems}
	out.Tx, out.Changes = r.transaction()
	return out
}

type roundBuilder struct {
	e       *Engine
	upserts map[string]upsert
	deletes map[string]ID
	writes  []WriteChange
}

type upsert struct {
	unit ID
	published
}

func (r *roundBuilder) releaseResources(m *memo, before []published) {
	now := map[string]bool{}
	for _, p := range m.resources {
		now[p.key] = true
	}
	for _, p := range before {
		if !now[p.key] && r.e.resources.release(p.key, m.id) {
			r.deletes[p.key] = m.id
		}
	}
}

// releaseInherited deletes, once, what an earlier process published and no unit of this one has taken over.
func (r *roundBuilder) releaseInherited() {
	for id, was := range r.e.inherited {
		for _, p := range was.resources {
			if r.e.resources.release(p.key, id) {
				r.deletes[p.key] = id
			}
		}
	}
	r.e.inherited = nil
}

func (r *roundBuilder) claimResources(m *memo, before []published) {
	was := map[string]Version{}
	for _, p := range before {
		was[p.key] = p.version
	}
	for _, p := range m.resources {
		owner, taken, waits := r.e.resources.claim(p.key, m.id)
		if waits {
			r.conflict(m, "resource", p.key, owner)
		}
		if owner != m.id {
			continue
		}
		if version, had := was[p.key]; taken || !had || version != p.version {
			r.upsert(m.id, p)
		}
	}
}

func (r *roundBuilder) upsert(unit ID, p published) {
	delete(r.deletes, p.key)
	r.upserts[p.key] = upsert{unit, p}
}

func (r *roundBuilder) releaseWrites(m *memo, before []Write) {
	now := map[string]bool{}
	for _, w := range m.writes {
		now[writeKey(w)] = true
	}
	for _, w := range before {
		if key := writeKey(w); !now[key] && r.e.writes.release(key, m.id) {
			r.writes = append(r.writes, WriteChange{Write: w, Unit: m.id, Removed: true})
		}
	}
}

func (r *roundBuilder) claimWrites(m *memo, before []Write) {
	was := map[string]Write{}
	for _, w := range before {
		was[writeKey(w)] = w
	}
	for _, w := range m.writes {
		key := writeKey(w)
		owner, taken, waits := r.e.writes.claim(key, m.id)
		if waits {
			r.conflict(m, "write", key, owner)
		}
		if owner != m.id {
			continue
		}
		if old, had := was[key]; taken || !had || !equal(old.Value, w.Value) {
			r.writes = append(r.writes, WriteChange{Write: w, Unit: m.id})
		}
	}
}

// handOver publishes what units that waited have got.
func (r *roundBuilder) handOver() {
	for _, g := range r.e.resources.handOver() {
		for _, p := range r.e.known(g.unit).resources {
			if p.key == g.key {
				r.upsert(g.unit, p)
			}
		}
	}
	for _, g := range r.e.writes.handOver() {
		for _, w := range r.e.known(g.unit).writes {
			if writeKey(w) == g.key {
				r.writes = append(r.writes, WriteChange{Write: w, Unit: g.unit})
			}
		}
	}
}

func (r *roundBuilder) conflict(m *memo, what, key string, owner ID) {
	r.e.problem(m, what+" "+strings.ReplaceAll(key, "\x00", " ")+" belongs to "+owner.String())
}

func (e *Engine) problem(m *memo, text string) {
	e.problems = append(e.problems, Problem{Unit: m.id, Text: text})
}

func (r *roundBuilder) transaction() (*lbv1.Transaction, []Change) {
	if len(r.upserts) == 0 && len(r.deletes) == 0 {
		return nil, nil
	}
	r.e.seq++
	tx := &lbv1.Transaction{Seq: r.e.seq}
	changes := make([]Change, 0, len(r.upserts)+len(r.deletes))
	for _, key := range sortedKeys(r.upserts) {
		u := r.upserts[key]
		tx.Upserts = append(tx.Upserts, u.resource)
		changes = append(changes, Change{Unit: u.unit, Version: u.version})
	}
	for _, key := range sortedKeys(r.deletes) {
		kind, name, _ := strings.Cut(key, "\x00")
		tx.Deletes = append(tx.Deletes, &lbv1.ResourceKey{Kind: kind, Name: name})
		changes = append(changes, Change{Unit: r.deletes[key]})
	}
	return tx, changes
}

// sortedWrites puts removals first, so that a part that moves from one unit to another ends up written.
func (r *roundBuilder) sortedWrites() []WriteChange {
	keys := make([]string, len(r.writes))
	order := make([]int, len(r.writes))
	for i := range r.writes {
		rank := "1"
		if r.writes[i].Removed {
			rank = "0"
		}
		keys[i], order[i] = rank+writeKey(r.writes[i].Write), i
	}
	slices.SortFunc(order, func(a, b int) int { return strings.Compare(keys[a], keys[b]) })
	sorted := make([]WriteChange, len(order))
	for i, at := range order {
		sorted[i] = r.writes[at]
	}
	return sorted
}

func writeKey(w Write) string {
	return w.Ref.String() + "\x00" + string(w.Part) + "\x00" + w.Key
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
