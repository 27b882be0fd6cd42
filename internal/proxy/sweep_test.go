package proxy

import (
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
	"github.com/spillway-lb/spillway/internal/proxy/metrics"
)

// TestMetricsOfWhatWasDeletedVanish: of services, routes and frontends; what is left keeps its counts.
func TestMetricsOfWhatWasDeletedVanish(t *testing.T) {
	p := New(Config{})
	defer func() { _ = p.Close() }()
	model := func(names ...string) *lbv1.Model {
		m := &lbv1.Model{Resources: []*lbv1.Resource{
			{Name: "default", Body: &lbv1.Resource_BackendService{BackendService: &lbv1.BackendService{AbortStatus: 404}}},
			{Name: "map", Body: &lbv1.Resource_UrlMap{UrlMap: &lbv1.UrlMap{DefaultService: "default", ListenerHosts: []string{"*"}}}},
		}}
		for _, name := range names {
			m.Resources = append(
				m.Resources,
				&lbv1.Resource{Name: name, Body: &lbv1.Resource_BackendService{BackendService: &lbv1.BackendService{AbortStatus: 500}}},
				&lbv1.Resource{Name: "map/*/*/" + name, Body: &lbv1.Resource_RouteRule{RouteRule: &lbv1.RouteRule{
					UrlMap: "map", ListenerHost: "*", Host: "*", Precedence: name, Route: "ns/" + name, Rule: "0",
					Match: &lbv1.RouteMatch{Path: &lbv1.RouteMatch_Prefix{Prefix: "/" + name}},
					Action: &lbv1.RouteRule_Forward{Forward: &lbv1.Forward{
						Backends: []*lbv1.WeightedBackend{{BackendService: name, Weight: 1}},
					}},
				}}})
		}
		return m
	}
	count := func(name string) {
		s := p.Metrics().Shard()
		s.Request(s.Route(name, "ns/"+name), &metrics.Sample{Status: 200})
		p.Metrics().Frontend(name)
	}
	if err := p.Replace(model("a", "b")); err != nil {
		t.Fatal(err)
	}
	count("a")
	count("b")
	p.sweepMetrics()
	if got := gather(t, p); !strings.Contains(got, "ns/a") || !strings.Contains(got, "ns/b") {
		t.Fatalf("lost what is in use:\n%s", got)
	}
	if err := p.Replace(model("b")); err != nil {
		t.Fatal(err)
	}
	p.sweepMetrics()
	got := gather(t, p)
	for _, label := range []string{`"a"`, `"ns/a"`} {
		if strings.Contains(got, label) {
			t.Errorf("%s is still there:\n%s", label, got)
		}
	}
	if !strings.Contains(got, `"ns/b"`) {
		t.Errorf("lost what is in use:\n%s", got)
	}
}

// gather is the text of every series that has labels.
func gather(t *testing.T, p *Proxy) string {
	t.Helper()
	reg := prometheus.NewRegistry()
	reg.MustRegister(p.Metrics())
	families, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	for _, f := range families {
		b.WriteString(f.String())
	}
	return b.String()
}
