package config

import (
	"net/netip"

	"github.com/spillway-lb/spillway/internal/proxy/balance"
)

// ProbeChange says that one more endpoint is to be probed for a health check, or one less. An address may be counted
// several times, when several backend services have it.
type ProbeChange struct {
	Check   string
	Address netip.AddrPort
	Added   bool
}

// ProbeChanges are what the last transaction changed, in order.
func (r *Root) ProbeChanges() []ProbeChange { return r.probes }

// ChangedHealthChecks are those that the last transaction brought, changed or deleted.
func (r *Root) ChangedHealthChecks() []string { return r.checks }

// HealthChecks are the names of all health checks, sorted.
func (r *Root) HealthChecks() []string {
	var out []string
	r.entries.Root().WalkPrefix(key{kind: kindHealthCheck}.bytes(), func(_ []byte, e *entry) bool {
		out = append(out, e.resource.GetName())
		return false
	})
	return out
}

// Probes are all endpoints to probe, as if all were added now.
func (r *Root) Probes() []ProbeChange {
	var out []ProbeChange
	r.Services(func(s *balance.Service) bool {
		if s.Check() != "" {
			out = appendProbes(out, s.Check(), s.Handles(), true)
		}
		return true
	})
	return out
}

func appendProbes(to []ProbeChange, check string, endpoints []*balance.Endpoint, added bool) []ProbeChange {
	if check == "" {
		return to
	}
	for _, e := range endpoints {
		to = append(to, ProbeChange{Check: check, Address: e.Addr, Added: added})
	}
	return to
}
