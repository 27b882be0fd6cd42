package serve

import (
	"testing"

	membercluster "github.com/spillway-lb/spillway/internal/cluster"
)

// TestWhichClusterIsWaitedFor is what /readyz says of a controller that is not ready.
func TestWhichClusterIsWaitedFor(t *testing.T) {
	for want, all := range map[string][]membercluster.Health{
		"": {{Name: "west"}, {Name: "east"}},
		"cluster east: not read yet: Secret (forbidden), Service": {{Name: "west"}, {Name: "east", Waiting: "Secret (forbidden), Service"}},
		"cluster east: not read yet: connection refused\ncluster west does not answer": {
			{Name: "east", Stale: true, Waiting: "connection refused"}, {Name: "west", Stale: true},
		},
	} {
		if got := waitingFor(all); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
