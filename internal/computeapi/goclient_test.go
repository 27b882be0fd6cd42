package computeapi_test

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"

	api "google.golang.org/api/compute/v1"
	"google.golang.org/api/googleapi"
	networkservices "google.golang.org/api/networkservices/v1"
	"google.golang.org/api/option"

	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
	"github.com/spillway-lb/spillway/internal/computeapi"
)

// official is Google's own Go client.
func official(t testing.TB, url string) *api.Service {
	t.Helper()
	client, err := api.NewService(t.Context(), option.WithEndpoint(url+"/compute/v1/"), option.WithoutAuthentication())
	if err != nil {
		t.Fatal(err)
	}
	return client
}

// refused checks an error's code and reason.
func refused(t *testing.T, err error, code int, reason, text string) {
	t.Helper()
	var e *googleapi.Error
	if !errors.As(err, &e) || e.Code != code || len(e.Errors) != 1 || e.Errors[0].Reason != reason || !strings.Contains(e.Message, text) {
		t.Errorf("error %v, want %d %s %q", err, code, reason, text)
	}
}

func TestGoClientListsByPages(t *testing.T) {
	url, _ := start(t, model(3), computeapi.ReadOnly)
	client := official(t, url)
	var got []string
	pages := 0
	err := client.BackendServices.List("p").MaxResults(2).Pages(t.Context(), func(l *api.BackendServiceList) error {
		pages++
		for _, b := range l.Items {
			got = append(got, b.Name)
		}
		return nil
	})
	if err != nil || pages != 3 || strings.Join(got, " ") != "bs-0 bs-1 bs-2 bs-3 bs-4" {
		t.Errorf("%d pages, %v, %v", pages, got, err)
	}
	regional, err := client.RegionBackendServices.List("p", "us-east1").Do()
	if err != nil || len(regional.Items) != 1 || regional.Items[0].Region == "" {
		t.Errorf("regional: %v, %v", regional, err)
	}
	if none, err := client.RegionBackendServices.List("p", "us-west1").Do(); err != nil || len(none.Items) != 0 {
		t.Errorf("none: %v, %v", none, err)
	}
	for _, filter := range []string{"name = bs-3", "name eq bs-3", `(name eq ".*3") (protocol eq HTTP)`} {
		l, err := client.BackendServices.List("p").Filter(filter).Do()
		if err != nil || len(l.Items) != 1 || l.Items[0].Name != "bs-3" {
			t.Errorf("%s: %v, %v", filter, l, err)
		}
	}
	newest, err := client.BackendServices.List("p").OrderBy("creationTimestamp desc").MaxResults(2).Do()
	if err != nil || len(newest.Items) != 2 || newest.NextPageToken == "" {
		t.Errorf("newest first: %v, %v", newest, err)
	}
}

// TestPagesHoldUnderChange: a page begins behind the last name of the one before, whether that is still there or not.
func TestPagesHoldUnderChange(t *testing.T) {
	m := model(0)
	url, _ := start(t, m, computeapi.ReadOnly)
	client := official(t, url)
	first, err := client.BackendServices.List("p").MaxResults(2).Do()
	if err != nil {
		t.Fatal(err)
	}
	m.Resources = slices.DeleteFunc(m.Resources, func(r *resourceType) bool { return r.GetName() == "bs-1" })
	m.Seq++
	second, err := client.BackendServices.List("p").MaxResults(2).PageToken(first.NextPageToken).Do()
	if err != nil || len(second.Items) != 2 || second.Items[0].Name != "bs-2" {
		t.Errorf("%v, %v", second, err)
	}
}

func TestGoClientAggregates(t *testing.T) {
	url, _ := start(t, model(3), computeapi.ReadOnly)
	client := official(t, url)
	services, err := client.BackendServices.AggregatedList("p").Do()
	if err != nil {
		t.Fatal(err)
	}
	if len(services.Items["global"].BackendServices) != 5 || len(services.Items["regions/us-east1"].BackendServices) != 1 {
		t.Errorf("items %v", services.Items)
	}
	if w := services.Items["regions/us-west1"].Warning; w == nil || w.Code != "NO_RESULTS_ON_PAGE" {
		t.Errorf("an empty region: %v", w)
	}
	groups, err := client.NetworkEndpointGroups.AggregatedList("p").Do()
	if err != nil || len(groups.Items["zones/us-west1-a"].NetworkEndpointGroups) != 1 || len(groups.Items["zones/us-west1-b"].NetworkEndpointGroups) != 3 {
		t.Errorf("groups %v, %v", groups, err)
	}
	maps, err := client.UrlMaps.AggregatedList("p").Do()
	if err != nil || len(maps.Items["global"].UrlMaps) != 1 || len(maps.Items["regions/us-east1"].UrlMaps) != 1 {
		t.Errorf("URL maps %v, %v", maps, err)
	}
}

