package computeapi_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"reflect"
	"strings"
	"testing"

	api "google.golang.org/api/compute/v1"

	"github.com/spillway-lb/spillway/internal/compute"
	"github.com/spillway-lb/spillway/internal/computeapi"
)

func TestFields(t *testing.T) {
	address, _ := start(t, model(3), computeapi.ReadOnly)
	const p = "/compute/v1/projects/p/"
	for _, test := range []struct{ path, fields, want string }{
		{p + "global/backendServices/bs-0", "name", `{"name":"bs-0"}`},
		{p + "global/backendServices/bs-0", " name , protocol ", `{"name":"bs-0","protocol":"HTTP"}`},
		{p + "global/backendServices/bs-0", "backends/balancingMode", `{"backends":[{"balancingMode":"RATE"}]}`},
		{p + "global/backendServices/bs-0", "backends(balancingMode,preference),name", `{"backends":[{"balancingMode":"RATE","preference":"DEFAULT"}],"name":"bs-0"}`},
		{p + "global/backendServices/bs-0", "backends/balancingMode,backends/preference", `{"backends":[{"balancingMode":"RATE","preference":"DEFAULT"}]}`},
		{p + "global/backendServices/bs-0", "connectionDraining,connectionDraining/drainingTimeoutSec", `{"connectionDraining":{"drainingTimeoutSec":0}}`},
		{p + "global/backendServices/bs-0", "*/drainingTimeoutSec,name", `{"backends":[{}],"connectionDraining":{"drainingTimeoutSec":0},"name":"bs-0"}`},
		{p + "global/backendServices/bs-0", "cdnPolicy", `{}`},
		{p + "global/backendServices", "items/name", `{"items":[{"name":"bs-0"},{"name":"bs-1"},{"name":"bs-2"},{"name":"bs-3"},{"name":"bs-4"}]}`},
		{p + "global/backendServices?maxResults=1", "items(name,cdnPolicy)", `{"items":[{"name":"bs-0"}]}`},
		{p + "global/backendServices", "kind,items(cdnPolicy)", `{"items":[{},{},{},{},{}],"kind":"compute#backendServiceList"}`},
		{p + "regions/us-east1/backendServices", "kind,items", ""},
		{p + "aggregated/urlMaps", "items/*/urlMaps/name", `{"items":{"global":{"urlMaps":[{"name":"map"}]},"regions/us-east1":{"urlMaps":[{"name":"internal"}]}}}`},
		{p + "aggregated/urlMaps", "items/*/warning/code,items/global/urlMaps(name)", `{"items":{"global":{"urlMaps":[{"name":"map"}]},"regions/us-west1":{"warning":{"code":"NO_RESULTS_ON_PAGE"}}}}`},
		{p + "zones/us-west1-a/networkEndpointGroups", "items(size,annotations/cluster)", `{"items":[{"size":3}]}`},
		{p + "regions/us-east1", "name", `{"name":"us-east1"}`},
		{"/v1/projects/p/locations/global/lbTrafficExtensions", "lbTrafficExtensions(extensionChains/extensions(name,metadata/k))", `{"lbTrafficExtensions":[{"extensionChains":[{"extensions":[{"metadata":{"k":"v"},"name":"e"}]}]}]}`},
		{"/v1/projects/p/locations/global/wasmPlugins/plugin", "mainVersionId", `{"mainVersionId":"v1"}`},
	} {
		joint := "?"
		if strings.Contains(test.path, "?") {
			joint = "&"
		}
		for _, name := range []string{"fields", "$fields"} {
			answer, body := ask(t, http.MethodGet, address+test.path+joint+url.Values{name: {test.fields}}.Encode())
			if answer.StatusCode != http.StatusOK || (test.want != "" && string(body) != test.want) {
				t.Errorf("%s of %s: %s\n%s, want\n%s", test.fields, test.path, answer.Status, body, test.want)
			}
		}
		whole, body := ask(t, http.MethodGet, address+test.path+joint+"fields=*")
		var all, plain any
		_, without := ask(t, http.MethodGet, address+test.path)
		if err := json.Unmarshal(body, &all); err != nil || whole.StatusCode != http.StatusOK {
			t.Fatalf("%s, %v", whole.Status, err)
		}
		if err := json.Unmarshal(without, &plain); err != nil || !reflect.DeepEqual(all, plain) {
			t.Errorf("%s: everything is\n%s, not\n%s", test.path, body, without)
		}
	}
}

