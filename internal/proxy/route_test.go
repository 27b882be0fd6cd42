package proxy_test

import (
	"net/http"
	"sync/atomic"
	"testing"

	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
)

// TestARedirectIsAnAnswerLikeOthers: its rule's edits and CORS policy count, and a preflight is no request to send elsewhere.
func TestARedirectIsAnAnswerLikeOthers(t *testing.T) {
	r := newRig(t, nil, func(m *model) {
		m.route.Action = &lbv1.RouteRule_Redirect{Redirect: &lbv1.Redirect{Status: 301, Host: "x.example"}}
		m.route.ResponseHeaders = &lbv1.HeaderEdit{Set: []*lbv1.Header{{Name: "strict-transport-security", Value: "max-age=1"}}}
		m.route.Cors = &lbv1.CorsPolicy{AllowOrigins: []string{"https://a.example"}, AllowMethods: []string{"GET"}}
	})
	c := r.dial()
	c.say("GET / HTTP/1.1\r\nHost: a\r\nOrigin: https://a.example\r\n\r\n")
	res, _ := c.answer(t, "GET")
	if res.StatusCode != 301 || res.Header.Get("Strict-Transport-Security") == "" || res.Header.Get("Access-Control-Allow-Origin") == "" {
		t.Errorf("%v", res)
	}
	c.say("OPTIONS / HTTP/1.1\r\nHost: a\r\nOrigin: https://a.example\r\nAccess-Control-Request-Method: GET\r\n\r\n")
	if res, _ := c.answer(t, "OPTIONS"); res.StatusCode != 204 || res.Header.Get("Access-Control-Allow-Methods") != "GET" {
		t.Errorf("%v", res)
	}
}

// TestEveryAttemptIsMade: the budget of retries is of requests under way, and one request is one of them.
func TestEveryAttemptIsMade(t *testing.T) {
	const attempts = 9
	var asked atomic.Int32
	backend := httpBackend(t, func(w http.ResponseWriter, _ *http.Request) {
		asked.Add(1)
		w.WriteHeader(503)
	})
	r := newRig(t, []string{backend}, func(m *model) {
		m.route.Retry = &lbv1.RetryPolicy{Attempts: attempts, Codes: []uint32{503}}
	})
	for range 3 {
		asked.Store(0)
		if res, _ := r.get("/"); res.StatusCode != 503 || asked.Load() != 1+attempts {
			t.Errorf("%v after %d attempts, want %d", res.Status, asked.Load(), 1+attempts)
		}
	}
}
