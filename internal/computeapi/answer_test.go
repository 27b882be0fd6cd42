package computeapi_test

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	api "google.golang.org/api/compute/v1"
	networkservices "google.golang.org/api/networkservices/v1"

	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
	"github.com/spillway-lb/spillway/internal/compute"
	"github.com/spillway-lb/spillway/internal/computeapi"
)

type (
	resourceType = lbv1.Resource
	modelType    = lbv1.Model
)

func ask(t testing.TB, method, url string, headers ...string) (*http.Response, []byte) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Accept-Encoding", "identity")
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer, body
}

// TestEveryFieldIsGoogles decodes every answer into the struct of Google's client that it is meant for, which has to know all of it
// but our own member; and wants each kind of list to be there.
func TestEveryFieldIsGoogles(t *testing.T) {
	url, _ := start(t, model(3), computeapi.ReadOnly)
	const p = "/compute/v1/projects/p/"
	const ns = "/v1/projects/p/locations/"
	for path, into := range map[string]any{
		p + "global/backendServices": &api.BackendServiceList{}, p + "aggregated/backendServices": &api.BackendServiceAggregatedList{},
		p + "global/urlMaps": &api.UrlMapList{}, p + "aggregated/urlMaps": &api.UrlMapsAggregatedList{},
		p + "global/forwardingRules": &api.ForwardingRuleList{}, p + "aggregated/forwardingRules": &api.ForwardingRuleAggregatedList{},
		p + "global/healthChecks": &api.HealthCheckList{}, p + "aggregated/healthChecks": &api.HealthChecksAggregatedList{},
		p + "global/targetHttpsProxies": &api.TargetHttpsProxyList{}, p + "aggregated/targetHttpsProxies": &api.TargetHttpsProxyAggregatedList{},
		p + "regions/us-east1/targetHttpProxies": &api.TargetHttpProxyList{}, p + "aggregated/targetHttpProxies": &api.TargetHttpProxyAggregatedList{},
		p + "regions/us-west1/addresses": &api.AddressList{}, p + "aggregated/addresses": &api.AddressAggregatedList{},
		p + "global/sslCertificates": &api.SslCertificateList{}, p + "aggregated/sslCertificates": &api.SslCertificateAggregatedList{},
		p + "global/sslPolicies": &api.SslPoliciesList{}, p + "aggregated/sslPolicies": &api.SslPoliciesAggregatedList{},
		p + "zones/us-west1-a/networkEndpointGroups": &api.NetworkEndpointGroupList{},
		p + "aggregated/networkEndpointGroups":       &api.NetworkEndpointGroupAggregatedList{},
		p + "zones":                                  &api.ZoneList{}, p + "regions": &api.RegionList{},
		p + "zones/us-west1-a/operations": &api.OperationList{}, p + "aggregated/operations": &api.OperationAggregatedList{},
		ns + "global/lbTrafficExtensions":         &networkservices.ListLbTrafficExtensionsResponse{},
		ns + "global/lbRouteExtensions":           &networkservices.ListLbRouteExtensionsResponse{},
		ns + "global/wasmPlugins":                 &networkservices.ListWasmPluginsResponse{},
		ns + "-/serviceLbPolicies":                &networkservices.ListServiceLbPoliciesResponse{},
		ns + "global/wasmPlugins/plugin/versions": &networkservices.ListWasmPluginVersionsResponse{},
	} {
		answer, body := ask(t, http.MethodGet, url+path)
		if answer.StatusCode != http.StatusOK {
			t.Errorf("%s: %s\n%s", path, answer.Status, body)
			continue
		}
		var content any
		if err := json.Unmarshal(body, &content); err != nil {
			t.Fatalf("%s: %v\n%s", path, err, body)
		}
		without, err := json.Marshal(withoutOwn(content))
		if err != nil {
			t.Fatal(err)
		}
		decoder := json.NewDecoder(bytes.NewReader(without))
		decoder.DisallowUnknownFields()
		if err := decoder.Decode(into); err != nil {
			t.Errorf("%s: %v\n%s", path, err, without)
		}
		kind, _ := content.(map[string]any)["kind"].(string)
		if strings.HasPrefix(path, p) && kind != kindOf(into) {
			t.Errorf("%s is a %s, not a %s", path, kind, kindOf(into))
		}
	}
}

// withoutOwn leaves out what Google's structs have no field for.
func withoutOwn(content any) any {
	switch v := content.(type) {
	case map[string]any:
		delete(v, "spillway")
		for _, member := range v {
			withoutOwn(member)
		}
	case []any:
		for _, member := range v {
			withoutOwn(member)
		}
	}
	return content
}

// kindOf is the kind of a list, which Google names after the struct.
func kindOf(list any) string {
	name := strings.TrimPrefix(fmt.Sprintf("%T", list), "*compute.")
	return "compute#" + strings.ToLower(name[:1]) + name[1:]
}

