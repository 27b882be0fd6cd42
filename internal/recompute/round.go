package recompute

import (
	"cmp"
	"slices"
	"strings"

	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
)

// Round is what one Run changed.
type Round struct {
	// Tx is nil if no resource changed.
	Tx *lbv1.Transaction
	// Writes are the desired writes that changed or went, in a stable order.
	Writes []WriteChange
	// Problems are defects of translators, not of the user's input.
	Problems []Problem
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
	r := roundBuilder{e: e, upserts: map[string]*lbv1.Resource{}, deletes: map[string]struct{}{}}
	for m, before := range e.before {
		r.releaseResources(m, before.resources)
		r.releaseWrites(m, before.writes)
	}
	r.releaseInherited()
	memos := make([]*memo, 0, len(e.before))
	for m := range e.before {
		memos = append(memos, m)
	}
	// A conflict between units must end the same way each time.
	slices.SortFunc(memos, func(a, b *memo) int {
		return cmp.Or(strings.Compare(a.id.Kind, b.id.Kind), strings.Compare(a.id.Key, b.id.Key))
	})
	for _, m := range memos {
		before := e.before[m]
		r.claimResources(m, before.resources)
		r.claimWrites(m, before.writes)
	}
	e.before = nil
	return Round{Tx: r.transaction(), Writes: r.sortedWrites(), Problems: e.problems}
}

type roundBuilder struct {
	e       *Engine
	upserts map[string]*lbv1.Resource
	deletes map[string]struct{}
	writes  []WriteChange
}

func (r *roundBuilder) releaseResources(m *memo, before []published) {
	now := map[string]bool{}
	for _, p := range m.resources {
		now[p.key] = true
	}
	for _, p := range before {
		if !now[p.key] && r.e.owners[p.key] == m.id {
			delete(r.e.owners, p.key)
			r.deletes[p.key] = struct{}{}
		}
	}
}

// releaseInherited deletes, once, what an earlier process published and no unit of this one has taken over.
func (r *roundBuilder) releaseInherited() {
	if !r.e.firstRound {
		return
	}
	r.e.firstRound = false
	for id, inherited := range r.e.inherited {
		for _, p := range inherited.resources {
			if r.e.owners[p.key] == id {
				delete(r.e.owners, p.key)
				r.deletes[p.key] = struct{}{}
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
		owner, owned := r.e.owners[p.key]
		if owned && owner != m.id {
			r.problem(m, "resource "+strings.ReplaceAll(p.key, "\x00", " ")+" belongs to "+owner.String())
			continue
		}
		r.e.owners[p.key] = m.id
		_, deleted := r.deletes[p.key]
		delete(r.deletes, p.key)
		if version, had := was[p.key]; !had || version != p.version || deleted || !owned {
			r.upserts[p.key] = p.resource
		}
	}
}

func (r *roundBuilder) releaseWrites(m *memo, before []Write) {
	now := map[string]bool{}
	for _, w := range m.writes {
		now[writeKey(w)] = true
	}
	for _, w := range before {
		key := writeKey(w)
		if !now[key] && r.e.writers[key] == m.id {
			delete(r.e.writers, key)
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
		owner, owned := r.e.writers[key]
		if owned && owner != m.id {
			r.problem(m, "write "+strings.ReplaceAll(key, "\x00", " ")+" belongs to "+owner.String())
			continue
		}
		r.e.writers[key] = m.id
		if old, had := was[key]; !had || !owned || !equal(old.Value, w.Value) {
			r.writes = append(r.writes, WriteChange{Write: w, Unit: m.id})
		}
	}
}

func (r *roundBuilder) problem(m *memo, text string) {
	r.e.problems = append(r.e.problems, Problem{Unit: m.id, Text: text})
}

func (r *roundBuilder) transaction() *lbv1.Transaction {
	if len(r.upserts) == 0 && len(r.deletes) == 0 {
		return nil
	}
	r.e.seq++
	tx := &lbv1.Transaction{Seq: r.e.seq}
	for _, key := range sortedKeys(r.upserts) {
		tx.Upserts = append(tx.Upserts, r.upserts[key])
	}
	for _, key := range sortedKeys(r.deletes) {
		kind, name, _ := strings.Cut(key, "\x00")
		tx.Deletes = append(tx.Deletes, &lbv1.ResourceKey{Kind: kind, Name: name})
	}
	return tx
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