func TestGoClientGets(t *testing.T) {
	url, _ := start(t, model(3), computeapi.ReadOnly)
	c := official(t, url)
	for what, get := range map[string]func() (link string, id uint64, err error){
		"backend service": func() (string, uint64, error) {
			r, err := c.BackendServices.Get("p", "bs-0").Do()
			return r.SelfLink, r.Id, err
		},
		"regional backend service": func() (string, uint64, error) {
			r, err := c.RegionBackendServices.Get("p", "us-east1", "bs-internal").Do()
			return r.SelfLink, r.Id, err
		},
		"group": func() (string, uint64, error) {
			r, err := c.NetworkEndpointGroups.Get("p", "us-west1-a", "neg").Do()
			return r.SelfLink, r.Id, err
		},
		"URL map": func() (string, uint64, error) {
			r, err := c.UrlMaps.Get("p", "map").Do()
			return r.SelfLink, r.Id, err
		},
		"regional URL map": func() (string, uint64, error) {
			r, err := c.RegionUrlMaps.Get("p", "us-east1", "internal").Do()
			return r.SelfLink, r.Id, err
		},
		"forwarding rule": func() (string, uint64, error) {
			r, err := c.GlobalForwardingRules.Get("p", "fr").Do()
			return r.SelfLink, r.Id, err
		},
		"regional forwarding rule": func() (string, uint64, error) {
			r, err := c.ForwardingRules.Get("p", "us-east1", "fr-internal").Do()
			return r.SelfLink, r.Id, err
		},
		"health check": func() (string, uint64, error) {
			r, err := c.HealthChecks.Get("p", "check").Do()
			return r.SelfLink, r.Id, err
		},
		"HTTPS proxy": func() (string, uint64, error) {
			r, err := c.TargetHttpsProxies.Get("p", "proxy").Do()
			return r.SelfLink, r.Id, err
		},
		"regional HTTP proxy": func() (string, uint64, error) {
			r, err := c.RegionTargetHttpProxies.Get("p", "us-east1", "internal").Do()
			return r.SelfLink, r.Id, err
		},
		"address": func() (string, uint64, error) {
			r, err := c.Addresses.Get("p", "us-west1", "ip").Do()
			return r.SelfLink, r.Id, err
		},
		"certificate": func() (string, uint64, error) {
			r, err := c.SslCertificates.Get("p", "cert").Do()
			return r.SelfLink, r.Id, err
		},
		"SSL policy": func() (string, uint64, error) {
			r, err := c.SslPolicies.Get("p", "proxy").Do()
			return r.SelfLink, r.Id, err
		},
		"region": func() (string, uint64, error) {
			r, err := c.Regions.Get("p", "us-west1").Do()
			return r.SelfLink, r.Id, err
		},
		"zone": func() (string, uint64, error) {
			r, err := c.Zones.Get("p", "us-west1-b").Do()
			return r.SelfLink, r.Id, err
		},
		"project": func() (string, uint64, error) {
			r, err := c.Projects.Get("p").Do()
			return r.SelfLink, r.Id, err
		},
	} {
		link, id, err := get()
		if err != nil || id == 0 || !strings.HasPrefix(link, "https://www.googleapis.com/compute/v1/projects/p") {
			t.Errorf("%s: %q, %d, %v", what, link, id, err)
		}
	}
}

// TestGoClientShowsWhatIsZero: no timeout is a timeout of 0, not one that is not said.
func TestGoClientShowsWhatIsZero(t *testing.T) {
	url, _ := start(t, model(1), computeapi.ReadOnly)
	c := official(t, url)
	service, err := c.RegionBackendServices.Get("p", "us-east1", "bs-internal").Do()
	if err != nil || service.TimeoutSec != 0 || !strings.HasSuffix(service.ServiceLbPolicy, "/locations/us-east1/serviceLbPolicies/bs-internal") {
		t.Errorf("%+v, %v", service, err)
	}
	if plain, err := c.BackendServices.Get("p", "bs-0").Do(); err != nil || plain.TimeoutSec != 30 || plain.CreationTimestamp != "2027-01-15T08:00:00.000+00:00" {
		t.Errorf("%+v, %v", plain, err)
	}
	certificate, err := c.SslCertificates.Get("p", "cert").Do()
	if err != nil || certificate.PrivateKey != "" || certificate.SelfManaged.PrivateKey != "" {
		t.Errorf("%+v, %v", certificate, err)
	}
	rule, err := c.GlobalForwardingRules.Get("p", "fr").Do()
	if err != nil || len(rule.AttachedExtensions) != 1 || rule.IPAddress != "127.64.0.1" {
		t.Errorf("%+v, %v", rule, err)
	}
}

