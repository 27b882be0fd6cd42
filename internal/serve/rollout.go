package serve

import (
	"net/netip"

	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
	"github.com/spillway-lb/spillway/internal/fact"
	"github.com/spillway-lb/spillway/internal/store"
)

// healthyPods says of each address with a verdict whether every check of it finds it healthy at some location. Rollouts go
// by it.
func healthyPods(snapshot *store.Snapshot) map[netip.Addr]bool {
	type target struct {
		check string
		at    netip.AddrPort
	}
	found := map[target]bool{}
	for _, key := range snapshot.Facts(fact.KindHealth) {
		p, ok := fact.ProbeOf(key)
		if !ok {
			continue
		}
		v, _ := snapshot.Fact(fact.Health(p)).(fact.Verdict)
		t := target{p.Check, p.Endpoint}
		found[t] = found[t] || v.State == lbv1.HealthState_HEALTHY
	}
	pods := map[netip.Addr]bool{}
	for t, healthy := range found {
		before, known := pods[t.at.Addr()]
		pods[t.at.Addr()] = healthy && (before || !known)
	}
	return pods
}
