package balance

import (
	"net/netip"
	"testing"

	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
	"github.com/spillway-lb/spillway/internal/proxy/message"
)

// world is a backend service in the making.
type world struct {
	t       testing.TB
	spec    *lbv1.BackendService
	check   *Check
	groups  []*Group
	weights *lbv1.Weights
	service *Service
}

func newWorld(t testing.TB) *world {
	return &world{t: t, spec: &lbv1.BackendService{}, check: NewCheck("hc")}
}

// group adds a group of n endpoints 10.INDEX.0.x.
func (w *world) group(name, region string, n int) *world {
	shard := &Shard{}
	for i := range n {
		shard.Endpoints = append(shard.Endpoints, Address{Addr: at(len(w.groups), i)})
	}
	w.groups = append(w.groups, &Group{Name: name, Region: region, Zone: region + "-a", Shards: []*Shard{shard}})
	w.spec.Backends = append(w.spec.Backends, &lbv1.Backend{Group: name})
	return w
}

// weight gives the next group a place in the weights.
func (w *world) weight(group string, priority, weight uint32) *world {
	if w.weights == nil {
		w.weights = &lbv1.Weights{}
	}
	w.weights.Groups = append(w.weights.Groups, &lbv1.GroupWeight{Group: group, Priority: priority, Weight: weight})
	return w
}

// build makes the next version of the service.
func (w *world) build() *Service {
	w.t.Helper()
	if err := Validate(w.spec); err != nil {
		w.t.Fatal(err)
	}
	w.service, _ = Next(w.service, Version{
		Name: "svc", Spec: w.spec, Check: w.check, Groups: w.groups, Weights: w.weights,
	})
	return w.service
}

// health sets the first healthy endpoints of a group healthy and the rest unhealthy.
func (w *world) health(group, healthy int) {
	for i := range w.groups[group].Shards[0].Endpoints {
		state := lbv1.HealthState_UNHEALTHY
		if i < healthy {
			state = lbv1.HealthState_HEALTHY
		}
		w.check.Set(at(group, i), state)
	}
}

func at(group, i int) netip.AddrPort {
	return netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, byte(group), byte(i >> 8), byte(i)}), 8080)
}

// input is the PickInput of a request with these header fields.
func input(fields ...[2]string) *PickInput {
	req := &message.Request{Method: []byte("GET"), Path: []byte("/")}
	for _, f := range fields {
		req.Header.Add([]byte(f[0]), []byte(f[1]))
	}
	return &PickInput{Request: req, ClientIP: netip.MustParseAddr("192.0.2.1"), ClientPort: 1234}
}

// inputTo asks for a host.
func inputTo(host string) *PickInput {
	in := input()
	in.Request.Authority = []byte(host)
	return in
}

// count picks n times and counts by group.
func count(t testing.TB, s *Service, n int) map[string]int {
	t.Helper()
	out := map[string]int{}
	in := input()
	for range n {
		e, err := s.Pick(in)
		if err != nil {
			out["none"]++
			continue
		}
		out[e.Group]++
	}
	return out
}