func TestGoClientGetsHealth(t *testing.T) {
	url, _ := start(t, model(3), computeapi.ReadOnly)
	c := official(t, url)
	group := "https://www.googleapis.com/compute/v1/projects/p/zones/us-west1-a/networkEndpointGroups/neg"
	health, err := c.BackendServices.GetHealth("p", "bs-0", &api.ResourceGroupReference{Group: group}).Do()
	if err != nil || len(health.HealthStatus) != 3 || health.Kind != "compute#backendServiceGroupHealth" {
		t.Fatalf("%v, %v", health, err)
	}
	if s := health.HealthStatus[0]; s.HealthState != "DRAINING" || s.Port != 8080 || !strings.HasSuffix(s.Instance, "/zones/us-west1-a/instances/node") {
		t.Errorf("%+v", s)
	}
	for _, other := range []string{strings.Replace(group, "/neg", "/idle", 1), "", "neg"} {
		_, err = c.BackendServices.GetHealth("p", "bs-0", &api.ResourceGroupReference{Group: other}).Do()
		refused(t, err, http.StatusBadRequest, "invalid", "resource.group")
	}
}

// TestTenThousandEndpoints: a group of that size lists in pages, with the verdicts if they are asked for.
func TestTenThousandEndpoints(t *testing.T) {
	const all = 10_000
	url, _ := start(t, model(all), computeapi.ReadOnly)
	c := official(t, url)
	seen, pages := map[string]bool{}, 0
	show := &api.NetworkEndpointGroupsListEndpointsRequest{HealthStatus: "SHOW"}
	err := c.NetworkEndpointGroups.ListNetworkEndpoints("p", "us-west1-a", "neg", show).Pages(t.Context(),
		func(l *api.NetworkEndpointGroupsListNetworkEndpoints) error {
			pages++
			for _, e := range l.Items {
				seen[e.NetworkEndpoint.IpAddress] = true
				if len(e.Healths) != 5 || e.Healths[0].HealthCheck == nil {
					t.Fatalf("%d verdicts of five backend services: %+v", len(e.Healths), e)
				}
			}
			return nil
		})
	if err != nil || len(seen) != all || pages != all/500 {
		t.Errorf("%d endpoints in %d pages, %v", len(seen), pages, err)
	}
	skip := &api.NetworkEndpointGroupsListEndpointsRequest{HealthStatus: "SKIP"}
	l, err := c.NetworkEndpointGroups.ListNetworkEndpoints("p", "us-west1-a", "neg", skip).MaxResults(1).Do()
	if err != nil || len(l.Items) != 1 || l.Items[0].Healths != nil {
		t.Errorf("%v, %v", l, err)
	}
	_, err = c.NetworkEndpointGroups.ListNetworkEndpoints("p", "us-west1-a", "neg",
		&api.NetworkEndpointGroupsListEndpointsRequest{HealthStatus: "PERHAPS"}).Do()
	refused(t, err, http.StatusBadRequest, "invalid", "SHOW or SKIP")
}

func TestGoClientDeletes(t *testing.T) {
	url, gone := start(t, model(1), computeapi.Writes)
	c := official(t, url)
	op, err := c.NetworkEndpointGroups.Delete("p", "us-west1-b", "idle").Do()
	if err != nil || op.Status != "DONE" || op.EndTime == "" || op.OperationType != "delete" || len(gone.names) != 1 || gone.names[0] != "us-west1-b/idle" {
		t.Fatalf("%+v, %v, %v", op, gone.names, err)
	}
	_, err = c.NetworkEndpointGroups.Get("p", "us-west1-b", "idle").Do()
	refused(t, err, http.StatusNotFound, "notFound", "networkEndpointGroups/idle")
	if again, err := c.ZoneOperations.Wait("p", "us-west1-b", op.Name).Do(); err != nil || again.Id != op.Id || again.Progress != 100 {
		t.Errorf("%+v, %v", again, err)
	}
	if l, err := c.ZoneOperations.List("p", "us-west1-b").Do(); err != nil || len(l.Items) != 1 {
		t.Errorf("%+v, %v", l, err)
	}
	if l, err := c.GlobalOperations.AggregatedList("p").Do(); err != nil || len(l.Items["zones/us-west1-b"].Operations) != 1 {
		t.Errorf("%+v, %v", l, err)
	}
	_, err = c.ZoneOperations.Get("p", "us-west1-a", op.Name).Do()
	refused(t, err, http.StatusNotFound, "notFound", "projects/p/zones/us-west1-a/operations/")

	_, err = c.NetworkEndpointGroups.Delete("p", "us-west1-a", "neg").Do()
	refused(t, err, http.StatusBadRequest, "resourceInUseByAnotherResource",
		"The network_endpoint_group resource 'projects/p/zones/us-west1-a/networkEndpointGroups/neg' is already being used by 'projects/p/global/backendServices/bs-0'")
	_, err = c.NetworkEndpointGroups.Delete("p", "us-west1-b", "kept").Do()
	refused(t, err, http.StatusBadRequest, "resourceNotReady", "a Service wants it")
	_, err = c.NetworkEndpointGroups.Delete("p", "us-west1-b", "nothing").Do()
	refused(t, err, http.StatusNotFound, "notFound", "networkEndpointGroups/nothing")
	_, err = c.BackendServices.Delete("p", "bs-0").Do()
	refused(t, err, http.StatusForbidden, "forbidden", "read-only")
	if len(gone.names) != 1 {
		t.Errorf("deleted %v", gone.names)
	}
}

