package config

import (
	"testing"

	"google.golang.org/protobuf/proto"

	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
)

func setHealth(r *Root, check string, state lbv1.HealthState, last ...int) {
	for _, l := range last {
		r.SetHealth(check, endpointAt(l), state)
	}
}

func TestHealthIsByCheckAndHoldsForAllRoots(t *testing.T) {
	r := storeRoot(t)
	setHealth(r, "west", lbv1.HealthState_HEALTHY, 1)
	if got := pick(r.ServiceByName("west")); got != "10.0.0.1:80" {
		t.Errorf("west: %s", got)
	}
	if got := pick(r.ServiceByName("all")); got != "no healthy upstream" {
		t.Errorf("all, which has another check: %s", got)
	}
	next := apply(t, r, upsert(shard("neg-west", 0, 1, 2, 3)))
	if got := pick(next.ServiceByName("west")); got != "10.0.0.1:80" {
		t.Errorf("after a change of the group: %s", got)
	}
	setHealth(next, "west", lbv1.HealthState_UNHEALTHY, 1)
	if got := pick(r.ServiceByName("west")); got != "no healthy upstream" {
		t.Errorf("the root before did not hear of it: %s", got)
	}
	if r.SetHealth("west", endpointAt(99), 1) || r.SetHealth("none", endpointAt(1), 1) {
		t.Error("a verdict about nothing was taken")
	}
}

// A request that started before a transaction finds the endpoints of its time.
func TestPinnedRootKeepsItsEndpoints(t *testing.T) {
	r := storeRoot(t)
	setHealth(r, "west", lbv1.HealthState_HEALTHY, 1, 2)
	next := apply(t, r, upsert(shard("neg-west", 0), rule("store.example.com", "1", "/west", "all")))
	if got := pick(r.ServiceByName("west")); got == "no healthy upstream" {
		t.Error("the endpoints are gone for requests that are under way")
	}
	if got := pick(next.ServiceByName("west")); got != "no healthy upstream" {
		t.Errorf("next: %s", got)
	}
	if len(next.Retired()) != 4 {
		t.Errorf("%d endpoints retired", len(next.Retired()))
	}
}

func TestAwaiting(t *testing.T) {
	r := storeRoot(t)
	if got := len(r.Awaiting()); got != 2 {
		t.Fatalf("%d services await verdicts", got)
	}
	if got := apply(t, r, upsert(shard("neg-west", 0, 1, 2, 3))).Awaiting(); len(got) != 0 {
		t.Errorf("%s is waited for a second time", got[0].Name)
	}
	setHealth(r, "west", lbv1.HealthState_UNHEALTHY, 1)
	setHealth(r, "all", lbv1.HealthState_HEALTHY, 11)
	if got := r.Awaiting(); len(got) != 0 {
		t.Errorf("%s awaits verdicts", got[0].Name)
	}
	next := apply(t, r, upsert(rule("h", "1", "/", "west")))
	if len(next.Awaiting()) != 0 {
		t.Error("a service that did not change is awaited")
	}
}

func TestWeightsOfTheLocation(t *testing.T) {
	r := storeRoot(t)
	setHealth(r, "all", lbv1.HealthState_HEALTHY, 1, 2, 11, 12)
	r = apply(t, r, upsert(
		weights("all", "us-west1", &lbv1.GroupWeight{Group: "neg-west", Weight: 100}, &lbv1.GroupWeight{Group: "neg-east", Priority: 1, Weight: 100}),
		weights("all", "us-east1", &lbv1.GroupWeight{Group: "neg-east", Weight: 100}),
	))
	if got := r.ServiceByName("all").Shares(0); len(got) != 1 || got[0].Group != "neg-west" {
		t.Errorf("%v", got)
	}
	zonal := weights("all", "us-west1-a", &lbv1.GroupWeight{Group: "neg-east", Weight: 100})
	r = apply(t, r, upsert(zonal))
	if got := r.ServiceByName("all").Shares(0); got[0].Group != "neg-east" {
		t.Errorf("the zone's own weights do not win: %v", got)
	}
	r = apply(t, r, without(&lbv1.Transaction{}, "weights all/us-west1", "weights all/us-west1-a"))
	if got := r.ServiceByName("all").Shares(0); len(got) != 2 {
		t.Errorf("without weights: %v", got)
	}
	apply(t, r, without(&lbv1.Transaction{}, "weights all/us-east1", "backend_service all", "route_rule map/*/store.example.com/2"))
}

// Verdicts that come as resources count for this location only, also when the endpoint comes later.
func TestEndpointHealth(t *testing.T) {
	r := apply(t, storeRoot(t), upsert(
		health("us-east1", "west", 1, lbv1.HealthState_HEALTHY), health("us-west1", "west", 2, lbv1.HealthState_HEALTHY),
		health("us-west1", "west", 3, lbv1.HealthState_HEALTHY),
	))
	if got := pick(r.ServiceByName("west")); got != "10.0.0.2:80" {
		t.Errorf("got %s", got)
	}
	r = apply(t, r, upsert(shard("neg-west", 0, 3)))
	if got := pick(r.ServiceByName("west")); got != "10.0.0.3:80" {
		t.Errorf("the verdict was older than the endpoint: %s", got)
	}
}

func TestProbeChanges(t *testing.T) {
	r := storeRoot(t)
	if got := len(r.ProbeChanges()); got != 6 {
		t.Errorf("%d changes at first", got)
	}
	if got := len(r.Probes()); got != 6 {
		t.Errorf("%d probes", got)
	}
	count := func(r *Root) (added, removed int) {
		for _, c := range r.ProbeChanges() {
			if c.Added {
				added++
			} else {
				removed++
			}
		}
		return added, removed
	}
	r = apply(t, r, upsert(shard("neg-west", 0, 2, 3)))
	if a, d := count(r); a != 2 || d != 2 { // for both services
		t.Errorf("one endpoint replaced: %d added, %d removed", a, d)
	}
	other := proto.Clone(service("west", "neg-west")).(*lbv1.Resource)
	other.GetBackendService().HealthCheck = "all"
	r = apply(t, r, upsert(other))
	if a, d := count(r); a != 2 || d != 2 {
		t.Errorf("another check: %d added, %d removed", a, d)
	}
	r = apply(t, r, without(&lbv1.Transaction{}, "backend_service west", "route_rule map/*/store.example.com/1"))
	if a, d := count(r); a != 0 || d != 2 {
		t.Errorf("deleted: %d added, %d removed", a, d)
	}
}

func TestUnchangedResourcesChangeNothing(t *testing.T) {
	r := storeRoot(t)
	next := apply(t, r, upsert(store()...))
	if next.ServiceByName("west") != r.ServiceByName("west") || next.TargetProxy("proxy") != r.TargetProxy("proxy") {
		t.Error("equal resources made new versions")
	}
}

func TestServiceNumbersAreReused(t *testing.T) {
	r := storeRoot(t)
	for range 500 {
		r = apply(t, r, upsert(abort("x", 500), rule("x", "1", "/", "x")))
		if got := route(r, "x", "/"); got != "x" {
			t.Fatal(got)
		}
		r = apply(t, r, without(&lbv1.Transaction{}, "backend_service x", "route_rule map/*/x/1"))
	}
	if len(r.services.chunks) != 1 {
		t.Errorf("%d chunks", len(r.services.chunks))
	}
}