func TestInvalidFields(t *testing.T) {
	address, gone := start(t, model(3), computeapi.Writes)
	const services, one = "/compute/v1/projects/p/global/backendServices", "/compute/v1/projects/p/global/backendServices/bs-0"
	for _, test := range []struct{ path, fields, says string }{
		{one, "nme", "nme"},
		{one, "backends/grp", "backends/grp"},
		{one, "name/first", "name/first"},
		{one, "name(", "name("},
		{one, "name)", "name)"},
		{one, "name,", "name,"},
		{one, ",name", ",name"},
		{one, "backends()", "backends()"},
		{one, "/name", "/name"},
		{one, "na me", "na me"},
		{services, "items/nme", "items/nme"},
		{services, "name", "name"},
		{"/compute/v1/projects/p/aggregated/urlMaps", "items/*/maps", "items/*/maps"},
		{"/v1/projects/p/locations/global/wasmPlugins", "items", "items"},
		{one, strings.Repeat("a/", 100) + "a", "a/a"},
		{one, strings.Repeat("a(", 4<<10), "a(a("},
	} {
		answer, body := ask(t, http.MethodGet, address+test.path+"?"+url.Values{"fields": {test.fields}}.Encode())
		var said struct {
			Error struct {
				Message string
				Errors  []struct{ Reason, Location, LocationType string }
			}
		}
		if err := json.Unmarshal(body, &said); err != nil {
			t.Fatalf("%v\n%s", err, body)
		}
		if answer.StatusCode != http.StatusBadRequest || !strings.HasPrefix(said.Error.Message, "Invalid field selection "+test.says) ||
			len(said.Error.Errors) != 1 || said.Error.Errors[0] != struct{ Reason, Location, LocationType string }{"invalidParameter", "fields", "parameter"} {
			t.Errorf("%s of %s: %s\n%s", test.fields, test.path, answer.Status, body)
		}
	}
	// Nothing is done for who would not understand the answer.
	if answer, _ := ask(t, http.MethodDelete, address+"/compute/v1/projects/p/zones/us-west1-b/networkEndpointGroups/idle?fields=nme"); answer.StatusCode != http.StatusBadRequest || len(gone.names) != 0 {
		t.Errorf("%s, deleted %v", answer.Status, gone.names)
	}
}

// TestFieldsOfGoClient: .Fields(...) of each kind of call.
func TestFieldsOfGoClient(t *testing.T) {
	address, _ := start(t, model(3), computeapi.Writes)
	c := official(t, address)
	l, err := c.BackendServices.List("p").MaxResults(2).Fields("items(name)", "nextPageToken").Do()
	if err != nil || len(l.Items) != 2 || l.Items[0].Name != "bs-0" || l.Items[0].SelfLink != "" || l.Kind != "" {
		t.Errorf("%+v, %v", l, err)
	}
	var names []string
	if err := c.BackendServices.List("p").MaxResults(2).Fields("items/name,nextPageToken").Pages(t.Context(), func(l *api.BackendServiceList) error {
		for _, b := range l.Items {
			names = append(names, b.Name)
		}
		return nil
	}); err != nil || len(names) != 5 {
		t.Errorf("%v, %v", names, err)
	}
	group := &api.ResourceGroupReference{Group: "zones/us-west1-a/networkEndpointGroups/neg"}
	if h, err := c.BackendServices.GetHealth("p", "bs-0", group).Fields("healthStatus/healthState").Do(); err != nil || len(h.HealthStatus) != 3 ||
		h.HealthStatus[0].HealthState != "DRAINING" || h.HealthStatus[0].IpAddress != "" {
		t.Errorf("%+v, %v", h, err)
	}
	list := c.NetworkEndpointGroups.ListNetworkEndpoints("p", "us-west1-a", "neg", &api.NetworkEndpointGroupsListEndpointsRequest{})
	if e, err := list.Fields("items/networkEndpoint/port").Do(); err != nil || len(e.Items) != 3 || e.Items[0].NetworkEndpoint.Port != 8080 || e.Items[0].NetworkEndpoint.IpAddress != "" {
		t.Errorf("%+v, %v", e, err)
	}
	if op, err := c.NetworkEndpointGroups.Delete("p", "us-west1-b", "idle").Fields("name,status").Do(); err != nil || op.Status != "DONE" || op.Kind != "" {
		t.Errorf("%+v, %v", op, err)
	}
	if ops, err := c.GlobalOperations.AggregatedList("p").Fields("items/*/operations(name)").Do(); err != nil || len(ops.Items["zones/us-west1-b"].Operations) != 1 {
		t.Errorf("%+v, %v", ops, err)
	}
	_, err = c.UrlMaps.Get("p", "map").Fields("nme").Do()
	refused(t, err, http.StatusBadRequest, "invalidParameter", "Invalid field selection nme")
}

