package balance

import (
	"testing"

	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
)

func BenchmarkPick(b *testing.B) {
	for _, c := range []struct {
		name     string
		policy   lbv1.LocalityPolicy
		affinity lbv1.SessionAffinity_Type
	}{
		{"round-robin", lbv1.LocalityPolicy_ROUND_ROBIN, lbv1.SessionAffinity_NONE},
		{"least-request", lbv1.LocalityPolicy_LEAST_REQUEST, lbv1.SessionAffinity_NONE},
		{"maglev", lbv1.LocalityPolicy_MAGLEV, lbv1.SessionAffinity_CLIENT_IP},
		{"ring", lbv1.LocalityPolicy_RING_HASH, lbv1.SessionAffinity_CLIENT_IP},
	} {
		b.Run(c.name, func(b *testing.B) {
			s := benchService(b, c.policy, c.affinity)
			in := input()
			b.ReportAllocs()
			for b.Loop() {
				e, _ := s.Pick(in)
				e.Acquire()
				e.Release()
			}
		})
	}
}

// BenchmarkRebuild is what the first request after a change of health pays.
func BenchmarkRebuild(b *testing.B) {
	for _, c := range []struct {
		name     string
		affinity lbv1.SessionAffinity_Type
	}{{"round-robin", lbv1.SessionAffinity_NONE}, {"maglev", lbv1.SessionAffinity_CLIENT_IP}} {
		b.Run(c.name, func(b *testing.B) {
			s := benchService(b, lbv1.LocalityPolicy_LOCALITY_POLICY_UNSPECIFIED, c.affinity)
			for b.Loop() {
				s.build(0)
			}
		})
	}
}

func benchService(b *testing.B, policy lbv1.LocalityPolicy, affinity lbv1.SessionAffinity_Type) *Service {
	w := newWorld(b).group("a", "r", 100).group("b", "r", 100)
	w.spec.LocalityPolicy = policy
	w.spec.SessionAffinity = &lbv1.SessionAffinity{Type: affinity}
	w.build()
	w.health(0, 100)
	w.health(1, 100)
	return w.service
}

func TestPickAllocatesNothing(t *testing.T) {
	for _, policy := range []lbv1.LocalityPolicy{
		lbv1.LocalityPolicy_ROUND_ROBIN, lbv1.LocalityPolicy_LEAST_REQUEST, lbv1.LocalityPolicy_RANDOM,
	} {
		w := healthyWorld(t, 10, policy)
		in := input()
		if n := testing.AllocsPerRun(100, func() { _, _ = w.service.Pick(in) }); n != 0 {
			t.Errorf("%v: %v allocations", policy, n)
		}
	}
	w := newWorld(t).group("a", "r", 10)
	w.spec.SessionAffinity = &lbv1.SessionAffinity{Type: lbv1.SessionAffinity_HTTP_COOKIE, CookieName: "sid"}
	w.build()
	w.health(0, 10)
	in := input([2]string{"cookie", "sid=1"})
	if n := testing.AllocsPerRun(100, func() { _, _ = w.service.Pick(in) }); n != 0 {
		t.Errorf("affinity: %v allocations", n)
	}
}
