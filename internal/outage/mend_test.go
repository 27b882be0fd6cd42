package outage

import (
	"strings"
	"testing"
)

func TestMend(t *testing.T) {
	for _, tc := range []struct {
		detail  string
		ingress bool
		want    string // a part of it, "" for nothing
	}{
		{"HTTP 404", false, "HealthCheckPolicy whose targetRef is Service store/app (spec.default.config.httpHealthCheck.requestPath)"},
		{"HTTP 301", false, "only 200 counts"},
		{"HTTP 204", false, "only 200 counts"},
		{"HTTP 401", true, "a BackendConfig (spec.healthCheck.requestPath)"},
		{"HTTP 503", false, ""}, // it says itself that it is not well
		{"HTTP 200", false, ""},
		{"connection refused", false, ""},
		{"HTTP x", false, ""},
	} {
		got := Mend(tc.detail, "Service store/app", tc.ingress)
		if tc.want == "" && got != "" || !strings.Contains(got, tc.want) {
			t.Errorf("%s: %q, want %q", tc.detail, got, tc.want)
		}
	}
}
