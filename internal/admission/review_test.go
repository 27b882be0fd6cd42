package admission_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
)

// TestBrokenBodies are answered with what is wrong with them.
func TestBrokenBodies(t *testing.T) {
	w := newWorld(t, false, "")
	for body, want := range map[string]string{
		"":        "no AdmissionReview",
		"{":       "no AdmissionReview",
		"[]":      "no AdmissionReview",
		"null":    `not an AdmissionReview of admission.k8s.io/v1`,
		"{}":      `not an AdmissionReview of admission.k8s.io/v1`,
		`{"a":1}`: `not an AdmissionReview of admission.k8s.io/v1`,
		`{"apiVersion":"admission.k8s.io/v1beta1","kind":"AdmissionReview","request":{"uid":"u"}}`: `"AdmissionReview" of "admission.k8s.io/v1beta1"`,
		`{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview"}`:                            "has no request",
		`{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","request":{}}`:               "without uid",
		strings.Repeat(" ", 9<<20): "too large",
	} {
		for _, path := range []string{"/validate/c", "/pods/c"} {
			answer := w.post(path, []byte(body))
			if answer.Code != http.StatusBadRequest || !strings.Contains(answer.Body.String(), want) {
				t.Errorf("%.80q: %d %s", body, answer.Code, answer.Body)
			}
		}
	}
	for path, code := range map[string]int{"/": http.StatusNotFound, "/validate": http.StatusNotFound, "/validate/c/d": http.StatusNotFound} {
		if answer := w.post(path, nil); answer.Code != code {
			t.Errorf("%s: %d", path, answer.Code)
		}
	}
	answer := httptest.NewRecorder()
	w.server.Handler().ServeHTTP(answer, httptest.NewRequest(http.MethodGet, "/validate/c", nil))
	if answer.Code != http.StatusMethodNotAllowed {
		t.Errorf("GET: %d", answer.Code)
	}
}

// TestCounts: each request is counted once, by what became of it.
func TestCounts(t *testing.T) {
	w := newWorld(t, false, "")
	w.post("/validate/c", []byte("{"))
	w.ask(t, "/validate/c", request(t, "CREATE", badExtension, ""))
	w.ask(t, "/pods/c", request(t, "CREATE", "apiVersion: v1\nkind: Pod\nmetadata: {name: p, namespace: shop}\n", ""))
	registry := prometheus.NewRegistry()
	registry.MustRegister(w.server.Metrics.Collectors()...)
	want := `
# HELP spillway_admission_requests_total Requests of API servers, by webhook (validate, pods) and result (allowed, warned, refused, patched, unjudged, timeout, broken, failed).
# TYPE spillway_admission_requests_total counter
spillway_admission_requests_total{result="allowed",webhook="pods"} 1
spillway_admission_requests_total{result="broken",webhook="validate"} 1
spillway_admission_requests_total{result="refused",webhook="validate"} 1
`
	if err := testutil.GatherAndCompare(registry, strings.NewReader(want), "spillway_admission_requests_total"); err != nil {
		t.Error(err)
	}
}

// FuzzReview: whatever the body is, it is answered with a review or an error in words, and never refused for no reason.
func FuzzReview(f *testing.F) {
	for _, object := range []string{`{}`, `null`, `[]`, `{"metadata":{"name":"x"},"spec":{}}`, `{"metadata":[],"spec":{"readinessGates":[null]}}`} {
		f.Add("validate", "networking.gke.io", "GCPTrafficExtension", "CREATE", object)
		f.Add("validate", "gateway.networking.k8s.io", "HTTPRoute", "UPDATE", object)
		f.Add("pods", "", "Pod", "CREATE", object)
	}
	f.Fuzz(func(t *testing.T, webhook, group, kind, operation, object string) {
		w := newWorld(t, true, "")
		body, err := json.Marshal(map[string]any{
			"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview",
			"request": map[string]any{
				"uid": "u", "kind": map[string]any{"group": group, "version": "v1", "kind": kind}, "namespace": "n", "operation": operation,
				"object": json.RawMessage(object), "oldObject": json.RawMessage(object),
			},
		})
		if err != nil {
			body = []byte(object)
		}
		if webhook != "pods" {
			webhook = "validate"
		}
		answer := w.post("/"+webhook+"/c", body)
		var review struct {
			Response *struct {
				Allowed bool
				Status  *struct{ Message string }
			}
		}
		switch {
		case answer.Code == http.StatusBadRequest && answer.Body.Len() > 0:
		case answer.Code != http.StatusOK:
			t.Errorf("%d %s", answer.Code, answer.Body)
		case json.Unmarshal(answer.Body.Bytes(), &review) != nil || review.Response == nil:
			t.Errorf("no review: %s", answer.Body)
		case !review.Response.Allowed && (review.Response.Status == nil || review.Response.Status.Message == ""):
			t.Errorf("refused without a word: %s", answer.Body)
		}
	})
}
