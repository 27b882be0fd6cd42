package balance

import (
	"math"
	"net/netip"
	"testing"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"

	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
)

func healthyWorld(t testing.TB, n int, policy lbv1.LocalityPolicy) *world {
	w := newWorld(t).group("a", "r", n)
	w.spec.LocalityPolicy = policy
	w.build()
	w.health(0, n)
	return w
}

func TestRoundRobinIsExact(t *testing.T) {
	w := healthyWorld(t, 4, lbv1.LocalityPolicy_ROUND_ROBIN)
	got := map[netip.AddrPort]int{}
	for range 400 {
		e, _ := w.service.Pick(input())
		got[e.Addr]++
	}
	for a, n := range got {
		if n != 100 {
			t.Errorf("%v: %d", a, n)
		}
	}
}

// TestPicksWithoutARequest: what is no HTTP finds an endpoint under every affinity and policy; its address decides where that
// is asked for.
func TestPicksWithoutARequest(t *testing.T) {
	persistence, err := CompilePersistence(&lbv1.SessionPersistence{Name: "session"})
	if err != nil {
		t.Fatal(err)
	}
	for kind := range lbv1.SessionAffinity_Type_name {
		for policy := range lbv1.LocalityPolicy_name {
			w := newWorld(t).group("a", "r", 4)
			w.spec.SessionAffinity = &lbv1.SessionAffinity{Type: lbv1.SessionAffinity_Type(kind), Header: "x", CookieName: "x"}
			w.spec.LocalityPolicy = lbv1.LocalityPolicy(policy)
			w.build()
			w.health(0, 4)
			first, err := w.service.Pick(&PickInput{ClientIP: netip.MustParseAddr("192.0.2.1"), ClientPort: 1, Persistence: persistence})
			if err != nil {
				t.Errorf("affinity %v, policy %v: %v", kind, policy, err)
				continue
			}
			again, _ := w.service.Pick(&PickInput{ClientIP: netip.MustParseAddr("192.0.2.1"), ClientPort: 2})
			if lbv1.SessionAffinity_Type(kind) == lbv1.SessionAffinity_CLIENT_IP && again != first {
				t.Errorf("policy %v: a client's address led to two endpoints", policy)
			}
		}
	}
}

func TestLeastRequestPrefersTheIdle(t *testing.T) {
	w := healthyWorld(t, 2, lbv1.LocalityPolicy_LEAST_REQUEST)
	busy := w.service.Endpoints()[0].Endpoint
	busy.Acquire()
	for range 50 {
		if e, _ := w.service.Pick(input()); e == busy {
			t.Fatal("the busy endpoint was chosen of two")
		}
	}
}

func TestRandomReachesAll(t *testing.T) {
	w := healthyWorld(t, 4, lbv1.LocalityPolicy_RANDOM)
	got := map[netip.AddrPort]bool{}
	for range 1000 {
		e, _ := w.service.Pick(input())
		got[e.Addr] = true
	}
	if len(got) != 4 {
		t.Errorf("%d endpoints", len(got))
	}
}

// fromClient is the endpoint of the i-th client.
func fromClient(s *Service, i int) netip.AddrPort {
	in := input()
	in.ClientIP = netip.AddrFrom4([4]byte{198, 51, byte(i >> 8), byte(i)})
	e, err := s.Pick(in)
	if err != nil {
		return netip.AddrPort{}
	}
	return e.Addr
}

// Both hash policies spread clients evenly, keep each at its endpoint, and move few when an endpoint goes.
func TestHashPolicies(t *testing.T) {
	for _, c := range []struct {
		policy lbv1.LocalityPolicy
		spread float64 // greatest deviation from the even share
		moved  float64 // share of the clients of healthy endpoints that move
	}{
		{lbv1.LocalityPolicy_MAGLEV, 0.25, 0.05},
		{lbv1.LocalityPolicy_RING_HASH, 0.5, 0},
	} {
		t.Run(c.policy.String(), func(t *testing.T) {
			w := newWorld(t).group("a", "r", 10)
			w.spec.LocalityPolicy = c.policy
			w.spec.SessionAffinity = &lbv1.SessionAffinity{Type: lbv1.SessionAffinity_CLIENT_IP}
			s := w.build()
			w.health(0, 10)
			const clients = 5000
			before, counts := map[int]netip.AddrPort{}, map[netip.AddrPort]int{}
			for i := range clients {
				before[i] = fromClient(s, i)
				counts[before[i]]++
				if again := fromClient(s, i); again != before[i] {
					t.Fatalf("client %d moved from %v to %v", i, before[i], again)
				}
			}
			for a, n := range counts {
				if math.Abs(float64(n)/(clients/10)-1) > c.spread {
					t.Errorf("%v has %d of %d clients", a, n, clients)
				}
			}
			w.check.Set(at(0, 3), lbv1.HealthState_UNHEALTHY)
			moved := 0
			for i := range clients {
				after := fromClient(s, i)
				if after == at(0, 3) {
					t.Fatal("an unhealthy endpoint was chosen")
				}
				if before[i] != at(0, 3) && after != before[i] {
					moved++
				}
			}
			if got := float64(moved) / clients; got > c.moved {
				t.Errorf("%.1f%% of the clients moved without need", got*100)
			}
		})
	}
}

