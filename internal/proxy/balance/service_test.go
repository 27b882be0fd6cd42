package balance

import (
	"errors"
	"sync"
	"testing"

	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
)

func TestUnknownIsNotHealthyAndCanBeAwaited(t *testing.T) {
	w := newWorld(t).group("a", "r", 2)
	s := w.build()
	if !s.Awaiting() {
		t.Error("a service without any verdict is not awaiting")
	}
	if _, err := s.Pick(input()); !errors.Is(err, ErrNoHealthyUpstream) {
		t.Errorf("picked an endpoint without a verdict: %v", err)
	}
	w.check.Set(at(0, 1), lbv1.HealthState_HEALTHY)
	if s.Awaiting() {
		t.Error("still awaiting after a verdict")
	}
	if e, err := s.Pick(input()); err != nil || e.Addr != at(0, 1) {
		t.Errorf("picked %v, %v", e, err)
	}
}

func TestAwaitingNeedsEndpoints(t *testing.T) {
	w := newWorld(t).group("a", "r", 0)
	if w.build().Awaiting() {
		t.Error("a service without endpoints is awaiting")
	}
}

// A scale-up must not push load into another tier: endpoints without a verdict are not counted.
func TestScaleUpShedsNothing(t *testing.T) {
	w := newWorld(t).group("west", "us-west1", 10).group("east", "us-east1", 2)
	w.weight("west", 0, 10000).weight("east", 1, 10000)
	w.build()
	w.check.Set(at(0, 0), lbv1.HealthState_HEALTHY)
	w.health(1, 2)
	if got := count(t, w.service, 100); got["west"] != 100 {
		t.Errorf("%v", got)
	}
}

// A prober that was cut off says unknown; the last verdict stays in force.
func TestUnknownAfterAVerdictChangesNothing(t *testing.T) {
	w := newWorld(t).group("a", "r", 2)
	s := w.build()
	w.health(0, 1)
	w.check.Set(at(0, 0), lbv1.HealthState_UNKNOWN)
	w.check.Set(at(0, 1), lbv1.HealthState_UNKNOWN)
	if e, err := s.Pick(input()); err != nil || e.Addr != at(0, 0) {
		t.Errorf("picked %v, %v", e, err)
	}
	if got := s.Endpoints()[0].State; got != lbv1.HealthState_UNKNOWN {
		t.Errorf("shown as %v", got)
	}
}

func TestDrainingGetsNothingNew(t *testing.T) {
	w := newWorld(t).group("a", "r", 2)
	w.groups[0].Shards[0].Endpoints[0].Draining = true
	s := w.build()
	w.health(0, 2)
	for range 10 {
		if e, err := s.Pick(input()); err != nil || e.Addr != at(0, 1) {
			t.Fatalf("picked %v, %v", e, err)
		}
	}
	w.check.Set(at(0, 1), lbv1.HealthState_UNHEALTHY)
	if _, err := s.Pick(input()); !errors.Is(err, ErrNoHealthyUpstream) {
		t.Errorf("draining endpoint picked: %v", err)
	}
}

// setShards replaces a group's shards by addresses.
func (w *world) setShards(group int, shards ...*Shard) {
	g := *w.groups[group]
	g.Shards = shards
	w.groups[group] = &g
}

func shardOf(addresses ...Address) *Shard { return &Shard{Endpoints: addresses} }

func TestHandlesSurviveVersions(t *testing.T) {
	w := newWorld(t).group("a", "r", 0)
	w.setShards(0, shardOf(Address{Addr: at(0, 0)}), shardOf(Address{Addr: at(0, 1)}, Address{Addr: at(0, 2)}))
	first := w.build()
	w.health(0, 1)
	for i := range 3 {
		w.check.Set(at(0, i), lbv1.HealthState_HEALTHY)
	}
	handles := map[string]*Endpoint{}
	for _, e := range first.Endpoints() {
		handles[e.Endpoint.Address] = e.Endpoint
	}
	// One leaves, one moves to the other shard, one comes.
	w.setShards(0, shardOf(Address{Addr: at(0, 0)}, Address{Addr: at(0, 1)}), shardOf(Address{Addr: at(0, 3)}))
	second, changes := Next(first, Version{Spec: w.spec, Check: w.check, Groups: w.groups})
	if len(changes.Retired) != 1 || changes.Retired[0].Addr != at(0, 2) || !changes.Retired[0].Retired() {
		t.Fatalf("retired %v", changes.Retired)
	}
	for _, e := range second.Endpoints() {
		if before := handles[e.Endpoint.Address]; before != nil && before != e.Endpoint {
			t.Errorf("%s has a new handle", e.Endpoint.Address)
		}
		if before := handles[e.Endpoint.Address]; before != nil && (e.State != lbv1.HealthState_HEALTHY || before.Retired()) {
			t.Errorf("%s: %v, retired %v", e.Endpoint.Address, e.State, before.Retired())
		}
	}
	if w.check.Set(at(0, 2), lbv1.HealthState_HEALTHY) {
		t.Error("the verdict of an endpoint that is gone is still held")
	}
	// The version before still serves the requests that started on it.
	if _, err := first.Pick(input()); err != nil {
		t.Error(err)
	}
	if got := len(second.Close()); got != 3 {
		t.Errorf("closed %d endpoints", got)
	}
	if len(w.check.verdicts) != 0 {
		t.Errorf("%d verdicts are left", len(w.check.verdicts))
	}
}

