package compute_test

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"

	api "google.golang.org/api/compute/v1"

	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
	"github.com/spillway-lb/spillway/internal/compute"
	"github.com/spillway-lb/spillway/internal/gcloud"
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

// fields are what a resource shows.
func fields(t *testing.T, r compute.Resource) map[string]any {
	t.Helper()
	b, err := r.MarshalJSON()
	out := map[string]any{}
	if err == nil {
		err = json.Unmarshal(b, &out)
	}
	if err != nil {
		t.Fatalf("%s: %v\n%s", r.Path, err, b)
	}
	return out
}

func TestLists(t *testing.T) {
	for name, want := range map[string]string{
		"forwarding-rules": "NAME    REGION  IP_ADDRESS  IP_PROTOCOL  TARGET\nfr              127.64.0.2  TCP          um\nfr-443          127.64.0.2  TCP          um\n",
		"address": "NAME      ADDRESS/RANGE  TYPE      PURPOSE  NETWORK  REGION    SUBNET  STATUS\n" +
			"fr        127.64.0.2     EXTERNAL                    us-west1          IN_USE\n" +
			"reserved  127.64.0.1     EXTERNAL                    us-east1          IN_USE\n",
		"target-http-proxies":  "NAME  URL_MAP\num    um\n",
		"target-https-proxies": "",
		"url-map":              "NAME  DEFAULT_SERVICE\num    backendServices/serve404\n",
		"backend-services": "NAME  BACKENDS                                                                   PROTOCOL\n" +
			"bs    us-west1-a/networkEndpointGroups/neg,us-west1-b/networkEndpointGroups/neg  HTTP\n",
		"health-checks":           "NAME  REGION  PROTOCOL\nbs            HTTP\n",
		"network-endpoint-groups": "NAME  LOCATION    ENDPOINT_TYPE   SIZE\nneg   us-west1-a  GCE_VM_IP_PORT  2\n",
	} {
		c, ok := compute.Lookup(name)
		if !ok {
			t.Errorf("no collection %s", name)
			continue
		}
		query, err := gcloud.Parse(gcloud.Flags{Table: c.Format})
		if err != nil {
			t.Fatal(err)
		}
		var resources []map[string]any
		for _, r := range compute.NewView(model()).Resources(c) {
			resources = append(resources, fields(t, r))
		}
		var got strings.Builder
		if err := query.PrintList(&got, resources); err != nil || got.String() != want {
			t.Errorf("%s: %v\n%s\nwant\n%s", name, err, got.String(), want)
		}
	}
}

// TestFormats wants every collection's table to be one.
func TestFormats(t *testing.T) {
	for _, c := range compute.Collections() {
		if _, err := gcloud.Parse(gcloud.Flags{Table: c.Format}); err != nil || c.Format == "" {
			t.Errorf("%s: %q: %v", c.Command, c.Format, err)
		}
	}
	if _, err := gcloud.Parse(gcloud.Flags{Table: compute.EndpointFormat}); err != nil {
		t.Error(err)
	}
}

func TestEndpoints(t *testing.T) {
	v := compute.NewView(model())
	endpoints := v.Endpoints("us-west1-a", "neg")
	if len(endpoints) != 2 || v.NetworkEndpoint(endpoints[1]).IpAddress != "127.1.0.2" {
		t.Errorf("endpoints %v", endpoints)
	}
	if len(v.Endpoints("us-west1-a", "other")) != 0 {
		t.Error("endpoints of a group that is not there")
	}
	if users := v.Users("us-west1-b", "neg"); !reflect.DeepEqual(users, []string{"projects/p/global/backendServices/bs"}) {
		t.Errorf("users %v", users)
	}
}

func TestURLMapRules(t *testing.T) {
	c, _ := compute.Lookup("url-maps")
	urlMap := compute.NewView(model()).Resources(c)[0].Body().(*api.UrlMap)
	if len(urlMap.PathMatchers) != 1 || len(urlMap.HostRules) != 1 {
		t.Fatalf("%d path matchers for one host", len(urlMap.PathMatchers))
	}
	var got []*api.HttpRouteRuleMatch
	for i, rule := range urlMap.PathMatchers[0].RouteRules {
		if rule.Priority != int64(i+1) {
			t.Errorf("rule %d has priority %v", i, rule.Priority)
		}
		got = append(got, rule.MatchRules...)
	}
	want := []*api.HttpRouteRuleMatch{{PrefixMatch: "/west/"}, {FullPathMatch: "/west"}, {PrefixMatch: "/"}}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("rules %v, want %v", got, want)
	}
}

// TestIdentity wants an id that stays, is no other resource's, and fits a signed number; and a fingerprint that follows the rules.
func TestIdentity(t *testing.T) {
	seen := map[uint64]string{}
	for _, c := range compute.Collections() {
		for _, r := range compute.NewView(model()).Resources(c) {
			if other, taken := seen[r.ID()]; taken || r.ID() == 0 || int64(r.ID()) < 0 {
				t.Errorf("%s has the id %d, as %s", r.Path, r.ID(), other)
			}
			seen[r.ID()] = r.Path
		}
	}
	maps, _ := compute.Lookup("url-maps")
	print := func(m compute.Model) string {
		return compute.NewView(m).Resources(maps)[0].Body().(*api.UrlMap).Fingerprint
	}
	changed := model()
	for _, r := range changed.GetResources() {
		if rule := r.GetRouteRule(); rule != nil {
			rule.Host = "other"
		}
	}
	if first := print(model()); first == "" || first != print(model()) || first == print(changed) {
		t.Errorf("fingerprints %q, %q, %q", first, print(model()), print(changed))
	}
}
