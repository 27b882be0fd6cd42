package controlplane

import (
	"maps"
	"slices"

	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
	"github.com/spillway-lb/spillway/internal/fact"
	"github.com/spillway-lb/spillway/internal/owner"
)

// Holders knows who is served at which address. It has no clock: published transactions go in, the facts that changed come
// out. It is not safe for concurrent use.
type Holders struct {
	// lookup finds a published resource; it is asked about the model before a transaction while Publish runs.
	lookup func(kind, name string) *lbv1.Resource
	// rules counts the forwarding rules of an address by owner.
	rules map[string]map[string]int
	told  map[string]string
	dirty map[string]struct{}
}

// NewHolders starts with nothing published. lookup finds a resource in the published model.
func NewHolders(lookup func(kind, name string) *lbv1.Resource) *Holders {
	return &Holders{lookup: lookup, rules: map[string]map[string]int{}, told: map[string]string{}, dirty: map[string]struct{}{}}
}

// Publish takes a transaction that is about to be published, before lookup knows of it.
func (h *Holders) Publish(tx *lbv1.Transaction) {
	for _, r := range tx.GetUpserts() {
		if r.GetForwardingRule() != nil {
			h.count(h.lookup("forwarding_rule", r.GetName()), -1)
			h.count(r, 1)
		}
	}
	for _, key := range tx.GetDeletes() {
		if key.GetKind() == "forwarding_rule" {
			h.count(h.lookup(key.GetKind(), key.GetName()), -1)
		}
	}
}

func (h *Holders) count(r *lbv1.Resource, n int) {
	rule := r.GetForwardingRule()
	ref, ok := owner.Ref(rule.GetOwner())
	if !ok {
		return
	}
	for _, vip := range rule.GetVips() {
		owners := h.rules[vip.GetAddress()]
		if owners == nil {
			owners = map[string]int{}
			h.rules[vip.GetAddress()] = owners
		}
		if owners[ref.String()] += n; owners[ref.String()] == 0 {
			delete(owners, ref.String())
		}
		h.dirty[vip.GetAddress()] = struct{}{}
	}
}

// Changes returns the facts that are new since the last call. Of two owners of one address the one that was told of first
// stays.
func (h *Holders) Changes() []FactChange {
	var out []FactChange
	for _, address := range slices.Sorted(maps.Keys(h.dirty)) {
		owners := h.rules[address]
		switch told := h.told[address]; {
		case owners[told] > 0:
		case len(owners) == 0:
			delete(h.rules, address)
			if told != "" {
				delete(h.told, address)
				out = append(out, FactChange{Fact: fact.Holder(address)})
			}
		default:
			first := slices.Min(slices.Collect(maps.Keys(owners)))
			h.told[address] = first
			out = append(out, FactChange{fact.Holder(address), first})
		}
	}
	clear(h.dirty)
	return out
}
