package compute_test

import (
	"reflect"
	"testing"

	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
	"github.com/spillway-lb/spillway/internal/compute"
)

func model() compute.Model {
	rule := func(precedence, prefix, service string) *lbv1.Resource {
		return &lbv1.Resource{Name: "um/*/h/" + precedence, Body: &lbv1.Resource_RouteRule{RouteRule: &lbv1.RouteRule{
			UrlMap: "um", ListenerHost: "*", Host: "h", Precedence: precedence,
			Match:  &lbv1.RouteMatch{Path: &lbv1.RouteMatch_Prefix{Prefix: prefix}},
			Action: &lbv1.RouteRule_Forward{Forward: &lbv1.Forward{Backends: []*lbv1.WeightedBackend{{BackendService: service, Weight: 1}}}},
		}}}
	}
	return compute.Model{Project: "p", Home: "us-west1", Model: &lbv1.Model{Resources: []*lbv1.Resource{
		{Name: "fr", Body: &lbv1.Resource_ForwardingRule{ForwardingRule: &lbv1.ForwardingRule{
			Scheme: lbv1.LoadBalancingScheme_EXTERNAL_MANAGED, Port: 80, TargetProxy: "um",
			Vips: []*lbv1.Vip{{Region: "us-east1", Address: "127.64.0.1", Name: "reserved"}, {Region: "us-west1", Address: "127.64.0.2"}},
		}}},
		{Name: "fr-443", Body: &lbv1.Resource_ForwardingRule{ForwardingRule: &lbv1.ForwardingRule{
			Scheme: lbv1.LoadBalancingScheme_EXTERNAL_MANAGED, Port: 443, TargetProxy: "um",
			Vips: []*lbv1.Vip{{Region: "us-west1", Address: "127.64.0.2"}},
		}}},
		{Name: "um", Body: &lbv1.Resource_TargetProxy{TargetProxy: &lbv1.TargetProxy{UrlMap: "um"}}},
		{Name: "um", Body: &lbv1.Resource_UrlMap{UrlMap: &lbv1.UrlMap{DefaultService: "serve404"}}},
		rule("2", "/", "root"), rule("1", "/west", "west"),
		{Name: "bs", Body: &lbv1.Resource_BackendService{BackendService: &lbv1.BackendService{
			HealthCheck: "bs", Backends: []*lbv1.Backend{{Group: "us-west1-a/neg"}, {Group: "us-west1-b/neg"}},
		}}},
		{Name: "bs", Body: &lbv1.Resource_HealthCheck{HealthCheck: &lbv1.HealthCheck{Type: lbv1.HealthCheck_HTTP, RequestPath: "/"}}},
		{Name: "us-west1-a/neg", Body: &lbv1.Resource_NetworkEndpointGroup{NetworkEndpointGroup: &lbv1.NetworkEndpointGroup{Zone: "us-west1-a"}}},
		{Name: "us-west1-a/neg/0", Body: &lbv1.Resource_EndpointShard{EndpointShard: &lbv1.EndpointShard{
			Group: "us-west1-a/neg", Endpoints: []*lbv1.Endpoint{{Address: "127.1.0.1"}, {Address: "127.1.0.2"}},
		}}},
	}}}
}

func TestLists(t *testing.T) {
	for name, want := range map[string][][]string{
		"forwarding-rules": {{"fr", "", "127.64.0.2", "TCP", "um"}, {"fr-443", "", "127.64.0.2", "TCP", "um"}},
		"address": {
			{"fr", "127.64.0.2", "EXTERNAL", "", "", "us-west1", "", "IN_USE"},
			{"reserved", "127.64.0.1", "EXTERNAL", "", "", "us-east1", "", "IN_USE"},
		},
		"target-http-proxies":     {{"um", "um"}},
		"target-https-proxies":    nil,
		"url-map":                 {{"um", "backendServices/serve404"}},
		"backend-services":        {{"bs", "us-west1-a/networkEndpointGroups/neg,us-west1-b/networkEndpointGroups/neg", "HTTP"}},
		"health-checks":           {{"bs", "", "HTTP"}},
		"network-endpoint-groups": {{"neg", "us-west1-a", "GCE_VM_IP_PORT", "2"}},
	} {
		c, ok := compute.Lookup(name)
		if !ok {
			t.Errorf("no collection %s", name)
			continue
		}
		var got [][]string
		for _, r := range c.Resources(model()) {
			got = append(got, r.Cells)
			if len(r.Cells) != len(c.Headers) {
				t.Errorf("%s: %d cells under %d headers", name, len(r.Cells), len(c.Headers))
			}
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%s: got %v, want %v", name, got, want)
		}
	}
}

func TestEndpoints(t *testing.T) {
	everyGroup := func(compute.Resource) bool { return true }
	endpoints, ok := compute.Endpoints(model(), "neg", everyGroup)
	if !ok || len(endpoints) != 2 || endpoints[1].Cells[1] != "127.1.0.2" {
		t.Errorf("endpoints %v, %v", endpoints, ok)
	}
	if len(endpoints[0].Cells) != len(compute.EndpointHeaders()) {
		t.Errorf("%d cells under %d headers", len(endpoints[0].Cells), len(compute.EndpointHeaders()))
	}
	if _, ok := compute.Endpoints(model(), "other", everyGroup); ok {
		t.Error("endpoints of a group that is not there")
	}
	if _, ok := compute.Endpoints(model(), "neg", func(compute.Resource) bool { return false }); ok {
		t.Error("endpoints of a group that is not wanted")
	}
}

func TestURLMapRules(t *testing.T) {
	c, _ := compute.Lookup("url-maps")
	fields := c.Resources(model())[0].Fields
	matchers := fields["pathMatchers"].([]any)
	if len(matchers) != 1 || len(fields["hostRules"].([]any)) != 1 {
		t.Fatalf("%d path matchers for one host", len(matchers))
	}
	var got []any
	for i, r := range matchers[0].(map[string]any)["routeRules"].([]any) {
		rule := r.(map[string]any)
		if rule["priority"] != i+1 {
			t.Errorf("rule %d has priority %v", i, rule["priority"])
		}
		got = append(got, rule["matchRules"].([]any)[0])
	}
	want := []any{
		map[string]any{"prefixMatch": "/west/"}, map[string]any{"fullPathMatch": "/west"}, map[string]any{"prefixMatch": "/"},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("rules %v, want %v", got, want)
	}
}
