package serve

import (
	"net/netip"

	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
)

// healthyPods says of each address that is probed whether every check of it finds it healthy at some location. Rollouts
// go by it.
func (p *planes) healthyPods() map[netip.Addr]bool {
	type target struct {
		check string
		at    netip.AddrPort
	}
	found := map[target]bool{}
	for _, l := range p.all() {
		for _, v := range l.prober.Verdicts() {
			t := target{v.Check, v.Address}
			found[t] = found[t] || v.State == lbv1.HealthState_HEALTHY
		}
	}
	pods := map[netip.Addr]bool{}
	for t, healthy := range found {
		before, known := pods[t.at.Addr()]
		pods[t.at.Addr()] = healthy && (before || !known)
	}
	return pods
}
