package config

import (
	"errors"
	"testing"
	"time"

	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
	"github.com/spillway-lb/spillway/internal/proxy/extension"
)

// What could not do its part is tried again when it is due, without a transaction, and the rest stays as it is.
func TestFaultsAreTriedAgain(t *testing.T) {
	due, asked := time.Unix(1000, 0), 0
	provider := func(string, *lbv1.TargetProxy, extension.Resources) (*extension.Chains, error) {
		asked++
		c := chainsCalling("callout")
		if asked == 1 {
			c.Faults = []extension.Fault{{Kind: "wasm_plugin_version", Name: "never"}, {Kind: "wasm_plugin_version", Name: "v", Again: due}}
		}
		return c, nil
	}
	r := apply(t, NewWith(west, provider), upsert(callingStore()...))
	if at, ok := r.AgainAt(); !ok || !at.Equal(due) {
		t.Fatalf("due %v, %t", at, ok)
	}
	if next, err := r.Again(due.Add(-1)); next != nil || err != nil || asked != 1 {
		t.Fatal("tried before it is due")
	}
	next, err := r.Again(due)
	if next == nil || err != nil || asked != 2 {
		t.Fatalf("asked %d times: %v", asked, err)
	}
	if len(next.Faults()) != 0 || len(r.Faults()) != 2 || next.Seq() != r.Seq() || next.Generation() != r.Generation()+1 {
		t.Errorf("faults %v, seq %d, generation %d", next.Faults(), next.Seq(), next.Generation())
	}
	if next.ServiceByName("callout") != r.ServiceByName("callout") || next.TargetProxy("proxy").Map != r.TargetProxy("proxy").Map {
		t.Error("what did not change is another one")
	}
	_, ok := next.AgainAt()
	if same, err := next.Again(due); ok || same != nil || err != nil {
		t.Error("due again, though all is well")
	}
	// It is like Apply: transactions go on from it.
	apply(t, next, upsert(abort("callout", 410)))
}

// A try that is refused says why, and leaves the root as it is.
func TestARefusedTrySaysWhy(t *testing.T) {
	due, asked := time.Unix(1000, 0), 0
	provider := func(string, *lbv1.TargetProxy, extension.Resources) (*extension.Chains, error) {
		if asked++; asked > 1 {
			return nil, errors.New("no more")
		}
		return &extension.Chains{Faults: []extension.Fault{{Kind: "wasm_plugin_version", Name: "v", Again: due}}}, nil
	}
	r := apply(t, NewWith(west, provider), upsert(store()...))
	next, err := r.Again(due)
	if next != nil || err == nil || err.Error() != `target_proxy "proxy": no more` {
		t.Fatalf("%v, %v", next, err)
	}
	if at, ok := r.AgainAt(); !ok || !at.Equal(due) {
		t.Errorf("due %v, %t", at, ok)
	}
}