func TestMaglevFollowsWeights(t *testing.T) {
	w := newWorld(t).group("a", "r", 2).group("b", "r", 2).weight("a", 0, 9000).weight("b", 0, 1000)
	w.spec.SessionAffinity = &lbv1.SessionAffinity{Type: lbv1.SessionAffinity_CLIENT_IP}
	s := w.build()
	w.health(0, 2)
	w.health(1, 2)
	inA := 0
	for i := range 10000 {
		if fromClient(s, i).Addr().As4()[1] == 0 {
			inA++
		}
	}
	if inA < 8700 || inA > 9300 {
		t.Errorf("%d of 10000 in the group of 90%%", inA)
	}
}

func TestAffinityInputs(t *testing.T) {
	for _, c := range []struct {
		name  string
		spec  *lbv1.SessionAffinity
		same  [2]*PickInput
		sets  string
		apart *PickInput
	}{
		{
			name: "header", spec: &lbv1.SessionAffinity{Type: lbv1.SessionAffinity_HEADER_FIELD, Header: "X-User"},
			same: [2]*PickInput{input([2]string{"x-user", "ann"}), input([2]string{"x-user", "ann"})},
		},
		{
			name: "host", spec: &lbv1.SessionAffinity{Type: lbv1.SessionAffinity_HEADER_FIELD, Header: "Host"},
			same: [2]*PickInput{inputTo("a.example"), inputTo("A.Example")},
		},
		{
			name: "cookie", spec: &lbv1.SessionAffinity{Type: lbv1.SessionAffinity_HTTP_COOKIE, CookieName: "sid"},
			same: [2]*PickInput{input([2]string{"cookie", "a=b; sid=7"}), input([2]string{"cookie", `sid="7"; a=c`})},
		},
		{
			name: "address and port", spec: &lbv1.SessionAffinity{Type: lbv1.SessionAffinity_CLIENT_IP_PORT_PROTO},
			same: [2]*PickInput{input(), input()},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t).group("a", "r", 50)
			w.spec.SessionAffinity = c.spec
			s := w.build()
			w.health(0, 50)
			a, err := s.Pick(c.same[0])
			if err != nil {
				t.Fatal(err)
			}
			if b, _ := s.Pick(c.same[1]); a != b {
				t.Errorf("%s and %s", a.Address, b.Address)
			}
			if c.same[0].SetName != nil {
				t.Errorf("sets %s", c.same[0].SetValue)
			}
		})
	}
}

func TestGeneratedCookie(t *testing.T) {
	for _, c := range []struct {
		name, region string
		scheme       lbv1.LoadBalancingScheme
		ttl          time.Duration
		want         string
		end          string
	}{
		{"global", "", lbv1.LoadBalancingScheme_EXTERNAL_MANAGED, 0, "GCLB=", "; path=/; HttpOnly"},
		{"regional", "us-west1", lbv1.LoadBalancingScheme_EXTERNAL_MANAGED, time.Hour, "GCILB=", "; path=/; HttpOnly; max-age=3600"},
		{"cross-regional internal", "", lbv1.LoadBalancingScheme_INTERNAL_MANAGED, 0, "GCILB=", "; path=/; HttpOnly"},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t).group("a", "r", 20)
			w.spec.Region, w.spec.Scheme = c.region, c.scheme
			w.spec.SessionAffinity = &lbv1.SessionAffinity{
				Type: lbv1.SessionAffinity_GENERATED_COOKIE, CookieTtl: durationpb.New(c.ttl),
			}
			s := w.build()
			w.health(0, 20)
			in := input()
			first, err := s.Pick(in)
			if err != nil {
				t.Fatal(err)
			}
			set := string(in.SetValue)
			if string(in.SetName) != "set-cookie" || len(set) < len(c.want)+len(c.end) || set[:len(c.want)] != c.want ||
				set[len(set)-len(c.end):] != c.end {
				t.Fatalf("%s: %s", in.SetName, set)
			}
			back := input([2]string{"cookie", set[:len(set)-len(c.end)]})
			if again, _ := s.Pick(back); again != first || back.SetName != nil {
				t.Errorf("went to %s, then to %s (sets %q)", first.Address, again.Address, back.SetValue)
			}
		})
	}
}

func TestRetriesGoElsewhere(t *testing.T) {
	w := healthyWorld(t, 3, lbv1.LocalityPolicy_RANDOM)
	in := input()
	seen := map[*Endpoint]bool{}
	for range 3 {
		e, err := w.service.Pick(in)
		if err != nil {
			t.Fatal(err)
		}
		if seen[e] {
			t.Fatalf("%s was tried already", e.Address)
		}
		seen[e] = true
		in.Tried = append(in.Tried, e)
	}
	if e, err := w.service.Pick(in); err != nil || e == nil {
		t.Errorf("with all tried: %v, %v", e, err)
	}
}
