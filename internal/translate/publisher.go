package translate

import (
	"cmp"
	"errors"
	"maps"
	"slices"

	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
	"github.com/spillway-lb/spillway/internal/proxy/config"
)

// Publisher checks transactions with the proxy's compiler. A resource that would be refused stays as it was, and is
// tried again with every later transaction; the rest of the transaction goes on. A backend service that goes while a held
// rule still names it leaves one behind that answers 500, as for any backend that does not exist. One goroutine may use it.
type Publisher struct {
	root *config.Root
	// waiting are the changes that were refused.
	waiting map[resourceKey]change
}

type resourceKey struct{ kind, name string }

// change is an upsert, or a delete if resource is nil.
type change struct {
	resource *lbv1.Resource
}

// NewPublisher starts with nothing published.
func NewPublisher() *Publisher {
	return &Publisher{root: config.New(config.Location{}), waiting: map[resourceKey]change{}}
}

// Check returns what can be published of a transaction and of what waited, nil if that is nothing, and what waits now.
func (p *Publisher) Check(tx *lbv1.Transaction) (*lbv1.Transaction, []config.Refusal) {
	if tx == nil {
		return nil, nil
	}
	candidates := p.waiting
	p.waiting = map[resourceKey]change{}
	for _, r := range tx.GetUpserts() {
		candidates[keyOf(r)] = change{r}
	}
	for _, k := range tx.GetDeletes() {
		candidates[resourceKey{k.GetKind(), k.GetName()}] = change{}
	}
	var refusals []config.Refusal
	for len(candidates) > 0 {
		attempt := transaction(tx.GetSeq(), candidates)
		root, err := p.root.Apply(attempt)
		if err == nil {
			p.root = root
			return attempt, refusals
		}
		refusals = append(refusals, p.withhold(candidates, err)...)
	}
	return nil, refusals
}

// withhold moves what was refused from the candidates to what waits.
func (p *Publisher) withhold(candidates map[resourceKey]change, err error) []config.Refusal {
	var refused *config.Refused
	var told []config.Refusal
	moved := false
	if errors.As(err, &refused) {
		for _, r := range refused.Resources {
			key := resourceKey{r.Kind, r.Name}
			c, ok := candidates[key]
			if !ok {
				continue
			}
			moved = true
			p.waiting[key] = c
			delete(candidates, key)
			if key.kind == kindBackendService && c.resource == nil {
				p.leaveBehind(candidates, key)
			} else {
				told = append(told, r)
			}
		}
		if moved {
			return told
		}
	}
	// Nothing that could be left out was named: all of it waits.
	maps.Copy(p.waiting, candidates)
	clear(candidates)
	return []config.Refusal{{Reason: err.Error()}}
}

const kindBackendService = "backend_service"

// leaveBehind puts one that answers 500 in the place of a backend service that can't go yet, unless it is there.
func (p *Publisher) leaveBehind(candidates map[resourceKey]change, key resourceKey) {
	stub := &lbv1.BackendService{AbortStatus: 500, Description: "deleted, and still named by a route that is held"}
	if old := p.root.Resource(key.kind, key.name).GetBackendService(); old.GetAbortStatus() != stub.AbortStatus {
		candidates[key] = change{&lbv1.Resource{Name: key.name, Body: &lbv1.Resource_BackendService{BackendService: stub}}}
	}
}

func transaction(seq uint64, candidates map[resourceKey]change) *lbv1.Transaction {
	tx := &lbv1.Transaction{Seq: seq}
	keys := slices.SortedFunc(maps.Keys(candidates), func(a, b resourceKey) int {
		return cmp.Or(cmp.Compare(a.kind, b.kind), cmp.Compare(a.name, b.name))
	})
	for _, key := range keys {
		if r := candidates[key].resource; r != nil {
			tx.Upserts = append(tx.Upserts, r)
		} else {
			tx.Deletes = append(tx.Deletes, &lbv1.ResourceKey{Kind: key.kind, Name: key.name})
		}
	}
	return tx
}

func keyOf(r *lbv1.Resource) resourceKey {
	k := lbv1.KeyOf(r)
	return resourceKey{k.GetKind(), k.GetName()}
}
