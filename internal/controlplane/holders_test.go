package controlplane_test

import (
	"reflect"
	"testing"

	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
	"github.com/spillway-lb/spillway/internal/controlplane"
	"github.com/spillway-lb/spillway/internal/fact"
	"github.com/spillway-lb/spillway/internal/owner"
	"github.com/spillway-lb/spillway/internal/store"
)

func TestWhoHasAnAddressKeepsIt(t *testing.T) {
	model := map[string]*lbv1.Resource{}
	h := controlplane.NewHolders(func(_, name string) *lbv1.Resource { return model[name] })
	ref := func(name string) store.Ref {
		return store.Ref{Cluster: "c", Kind: "Gateway", Namespace: "n", Name: name}
	}
	rule := func(name, by, address string) *lbv1.Resource {
		return &lbv1.Resource{Name: name, Body: &lbv1.Resource_ForwardingRule{ForwardingRule: &lbv1.ForwardingRule{
			Owner: owner.Of(ref(by)), Vips: []*lbv1.Vip{{Address: address}},
		}}}
	}
	holds := func(address, by string) controlplane.FactChange {
		if by == "" {
			return controlplane.FactChange{Fact: fact.Holder(address)}
		}
		return controlplane.FactChange{Fact: fact.Holder(address), Value: ref(by).String()}
	}
	for i, step := range []struct {
		upserts []*lbv1.Resource
		deletes []string
		want    []controlplane.FactChange
	}{
		{[]*lbv1.Resource{rule("b-80", "b", "1"), rule("b-81", "b", "1")}, nil, []controlplane.FactChange{holds("1", "b")}},
		{[]*lbv1.Resource{rule("a-80", "a", "1")}, []string{"b-80"}, nil},
		{[]*lbv1.Resource{rule("b-81", "b", "2")}, nil, []controlplane.FactChange{holds("1", "a"), holds("2", "b")}},
		{nil, []string{"a-80", "b-81"}, []controlplane.FactChange{holds("1", ""), holds("2", "")}},
	} {
		tx := &lbv1.Transaction{Upserts: step.upserts}
		for _, name := range step.deletes {
			tx.Deletes = append(tx.Deletes, &lbv1.ResourceKey{Kind: "forwarding_rule", Name: name})
		}
		h.Publish(tx)
		for _, r := range step.upserts {
			model[r.GetName()] = r
		}
		for _, name := range step.deletes {
			delete(model, name)
		}
		if got := h.Changes(); !reflect.DeepEqual(got, step.want) {
			t.Errorf("step %d: %v, want %v", i, got, step.want)
		}
	}
}
