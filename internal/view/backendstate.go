package view

import (
	"net/netip"

	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
	"github.com/spillway-lb/spillway/internal/fact"
	"github.com/spillway-lb/spillway/internal/kind"
	"github.com/spillway-lb/spillway/internal/store"
)

// IngressBackendStates says of each backend service that an Ingress sends requests to how it is: what fact.BackendState names.
func (s *Source) IngressBackendStates() map[string]string {
	return s.Published.ingressBackendStates(s.Store.Snapshot(), s.Locations())
}

func (m *Model) ingressBackendStates(snapshot *store.Snapshot, locations []string) map[string]string {
	states := map[string]string{}
	m.eachUse(func(service string, user store.Ref) {
		if user.Kind == kind.Ingress {
			states[service] = ""
		}
	})
	if len(states) == 0 {
		return states
	}
	used := m.used(locations)
	for name := range states {
		states[name] = m.stateOf(snapshot, m.Get(kindBackendService, name).GetBackendService(), used[name].locations)
	}
	return states
}

// stateOf is HEALTHY if a location finds an endpoint so, else what is worst and known.
func (m *Model) stateOf(snapshot *store.Snapshot, service *lbv1.BackendService, locations []string) string {
	unhealthy, draining := false, false
	for _, b := range service.GetBackends() {
		for _, e := range m.endpoints(b.GetGroup()) {
			addr, err := netip.ParseAddr(e.GetAddress())
			switch {
			case err != nil:
				continue
			case e.GetDraining():
				draining = true
				continue
			}
			for _, at := range locations {
				probe := fact.Probe{Location: at, Check: service.GetHealthCheck(), Endpoint: netip.AddrPortFrom(addr, uint16(e.GetPort()))}
				switch v, _ := snapshot.Fact(fact.Health(probe)).(fact.Verdict); v.State {
				case lbv1.HealthState_HEALTHY:
					return v.State.String()
				case lbv1.HealthState_UNHEALTHY:
					unhealthy = true
				}
			}
		}
	}
	switch {
	case unhealthy:
		return lbv1.HealthState_UNHEALTHY.String()
	case draining:
		return fact.StateDraining
	}
	return fact.StateUnknown
}
