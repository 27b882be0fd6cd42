package rollout

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
)

// TestLoadCountsWhatBecomesOfRequests: an answer other than 200, one that is cut and one that says that it is the last are told apart, and
// no request is lost or counted twice.
func TestLoadCountsWhatBecomesOfRequests(t *testing.T) {
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	var asked atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		switch n := asked.Add(1); {
		case n == 200:
			stop()
		case n%10 == 3:
			http.Error(w, "not now", http.StatusServiceUnavailable)
			return
		case n%10 == 6:
			w.Header().Set("Connection", "close")
		case n%10 == 9:
			w.Header().Set("Content-Length", "100") // more than comes
			_, _ = w.Write([]byte("half"))
			return
		}
		_, _ = w.Write([]byte("pod\n"))
	}))
	defer server.Close()
	l, err := loadOf(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	l.run(ctx, 2000)
	failed := 0
	for what, n := range l.failed {
		if !strings.Contains(what, "503") && !strings.Contains(what, "EOF") {
			t.Errorf("%d: %s", n, what)
		}
		failed += n
	}
	// A kept connection that ends before anything of an answer came is asked again, which the server counts, too.
	if got := int(asked.Load()); l.sent+l.reopened != got || l.pods["pod"]+failed != l.sent || failed < got/5-1 || len(l.pods) != 1 {
		t.Errorf("%d asked: %+v", got, l.counts)
	}
	if l.inFlight != 0 || len(l.idle) != 0 {
		t.Errorf("%d in flight, %d connections left", l.inFlight, len(l.idle))
	}
}

// TestLoadAsksAgain: the end of a connection that was kept, between two requests, is no failure.
func TestLoadAsksAgain(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("pod")) }))
	defer server.Close()
	l, err := loadOf(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	c := newConnection(l)
	defer c.hangUp()
	for range 3 {
		if pod, err := c.answer(); err != nil || string(pod) != "pod" {
			t.Fatalf("%q, %v", pod, err)
		}
		server.CloseClientConnections()
	}
	if l.reopened != 2 {
		t.Errorf("%d sent again", l.reopened)
	}
	server.Close()
	if _, err := c.answer(); err == nil {
		t.Error("a server that has gone answered")
	}
}

func TestLoadNeedsAURL(t *testing.T) {
	for _, address := range []string{"", "https://127.0.0.1", "127.0.0.1:80", "http://[::1"} {
		if _, err := loadOf(address); err == nil {
			t.Errorf("%q was taken", address)
		}
	}
	if l, err := loadOf("http://127.0.0.1/"); err != nil || l.address != "127.0.0.1:80" {
		t.Errorf("%+v, %v", l, err)
	}
}
