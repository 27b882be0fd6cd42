package serve

import "testing"

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