// TestEveryCollectionIsServed: all that the command line has.
func TestEveryCollectionIsServed(t *testing.T) {
	url, _ := start(t, model(3), computeapi.ReadOnly)
	for _, c := range compute.Collections() {
		path := "/compute/v1/projects/p/aggregated/" + c.Name
		if c.Service == compute.NetworkServices {
			path = "/v1/projects/p/locations/-/" + c.Name
			if c.Parent != "" {
				path = "/v1/projects/p/locations/-/" + c.Parent + "/-/" + c.Name
			}
		}
		if answer, body := ask(t, http.MethodGet, url+path); answer.StatusCode != http.StatusOK {
			t.Errorf("%s: %s\n%s", path, answer.Status, body)
		}
	}
}

func TestErrorBody(t *testing.T) {
	url, _ := start(t, model(0), computeapi.ReadOnly)
	answer, body := ask(t, http.MethodGet, url+"/compute/v1/projects/p/global/urlMaps/nothing")
	want := `{"error":{"code":404,"message":"The resource 'projects/p/global/urlMaps/nothing' was not found","errors":[{` +
		`"message":"The resource 'projects/p/global/urlMaps/nothing' was not found","domain":"global","reason":"notFound"}]}}`
	if answer.StatusCode != http.StatusNotFound || string(body) != want {
		t.Errorf("%s\n%s", answer.Status, body)
	}
	answer, body = ask(t, http.MethodGet, url+"/v1/projects/p/locations/global/wasmPlugins/nothing")
	if answer.StatusCode != http.StatusNotFound || !strings.Contains(string(body), `"status":"NOT_FOUND"`) {
		t.Errorf("%s\n%s", answer.Status, body)
	}
	for _, path := range []string{"/", "/compute/v1/", "/compute/v1/projects/p/global/urlMaps/map/x", "/compute/beta/projects/p/global/urlMaps"} {
		if answer, body := ask(t, http.MethodGet, url+path); answer.StatusCode != http.StatusNotFound || !json.Valid(body) {
			t.Errorf("%s: %s\n%s", path, answer.Status, body)
		}
	}
}

func TestETag(t *testing.T) {
	m := model(0)
	url, _ := start(t, m, computeapi.ReadOnly)
	path := url + "/compute/v1/projects/p/global/backendServices/bs-0"
	first, _ := ask(t, http.MethodGet, path)
	tag := first.Header.Get("ETag")
	if again, body := ask(t, http.MethodGet, path, "If-None-Match", tag); again.StatusCode != http.StatusNotModified || len(body) != 0 {
		t.Errorf("%s, %d bytes", again.Status, len(body))
	}
	for _, r := range m.GetResources() {
		if r.GetName() == "bs-0" {
			r.Body = &lbv1.Resource_BackendService{BackendService: &lbv1.BackendService{Protocol: lbv1.BackendProtocol_H2C}}
		}
	}
	m.Seq++
	if changed, _ := ask(t, http.MethodGet, path, "If-None-Match", tag); changed.StatusCode != http.StatusOK || changed.Header.Get("ETag") == tag {
		t.Errorf("after a change: %s", changed.Status)
	}
}

func TestGzip(t *testing.T) {
	url, _ := start(t, model(0), computeapi.ReadOnly)
	path := url + "/compute/v1/projects/p/global/backendServices"
	_, plain := ask(t, http.MethodGet, path)
	for accepted, want := range map[string]bool{"gzip": true, "br, GZIP;q=0.5": true, "gzip;q=0": false, "br": false} {
		answer, body := ask(t, http.MethodGet, path, "Accept-Encoding", accepted)
		if got := answer.Header.Get("Content-Encoding") == "gzip"; got != want {
			t.Errorf("%s: zipped %v", accepted, got)
			continue
		}
		if want {
			zipped, err := gzip.NewReader(bytes.NewReader(body))
			if err != nil {
				t.Fatal(err)
			}
			if body, err = io.ReadAll(zipped); err != nil {
				t.Fatal(err)
			}
		}
		if !bytes.Equal(body, plain) {
			t.Errorf("%s: another body", accepted)
		}
	}
}

// TestNoOtherOrigin: a page of another origin gets no leave to read or to delete.
func TestNoOtherOrigin(t *testing.T) {
	url, gone := start(t, model(0), computeapi.Writes)
	path := url + "/compute/v1/projects/p/zones/us-west1-b/networkEndpointGroups/idle"
	answer, _ := ask(t, http.MethodOptions, path, "Origin", "https://evil.example", "Access-Control-Request-Method", "DELETE")
	if answer.StatusCode < 400 {
		t.Errorf("a preflight: %s", answer.Status)
	}
	for name := range answer.Header {
		if strings.HasPrefix(name, "Access-Control-") {
			t.Errorf("%s: %s", name, answer.Header.Get(name))
		}
	}
	if len(gone.names) != 0 {
		t.Error("deleted")
	}
}

// TestNothingPublished has no cluster yet.
func TestNothingPublished(t *testing.T) {
	url, _ := start(t, &lbv1.Model{}, computeapi.ReadOnly)
	for _, path := range []string{"global/backendServices", "aggregated/urlMaps", "zones", "regions"} {
		if answer, body := ask(t, http.MethodGet, url+"/compute/v1/projects/p/"+path); answer.StatusCode != http.StatusOK {
			t.Errorf("%s: %s\n%s", path, answer.Status, body)
		}
	}
}
