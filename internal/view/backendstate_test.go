package view

import (
	"maps"
	"testing"

	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
	"github.com/spillway-lb/spillway/internal/owner"
	"github.com/spillway-lb/spillway/internal/store"
)

func TestStatesOfIngressBackends(t *testing.T) {
	m, s := NewModel(), store.New()
	fr := rule("fr", 80, "tp")
	fr.GetForwardingRule().Vips = []*lbv1.Vip{{Region: "a", Address: "127.0.0.1"}}
	by := owner.Of(store.Ref{Cluster: "c", Kind: "Ingress.networking.k8s.io", Namespace: "n", Name: "in"})
	used := routeRule("*", "*", "1", "s", nil)
	used.GetRouteRule().Owner = by
	upsert(m, append(service("s", "127.0.0.2"), fr, used, routeRule("*", "*", "2", "a-route's", nil),
		&lbv1.Resource{Name: "um", Body: &lbv1.Resource_UrlMap{UrlMap: &lbv1.UrlMap{DefaultService: "none", Owner: by}}},
		&lbv1.Resource{Name: "tp", Body: &lbv1.Resource_TargetProxy{TargetProxy: &lbv1.TargetProxy{UrlMap: "um"}}})...)
	expect := func(what, want string) {
		t.Helper()
		got := m.ingressBackendStates(s.Snapshot(), []string{"a", "b"})
		if !maps.Equal(got, map[string]string{"s": want, "none": "Unknown"}) {
			t.Errorf("%s: %v, want %s", what, got, want)
		}
	}
	expect("without verdicts", "Unknown")
	verdict(s, "b", "s", "127.0.0.2", lbv1.HealthState_HEALTHY)
	expect("healthy where nobody sends it anything", "Unknown")
	verdict(s, "a", "s", "127.0.0.2", lbv1.HealthState_UNHEALTHY)
	expect("unhealthy", "UNHEALTHY")
	verdict(s, "a", "s", "127.0.0.2", lbv1.HealthState_HEALTHY)
	expect("healthy", "HEALTHY")
	upsert(m, &lbv1.Resource{Name: "z/s/0", Body: &lbv1.Resource_EndpointShard{EndpointShard: &lbv1.EndpointShard{
		Group: "z/s", Endpoints: []*lbv1.Endpoint{{Address: "127.0.0.2", Port: 9, Draining: true}},
	}}})
	expect("the last one leaves", "DRAINING")
}
