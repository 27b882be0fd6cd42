package computeapi_test

import (
	"net/http"
	"testing"

	"google.golang.org/api/googleapi"

	"github.com/spillway-lb/spillway/internal/computeapi"
)

// TestGoClientListsEverything calls each list and aggregatedList of Google's Go client that is answered.
func TestGoClientListsEverything(t *testing.T) {
	url, _ := start(t, model(3), computeapi.ReadOnly)
	c := official(t, url)
	for name, list := range map[string]func(...googleapi.CallOption) (int, error){
		"addresses": func(o ...googleapi.CallOption) (int, error) {
			l, err := c.Addresses.List("p", "us-west1").Do(o...)
			return len(l.Items), err
		},
		"backend services": func(o ...googleapi.CallOption) (int, error) {
			l, err := c.BackendServices.List("p").Do(o...)
			return len(l.Items), err
		},
		"forwarding rules": func(o ...googleapi.CallOption) (int, error) {
			l, err := c.ForwardingRules.List("p", "us-east1").Do(o...)
			return len(l.Items), err
		},
		"global rules": func(o ...googleapi.CallOption) (int, error) {
			l, err := c.GlobalForwardingRules.List("p").Do(o...)
			return len(l.Items), err
		},
		"health checks": func(o ...googleapi.CallOption) (int, error) {
			l, err := c.HealthChecks.List("p").Do(o...)
			return len(l.Items), err
		},
		"groups": func(o ...googleapi.CallOption) (int, error) {
			l, err := c.NetworkEndpointGroups.List("p", "us-west1-a").Do(o...)
			return len(l.Items), err
		},
		"regions": func(o ...googleapi.CallOption) (int, error) {
			l, err := c.Regions.List("p").Do(o...)
			return len(l.Items), err
		},
		"regional services": func(o ...googleapi.CallOption) (int, error) {
			l, err := c.RegionBackendServices.List("p", "us-east1").Do(o...)
			return len(l.Items), err
		},
		"regional proxies": func(o ...googleapi.CallOption) (int, error) {
			l, err := c.RegionTargetHttpProxies.List("p", "us-east1").Do(o...)
			return len(l.Items), err
		},
		"regional URL maps": func(o ...googleapi.CallOption) (int, error) {
			l, err := c.RegionUrlMaps.List("p", "us-east1").Do(o...)
			return len(l.Items), err
		},
		"certificates": func(o ...googleapi.CallOption) (int, error) {
			l, err := c.SslCertificates.List("p").Do(o...)
			return len(l.Items), err
		},
		"SSL policies": func(o ...googleapi.CallOption) (int, error) {
			l, err := c.SslPolicies.List("p").Do(o...)
			return len(l.Items), err
		},
		"HTTPS proxies": func(o ...googleapi.CallOption) (int, error) {
			l, err := c.TargetHttpsProxies.List("p").Do(o...)
			return len(l.Items), err
		},
		"URL maps": func(o ...googleapi.CallOption) (int, error) {
			l, err := c.UrlMaps.List("p").Do(o...)
			return len(l.Items), err
		},
		"zones": func(o ...googleapi.CallOption) (int, error) {
			l, err := c.Zones.List("p").Do(o...)
			return len(l.Items), err
		},

		"all addresses": func(o ...googleapi.CallOption) (int, error) {
			l, err := c.Addresses.AggregatedList("p").Do(o...)
			return len(l.Items["regions/us-west1"].Addresses), err
		},
		"all services": func(o ...googleapi.CallOption) (int, error) {
			l, err := c.BackendServices.AggregatedList("p").Do(o...)
			return len(l.Items["global"].BackendServices), err
		},
		"all rules": func(o ...googleapi.CallOption) (int, error) {
			l, err := c.ForwardingRules.AggregatedList("p").Do(o...)
			return len(l.Items["regions/us-east1"].ForwardingRules), err
		},
		"all checks": func(o ...googleapi.CallOption) (int, error) {
			l, err := c.HealthChecks.AggregatedList("p").Do(o...)
			return len(l.Items["global"].HealthChecks), err
		},
		"all groups": func(o ...googleapi.CallOption) (int, error) {
			l, err := c.NetworkEndpointGroups.AggregatedList("p").Do(o...)
			return len(l.Items["zones/us-west1-a"].NetworkEndpointGroups), err
		},
		"all certificates": func(o ...googleapi.CallOption) (int, error) {
			l, err := c.SslCertificates.AggregatedList("p").Do(o...)
			return len(l.Items["global"].SslCertificates), err
		},
		"all SSL policies": func(o ...googleapi.CallOption) (int, error) {
			l, err := c.SslPolicies.AggregatedList("p").Do(o...)
			return len(l.Items["global"].SslPolicies), err
		},
		"all HTTP proxies": func(o ...googleapi.CallOption) (int, error) {
			l, err := c.TargetHttpProxies.AggregatedList("p").Do(o...)
			return len(l.Items["regions/us-east1"].TargetHttpProxies), err
		},
		"all HTTPS proxies": func(o ...googleapi.CallOption) (int, error) {
			l, err := c.TargetHttpsProxies.AggregatedList("p").Do(o...)
			return len(l.Items["global"].TargetHttpsProxies), err
		},
		"all URL maps": func(o ...googleapi.CallOption) (int, error) {
			l, err := c.UrlMaps.AggregatedList("p").Do(o...)
			return len(l.Items["global"].UrlMaps), err
		},
	} {
		for _, o := range [][]googleapi.CallOption{
			nil,
			{googleapi.QueryParameter("prettyPrint", "true"), googleapi.QueryParameter("returnPartialSuccess", "true"), googleapi.Trace("x")},
			{googleapi.QueryParameter("orderBy", "name"), googleapi.QuotaUser("me"), googleapi.QueryParameter("key", "k")},
		} {
			if n, err := list(o...); err != nil || n == 0 {
				t.Errorf("%s: %d, %v", name, n, err)
			}
		}
	}
}

// TestGoClientOrdersOperations: by name they are in order of time.
func TestGoClientOrdersOperations(t *testing.T) {
	url, gone := start(t, model(0), computeapi.Writes)
	c := official(t, url)
	var names []string
	for range 3 {
		op, err := c.NetworkEndpointGroups.Delete("p", "us-west1-b", "idle").Do()
		if err != nil {
			t.Fatal(err)
		}
		names = append(names, op.Name)
		gone.from.change(func(m *modelType) { m.Resources = append(m.Resources, idleGroup()) })
	}
	if names[0] == names[1] || names[1] == names[2] {
		t.Fatalf("operations share a name: %v", names)
	}
	list := c.ZoneOperations.List("p", "us-west1-b").MaxResults(2)
	newest, err := list.OrderBy("creationTimestamp desc").Do()
	if err != nil || len(newest.Items) != 2 || newest.Items[0].Name != names[2] || newest.Items[1].Name != names[1] {
		t.Fatalf("%+v, %v", newest, err)
	}
	rest, err := list.PageToken(newest.NextPageToken).Do()
	if err != nil || len(rest.Items) != 1 || rest.Items[0].Name != names[0] {
		t.Errorf("%+v, %v", rest, err)
	}
	_, err = c.ZoneOperations.List("p", "us-west1-b").OrderBy("size").Do()
	refused(t, err, http.StatusBadRequest, "invalid", "orderBy")
}
