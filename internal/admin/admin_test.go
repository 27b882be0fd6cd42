package admin_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/spillway-lb/spillway/internal/admin"
)

func get(t *testing.T, url string) string {
	t.Helper()
	res, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != http.StatusOK {
		t.Fatalf("%s: %s, %v", url, res.Status, err)
	}
	return string(body)
}

func TestMetricsAndProfiles(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	seen := prometheus.NewCounter(prometheus.CounterOpts{Name: "spillway_seen_total"})
	seen.Add(3)
	at, err := admin.Serve(ctx, "127.0.0.1:0", seen)
	if err != nil {
		t.Fatal(err)
	}
	metrics := get(t, "http://"+at.String()+"/metrics")
	for _, want := range []string{"spillway_seen_total 3\n", "go_goroutines "} {
		if !strings.Contains(metrics, want) {
			t.Errorf("no %q in\n%s", want, metrics)
		}
	}
	if profile := get(t, "http://"+at.String()+"/debug/pprof/goroutine?debug=1"); !strings.HasPrefix(profile, "goroutine profile:") {
		t.Errorf("profile %.80q", profile)
	}
}

func TestWhatCannotBeServedIsAnError(t *testing.T) {
	if _, err := admin.Serve(t.Context(), "127.0.0.1:-1"); err == nil {
		t.Error("listened on an impossible port")
	}
	c := prometheus.NewCounter(prometheus.CounterOpts{Name: "twice"})
	if _, err := admin.Serve(t.Context(), "127.0.0.1:0", c, c); err == nil {
		t.Error("counted something twice")
	}
}

func TestReadiness(t *testing.T) {
	var problem error
	at, err := admin.ServeReady(t.Context(), "127.0.0.1:0", func() error { return problem })
	if err != nil {
		t.Fatal(err)
	}
	get(t, "http://"+at.String()+"/healthz")
	get(t, "http://"+at.String()+"/readyz")
	problem = errors.New("no configuration yet")
	res, err := http.Get("http://" + at.String() + "/readyz")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	if body, _ := io.ReadAll(res.Body); res.StatusCode != http.StatusServiceUnavailable || string(body) != "no configuration yet\n" {
		t.Errorf("%s %q", res.Status, body)
	}
}