// TestDeletionInProgress: as long as a group is published, the operation that deletes it runs, it is shown, and no second one begins.
func TestDeletionInProgress(t *testing.T) {
	url, gone := start(t, model(1), computeapi.Writes)
	c := official(t, url)
	op, err := c.NetworkEndpointGroups.Delete("p", "us-west1-b", "slow").Do()
	if err != nil || op.Status != "RUNNING" || op.Progress != 0 || op.EndTime != "" {
		t.Fatalf("%+v, %v", op, err)
	}
	if _, err := c.NetworkEndpointGroups.Get("p", "us-west1-b", "slow").Do(); err != nil {
		t.Error(err)
	}
	if l, err := c.ZoneOperations.List("p", "us-west1-b").Filter("status = RUNNING").Do(); err != nil || len(l.Items) != 1 {
		t.Errorf("%+v, %v", l, err)
	}
	_, err = c.NetworkEndpointGroups.Delete("p", "us-west1-b", "slow").Do()
	refused(t, err, http.StatusBadRequest, "resourceNotReady", op.Name)

	done := make(chan *api.Operation)
	go func() {
		waited, err := c.ZoneOperations.Wait("p", "us-west1-b", op.Name).Do()
		if err != nil {
			t.Error(err)
		}
		done <- waited
	}()
	gone.from.without("us-west1-b/slow")
	if waited := <-done; waited == nil || waited.Status != "DONE" || waited.Id != op.Id || waited.EndTime == "" {
		t.Errorf("%+v", waited)
	}
	_, err = c.NetworkEndpointGroups.Get("p", "us-west1-b", "slow").Do()
	refused(t, err, http.StatusNotFound, "notFound", "networkEndpointGroups/slow")

	// Made again, it is another one: the old operation stays done.
	gone.from.change(func(m *lbv1.Model) {
		m.Resources = append(m.Resources, resource("us-west1-b/slow", &lbv1.NetworkEndpointGroup{Region: "us-west1", Zone: "us-west1-b"}))
	})
	if again, err := c.ZoneOperations.Get("p", "us-west1-b", op.Name).Do(); err != nil || again.Status != "DONE" {
		t.Errorf("%+v, %v", again, err)
	}
	_, err = c.ZoneOperations.Wait("p", "us-west1-b", "operation-of-nobody").Do()
	refused(t, err, http.StatusNotFound, "notFound", "operations/operation-of-nobody")
}

