package computeapi_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/spillway-lb/spillway/internal/computeapi"
)

// TestGuard: no page of another site deletes, whatever name it made to lead here; who reads is not asked.
func TestGuard(t *testing.T) {
	own := func(host string) bool { return host == "own.example" || host == "127.0.0.1:9080" }
	const group = "/compute/v1/projects/p/zones/us-west1-b/networkEndpointGroups/idle"
	for _, test := range []struct {
		method, path, host, origin string
		passes                     bool
	}{
		{"DELETE", group, "own.example", "", true},
		{"DELETE", group, "127.0.0.1:9080", "", true},
		{"DELETE", group, "rebound.example", "", false},
		{"DELETE", group, "", "", false},
		{"DELETE", group, "own.example", "https://evil.example", false},
		{"DELETE", group, "own.example", "null", false},
		{"DELETE", group, "own.example", "https://own.example", false},
		{"POST", "/batch/compute/v1", "rebound.example", "", false},
		{"POST", "/batch/compute/v1", "own.example", "https://evil.example", false},
		{"POST", group + "/listNetworkEndpoints", "own.example", "", true},
		{"GET", group, "rebound.example", "https://evil.example", true},
		{"HEAD", group, "rebound.example", "", true},
	} {
		gone := &deleted{from: &changing{now: source{model(1)}}}
		handler := computeapi.Guard(own, computeapi.New(gone.from, gone, fixedClock).Handler(computeapi.Writes))
		r := httptest.NewRequest(test.method, test.path, nil)
		r.Host = test.host
		if test.origin != "" {
			r.Header.Set("Origin", test.origin)
		}
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, r)
		if passed := w.Code != http.StatusForbidden; passed != test.passes || (!passed && !strings.Contains(w.Body.String(), `"reason":"forbidden"`)) {
			t.Errorf("%+v: %d\n%s", test, w.Code, w.Body)
		}
		if len(gone.names) > 0 && (!test.passes || test.method != "DELETE") {
			t.Errorf("%+v: deleted", test)
		}
	}
}
