package config

import (
	"cmp"
	"errors"
	"maps"
	"slices"

	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
)

// Quarantine applies transactions without what cannot be obeyed of them. A resource that is refused stays as it was in
// the root, with what depends on it, and is tried again with every later transaction; the rest goes on. A backend service that goes
// while a rule that stays still names it leaves one behind that answers 500, as for any backend that does not exist.
//
// The control plane runs one before it publishes, so that a refusal reaches the object that caused it; a proxy runs one
// for what a newer control plane may send. The zero value is ready; one goroutine may use it.
type Quarantine struct {
	waiting map[key]waiting
}

// waiting is an upsert, or a delete if resource is nil, and why it was refused.
type waiting struct {
	resource *lbv1.Resource
	reason   string
}

// Apply returns the next root and the transaction that led to it. If nothing could be applied, these are the root as it was, and nil.
// tx may be nil: then what waits is tried again.
func (q *Quarantine) Apply(root *Root, tx *lbv1.Transaction) (*Root, *lbv1.Transaction) {
	candidates := q.waiting
	if candidates == nil {
		candidates = map[key]waiting{}
	}
	q.waiting = map[key]waiting{}
	for _, r := range tx.GetUpserts() {
		candidates[key{kindOf(r), r.GetName()}] = waiting{resource: r}
	}
	for _, k := range tx.GetDeletes() {
		candidates[key{k.GetKind(), k.GetName()}] = waiting{}
	}
	seq := max(tx.GetSeq(), root.Seq())
	for len(candidates) > 0 {
		attempt := transactionOf(seq, candidates)
		next, err := root.Apply(attempt)
		if err == nil {
			return next, attempt
		}
		q.withhold(root, candidates, err)
	}
	return root, nil
}

// Refusals are what waits now, in order of kind and name.
func (q *Quarantine) Refusals() []Refusal {
	var out []Refusal
	for _, k := range sortedKeys(q.waiting) {
		// A delete that a stub stands for has no reason: nothing of it shows.
		if w := q.waiting[k]; w.reason != "" {
			out = append(out, Refusal{Kind: k.kind, Name: k.name, Reason: w.reason})
		}
	}
	return out
}

// Waiting returns what waits of a resource, nil for a delete.
func (q *Quarantine) Waiting(kind, name string) *lbv1.Resource {
	return q.waiting[key{kind, name}].resource
}

// withhold moves what was refused from the candidates to what waits.
func (q *Quarantine) withhold(root *Root, candidates map[key]waiting, err error) {
	var refused *Refused
	moved := false
	if errors.As(err, &refused) {
		for _, r := range refused.Resources {
			moved = q.move(root, candidates, r) || moved
		}
	}
	if moved {
		return
	}
	// Nothing that could be left out was named: all of it waits.
	for k, w := range candidates {
		q.hold(k, w, err.Error())
	}
	clear(candidates)
}

// hold has a candidate wait. What waits already under its name is a delete, whose stub this is: the delete waits on.
func (q *Quarantine) hold(k key, w waiting, reason string) {
	if deleted, ok := q.waiting[k]; ok {
		w = deleted
	}
	w.reason = reason
	q.waiting[k] = w
}

func (q *Quarantine) move(root *Root, candidates map[key]waiting, r Refusal) bool {
	k := key{r.Kind, r.Name}
	w, ok := candidates[k]
	if !ok {
		return false
	}
	delete(candidates, k)
	if k.kind != kindBackendService || w.resource != nil {
		q.hold(k, w, r.Reason)
		return true
	}
	q.hold(k, w, "")
	stub := &lbv1.BackendService{AbortStatus: 500, Description: "deleted, and still named by a route that is held"}
	if old := root.Resource(k.kind, k.name).GetBackendService(); old.GetAbortStatus() != stub.GetAbortStatus() {
		candidates[k] = waiting{resource: &lbv1.Resource{Name: k.name, Body: &lbv1.Resource_BackendService{BackendService: stub}}}
	}
	return true
}

func transactionOf(seq uint64, candidates map[key]waiting) *lbv1.Transaction {
	tx := &lbv1.Transaction{Seq: seq}
	for _, k := range sortedKeys(candidates) {
		if r := candidates[k].resource; r != nil {
			tx.Upserts = append(tx.Upserts, r)
		} else {
			tx.Deletes = append(tx.Deletes, &lbv1.ResourceKey{Kind: k.kind, Name: k.name})
		}
	}
	return tx
}

func sortedKeys(m map[key]waiting) []key {
	return slices.SortedFunc(maps.Keys(m), func(a, b key) int {
		return cmp.Or(cmp.Compare(a.kind, b.kind), cmp.Compare(a.name, b.name))
	})
}
