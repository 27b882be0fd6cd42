package fact

import (
	"net/netip"
	"strings"

	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
	"github.com/spillway-lb/spillway/internal/store"
)

// Probe is an endpoint as one location probes it: by one health check.
type Probe struct {
	Location string
	// Check is the name of the health_check resource.
	Check    string
	Endpoint netip.AddrPort
}

// Verdict is what a location's prober thinks of an endpoint: the value of a health fact.
type Verdict struct {
	State lbv1.HealthState
	// Detail is the outcome of the probe that led to it, such as "HTTP 404".
	Detail string
}

// Health names the verdict on an endpoint. There is none until the first one.
func Health(p Probe) store.Fact {
	return store.Fact{Kind: KindHealth, Key: p.Endpoint.String() + separator + p.Check + separator + p.Location}
}

// ProbeOf is the inverse of Health, by a fact's key.
func ProbeOf(key string) (p Probe, ok bool) {
	endpoint, rest, _ := strings.Cut(key, separator)
	check, location, ok := strings.Cut(rest, separator)
	at, err := netip.ParseAddrPort(endpoint)
	return Probe{Location: location, Check: check, Endpoint: at}, ok && err == nil
}