func TestGoClientIsRefused(t *testing.T) {
	url, gone := start(t, model(1), computeapi.ReadOnly)
	c := official(t, url)
	_, err := c.NetworkEndpointGroups.Delete("p", "us-west1-b", "idle").Do()
	refused(t, err, http.StatusForbidden, "forbidden", "--compute-writes")
	_, err = c.BackendServices.Insert("p", &api.BackendService{Name: "x"}).Do()
	refused(t, err, http.StatusForbidden, "forbidden", "read-only")
	_, err = c.UrlMaps.Patch("p", "map", &api.UrlMap{}).Do()
	refused(t, err, http.StatusForbidden, "forbidden", "read-only")
	_, err = c.UrlMaps.Get("p", "nothing").Do()
	refused(t, err, http.StatusNotFound, "notFound", "The resource 'projects/p/global/urlMaps/nothing' was not found")
	_, err = c.UrlMaps.Get("other", "map").Do()
	refused(t, err, http.StatusNotFound, "notFound", "projects/other")
	_, err = c.BackendBuckets.List("p").Do()
	refused(t, err, http.StatusNotFound, "notFound", "projects/p/global/backendBuckets")
	_, err = c.RegionUrlMaps.List("p", "us-moon1").Do()
	refused(t, err, http.StatusBadRequest, "invalid", "Unknown region")
	_, err = c.BackendServices.List("p").MaxResults(501).Do()
	refused(t, err, http.StatusBadRequest, "invalid", "maxResults")
	_, err = c.BackendServices.List("p").PageToken("nonsense").Do()
	refused(t, err, http.StatusBadRequest, "invalid", "pageToken")
	_, err = c.BackendServices.List("p").Filter("name").Do()
	refused(t, err, http.StatusBadRequest, "invalid", "Invalid list filter expression")
	_, err = c.BackendServices.List("p").OrderBy("size").Do()
	refused(t, err, http.StatusBadRequest, "invalid", "orderBy")
	if len(gone.names) != 0 {
		t.Errorf("deleted %v", gone.names)
	}
}

func TestGoClientOfNetworkServices(t *testing.T) {
	url, _ := start(t, model(1), computeapi.ReadOnly)
	client, err := networkservices.NewService(t.Context(), option.WithEndpoint(url+"/"), option.WithoutAuthentication())
	if err != nil {
		t.Fatal(err)
	}
	locations := client.Projects.Locations
	extensions, err := locations.LbTrafficExtensions.List("projects/p/locations/global").Do()
	if err != nil || len(extensions.LbTrafficExtensions) != 1 {
		t.Fatalf("%v, %v", extensions, err)
	}
	x := extensions.LbTrafficExtensions[0].ExtensionChains[0].Extensions[0]
	if x.Service != "projects/p/locations/global/wasmPlugins/plugin" || string(x.Metadata) != `{"k":"v"}` || x.SupportedEvents[0] != "REQUEST_HEADERS" {
		t.Errorf("%+v", x)
	}
	if one, err := locations.LbTrafficExtensions.Get("projects/p/locations/global/lbTrafficExtensions/tx").Do(); err != nil || one.LoadBalancingScheme != "EXTERNAL_MANAGED" {
		t.Errorf("%v, %v", one, err)
	}
	if none, err := locations.LbRouteExtensions.List("projects/p/locations/us-west1").Do(); err != nil || len(none.LbRouteExtensions) != 0 {
		t.Errorf("%v, %v", none, err)
	}
	if policies, err := locations.ServiceLbPolicies.List("projects/p/locations/us-east1").Do(); err != nil ||
		len(policies.ServiceLbPolicies) != 1 || policies.ServiceLbPolicies[0].LoadBalancingAlgorithm != "SPRAY_TO_REGION" {
		t.Errorf("%v, %v", policies, err)
	}
	plugin, err := locations.WasmPlugins.Get("projects/p/locations/global/wasmPlugins/plugin").View("WASM_PLUGIN_VIEW_FULL").Do()
	if err != nil || plugin.MainVersionId != "v1" || plugin.Versions["v1"].ImageUri != "image:1" || len(plugin.UsedBy) != 1 {
		t.Errorf("%+v, %v", plugin, err)
	}
	if basic, err := locations.WasmPlugins.Get("projects/p/locations/global/wasmPlugins/plugin").Do(); err != nil || basic.Versions != nil {
		t.Errorf("%+v, %v", basic, err)
	}
	versions, err := locations.WasmPlugins.Versions.List("projects/p/locations/global/wasmPlugins/plugin").Do()
	if err != nil || len(versions.WasmPluginVersions) != 1 {
		t.Errorf("%v, %v", versions, err)
	}
	if one, err := locations.WasmPlugins.Versions.Get("projects/p/locations/global/wasmPlugins/plugin/versions/v1").Do(); err != nil || one.ImageDigest != "sha256:1" {
		t.Errorf("%v, %v", one, err)
	}
	if l, err := locations.List("projects/p").Do(); err != nil || len(l.Locations) != 3 {
		t.Errorf("%v, %v", l, err)
	}
	_, err = locations.WasmPlugins.Get("projects/p/locations/global/wasmPlugins/nothing").Do()
	refused(t, err, http.StatusNotFound, "notFound", "projects/p/locations/global/wasmPlugins/nothing")
	_, err = locations.WasmPlugins.Delete("projects/p/locations/global/wasmPlugins/plugin").Context(context.Background()).Do()
	refused(t, err, http.StatusForbidden, "forbidden", "read-only")
}
