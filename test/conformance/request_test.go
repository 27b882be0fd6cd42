package conformance

import (
	"net/http/httptest"
	"testing"
)

func TestPaths(t *testing.T) {
	for path, want := range map[string]target{
		"/api/v1/namespaces/infra":                           {name: "infra"},
		"/api/v1/namespaces":                                 {},
		"/api/v1/namespaces/infra/pods":                      {namespace: "infra"},
		"/api/v1/namespaces/infra/pods/p/log":                {namespace: "infra", name: "p", subresource: "log"},
		"/apis/" + gatewayGroup + "/v1/gatewayclasses/c":     {name: "c"},
		"/apis/" + gatewayGroup + "/v1/gateways":             {},
		"/apis/apps/v1/namespaces/infra/deployments/d/scale": {namespace: "infra", name: "d", subresource: "scale"},
	} {
		got, ok := parse(httptest.NewRequest("GET", path, nil))
		if got.resource = (resource{}); !ok || got != want {
			t.Errorf("%s is %+v, %t; want %+v", path, got, ok, want)
		}
	}
	for _, path := range []string{"/", "/api", "/api/v1", "/version", "/apis/apps/v1/namespaces/n/unheardof/x", "/api/v1/pods/a/b/c"} {
		if got, ok := parse(httptest.NewRequest("GET", path, nil)); ok {
			t.Errorf("%s is %+v", path, got)
		}
	}
}
