package fact

import "github.com/spillway-lb/spillway/internal/store"

// KindBackendState is of facts about backend services that Ingresses send requests to.
const KindBackendState = "backend-state"

// States beside those of endpoints.
const (
	// StateDraining: what is left of the backend service's endpoints is leaving.
	StateDraining = "DRAINING"
	// StateUnknown: it has no endpoints, or nothing is known of them.
	StateUnknown = "Unknown"
)

// BackendState names the fact of how a backend service is. Its value is a string: HEALTHY, UNHEALTHY, or one of the states here;
// HEALTHY if one endpoint of it is somewhere. There is none while nobody looks, which is as good as StateUnknown. It lags: a
// state has to last before it is said.
func BackendState(service string) store.Fact {
	return store.Fact{Kind: KindBackendState, Key: service}
}
