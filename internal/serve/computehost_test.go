package serve

import (
	"net/http"
	"testing"

	"github.com/spillway-lb/spillway/internal/admin"
)

// TestComputeHosts: addresses, localhost, and the names that were given, in any case and with any port.
func TestComputeHosts(t *testing.T) {
	s := &server{config: Config{ComputeHosts: []string{"lb.example"}}}
	for host, want := range map[string]bool{
		"lb.example": true, "LB.example.:9080": true, "10.0.0.1:9080": true, "[::1]:9080": true, "localhost:9080": true,
		"a.lb.example": false, "lb.example.evil": false, "": false, ":9080": false,
	} {
		if got := s.isComputeHost(host); got != want {
			t.Errorf("%q: %v", host, got)
		}
	}
}

// TestComputeHostsReachTheGuard: a name that was given is answered on loopback, too, and no other.
func TestComputeHostsReachTheGuard(t *testing.T) {
	s := &server{config: Config{ComputeHosts: []string{"lb.example"}}}
	at, err := admin.ServeHandler(t.Context(), "127.0.0.1:0", s.isComputeHost, http.NotFoundHandler())
	if err != nil {
		t.Fatal(err)
	}
	for host, want := range map[string]int{"lb.example": http.StatusNotFound, "evil.example": http.StatusMisdirectedRequest} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+at.String(), nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Host = host
		answer, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		_ = answer.Body.Close()
		if answer.StatusCode != want {
			t.Errorf("%s: %s", host, answer.Status)
		}
	}
}