// TestCommonParameters are those of every method of Google's APIs.
func TestCommonParameters(t *testing.T) {
	address, _ := start(t, model(0), computeapi.ReadOnly)
	const one = "/compute/v1/projects/p/global/urlMaps/map"
	_, compact := ask(t, http.MethodGet, address+one)
	for query, want := range map[string]int{
		"alt=json": 200, "$alt=json;enum-encoding=int": 200, "alt=media": 400, "alt=proto": 400, "key=any&quotaUser=me&userIp=1": 200,
		"prettyPrint=false": 200, "prettyPrint=maybe": 400, "returnPartialSuccess=true": 200, "returnPartialSuccess=maybe": 400, "fields=": 200,
	} {
		answer, body := ask(t, http.MethodGet, address+one+"?"+strings.ReplaceAll(query, ";", "%3B"))
		if answer.StatusCode != want || (want == 200 && string(body) != string(compact)) {
			t.Errorf("%s: %s\n%s", query, answer.Status, body)
		}
	}
	if _, pretty := ask(t, http.MethodGet, address+one+"?prettyPrint=true&fields=name"); string(pretty) != "{\n  \"name\": \"map\"\n}\n" {
		t.Errorf("%s", pretty)
	}
	// All scopes, zones too, though no URL map can be in one.
	c := official(t, address)
	some, err := c.UrlMaps.AggregatedList("p").Do()
	every, errEvery := c.UrlMaps.AggregatedList("p").IncludeAllScopes(true).Do()
	if err != nil || errEvery != nil || len(some.Items) != 3 || len(every.Items) != 5 || every.Items["zones/us-west1-a"].Warning == nil {
		t.Errorf("%v, %v, %v, %v", some, err, every, errEvery)
	}
}

// TestEveryCollectionHasASchema: a selection of anything can be checked.
func TestEveryCollectionHasASchema(t *testing.T) {
	address, _ := start(t, model(3), computeapi.ReadOnly)
	for _, c := range compute.Collections() {
		paths := []string{"/compute/v1/projects/p/global/" + c.Name, "/compute/v1/projects/p/aggregated/" + c.Name}
		if c.Service == compute.NetworkServices {
			paths = []string{"/v1/projects/p/locations/-/" + c.Name}
			if c.Parent != "" {
				paths = []string{"/v1/projects/p/locations/-/" + c.Parent + "/-/" + c.Name}
			}
		}
		for _, path := range paths {
			if answer, body := ask(t, http.MethodGet, address+path+"?fields=nextPageToken"); answer.StatusCode != http.StatusOK {
				t.Errorf("%s: %s\n%s", path, answer.Status, body)
			}
			if answer, body := ask(t, http.MethodGet, address+path+"?fields=nothingOfTheSort"); answer.StatusCode != http.StatusBadRequest {
				t.Errorf("%s: %s\n%s", path, answer.Status, body)
			}
		}
	}
}
