package balance

import (
	"fmt"
	"math"
	"testing"

	"pgregory.net/rapid"

	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
)

// Whatever the groups, weights and verdicts are: the shares add up to 1 as long as one endpoint of a group that is not
// drained is healthy, and only such endpoints are picked.
func TestNeverBlackHole(t *testing.T) {
	policies := []lbv1.LocalityPolicy{
		lbv1.LocalityPolicy_ROUND_ROBIN, lbv1.LocalityPolicy_LEAST_REQUEST, lbv1.LocalityPolicy_RANDOM,
	}
	rapid.Check(t, func(rt *rapid.T) {
		w := newWorld(t)
		w.spec.LocalityPolicy = rapid.SampledFrom(policies).Draw(rt, "policy")
		w.spec.FailoverThreshold = rapid.Uint32Range(0, 99).Draw(rt, "threshold")
		groups := rapid.IntRange(1, 5).Draw(rt, "groups")
		for g := range groups {
			name := fmt.Sprint("g", g)
			w.group(name, "r", rapid.IntRange(0, 6).Draw(rt, "n"))
			if rapid.Bool().Draw(rt, "weighted") {
				w.weight(name, rapid.Uint32Range(0, 3).Draw(rt, "priority"), rapid.Uint32Range(0, 10000).Draw(rt, "weight"))
			}
			if rapid.Bool().Draw(rt, "drained") {
				w.spec.Backends[g].CapacityScaler = new(float64)
			}
		}
		s := w.build()
		healthy := map[string]bool{}
		for g := range groups {
			for i := range w.groups[g].Shards[0].Endpoints {
				state := lbv1.HealthState(rapid.IntRange(0, 2).Draw(rt, "state"))
				w.check.Set(at(g, i), state)
				if state == lbv1.HealthState_HEALTHY && w.spec.Backends[g].CapacityScaler == nil {
					healthy[at(g, i).String()] = true
				}
			}
		}
		sum := 0.0
		for _, share := range s.Shares(0) {
			sum += share.Fraction
		}
		want := 1.0
		if len(healthy) == 0 {
			want = 0
		}
		if math.Abs(sum-want) > 1e-9 {
			rt.Fatalf("shares add up to %v with %d healthy endpoints", sum, len(healthy))
		}
		for range 20 {
			e, err := s.Pick(input())
			if (err == nil) != (len(healthy) > 0) {
				rt.Fatalf("%v with %d healthy endpoints", err, len(healthy))
			}
			if err == nil && !healthy[e.Address] {
				rt.Fatalf("%s is not healthy", e.Address)
			}
		}
	})
}