func TestNewTransportMakesNewHandles(t *testing.T) {
	for name, change := range map[string]func(*Version){
		"protocol": func(v *Version) {
			v.Spec = &lbv1.BackendService{Protocol: lbv1.BackendProtocol_H2C, Backends: v.Spec.Backends}
		},
		"certificates": func(v *Version) { v.NewTransport = true },
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t).group("a", "r", 1)
			first := w.build()
			w.health(0, 1)
			v := Version{Spec: w.spec, Check: w.check, Groups: w.groups}
			change(&v)
			second, changes := Next(first, v)
			if len(changes.Retired) != 1 || second.Endpoints()[0].Endpoint == changes.Retired[0] {
				t.Errorf("retired %d", len(changes.Retired))
			}
			if second.Endpoints()[0].State != lbv1.HealthState_HEALTHY {
				t.Error("the verdict was lost")
			}
		})
	}
}

func TestAnotherPodAtTheAddressIsANewEndpoint(t *testing.T) {
	w := newWorld(t).group("a", "r", 0)
	w.setShards(0, shardOf(Address{Addr: at(0, 0), Pod: "ns/one"}))
	first := w.build()
	w.setShards(0, shardOf(Address{Addr: at(0, 0), Pod: "ns/two"}))
	second, changes := Next(first, Version{Spec: w.spec, Check: w.check, Groups: w.groups})
	if len(changes.Retired) != 1 || second.Endpoints()[0].Endpoint.Pod != "ns/two" {
		t.Errorf("retired %d, pod %s", len(changes.Retired), second.Endpoints()[0].Endpoint.Pod)
	}
}

// Another health check takes over what the one before knew, until it has verdicts of its own.
func TestAnotherHealthCheckStartsWithTheOldVerdicts(t *testing.T) {
	w := newWorld(t).group("a", "r", 2)
	first := w.build()
	w.health(0, 1)
	second, changes := Next(first, Version{Spec: w.spec, Check: NewCheck("other"), Groups: w.groups})
	if len(changes.Retired) != 0 || second.Awaiting() {
		t.Errorf("retired %d, awaiting %v", len(changes.Retired), second.Awaiting())
	}
	if e, err := second.Pick(input()); err != nil || e.Addr != at(0, 0) {
		t.Errorf("picked %v, %v", e, err)
	}
}

func TestValidateRefuses(t *testing.T) {
	two := 2.0
	for name, spec := range map[string]*lbv1.BackendService{
		"threshold": {FailoverThreshold: 100},
		"abort":     {AbortStatus: 99},
		"scaler":    {Backends: []*lbv1.Backend{{CapacityScaler: &two}}},
		"rate":      {Backends: []*lbv1.Backend{{MaxRatePerEndpoint: -1}}},
		"header":    {SessionAffinity: &lbv1.SessionAffinity{Type: lbv1.SessionAffinity_HEADER_FIELD}},
		"cookie":    {SessionAffinity: &lbv1.SessionAffinity{Type: lbv1.SessionAffinity_HTTP_COOKIE, CookieName: "a b"}},
	} {
		if Validate(spec) == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

func TestCircuitLimits(t *testing.T) {
	w := newWorld(t)
	w.spec.Limits = &lbv1.CircuitLimits{MaxRequests: 2}
	s := w.build()
	for i, want := range []bool{true, true, false} {
		if got := s.TryAcquire(Requests); got != want {
			t.Errorf("limit 2, request %d: %v", i, got)
		}
	}
	s.ReleaseLimit(Requests)
	if !s.TryAcquire(Requests) || s.InUse(Requests) != 2 {
		t.Error("a place that was released cannot be taken")
	}
}

// Without a configured limit retries are at most a fifth of the requests in flight, or 3.
func TestRetryBudget(t *testing.T) {
	s := newWorld(t).build()
	acquire := func() int {
		n := 0
		for s.TryAcquire(Retries) {
			n++
		}
		for range n {
			s.ReleaseLimit(Retries)
		}
		return n
	}
	if got := acquire(); got != 3 {
		t.Errorf("idle: %d retries", got)
	}
	for range 100 {
		s.TryAcquire(Requests)
	}
	if got := acquire(); got != 20 {
		t.Errorf("100 requests in flight: %d retries", got)
	}
}

// Picks, verdicts, ejections and new versions at once; the race detector watches.
func TestConcurrentUse(t *testing.T) {
	w := newWorld(t).group("a", "r", 20).group("b", "r", 20)
	w.spec.OutlierDetection = &lbv1.OutlierDetection{ConsecutiveErrors: 1}
	s := w.build()
	w.health(0, 20)
	w.health(1, 20)
	var group sync.WaitGroup
	for range 4 {
		group.Go(func() {
			in := input()
			for range 2000 {
				e, err := s.Pick(in)
				if err != nil {
					t.Error(err)
					return
				}
				e.Acquire()
				e.Observe(Outcome(in.Now%3), in.Now)
				e.Release()
				in.Now++
			}
		})
	}
	group.Go(func() {
		for i := range 500 {
			w.check.Set(at(0, i%20), lbv1.HealthState(1+i%2))
		}
	})
	group.Go(func() {
		next := s
		for range 100 {
			next, _ = Next(next, Version{Spec: w.spec, Check: w.check, Groups: w.groups})
			next.Shares(0)
		}
	})
	group.Wait()
}
