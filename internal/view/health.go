package view

import (
	"cmp"
	"net/netip"
	"slices"

	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
	"github.com/spillway-lb/spillway/internal/control"
	"github.com/spillway-lb/spillway/internal/fact"
	"github.com/spillway-lb/spillway/internal/names"
	"github.com/spillway-lb/spillway/internal/store"
)

// endpointsOf lists the endpoints of a backend service with the verdict of each location that sends it traffic; ok is false
// if there is no such service. A group without endpoints is one entry without an address.
func endpointsOf(m *Model, snapshot *store.Snapshot, service string, locations []string) (out []control.Endpoint, ok bool) {
	r := m.Get(kindBackendService, service)
	if r == nil {
		return nil, false
	}
	projects := projectsOf(snapshot)
	serving := servingLocations(m, service, locations)
	for _, b := range r.GetBackendService().GetBackends() {
		zone, _ := names.SplitGroup(b.GetGroup())
		group := m.Get(kindGroup, b.GetGroup()).GetNetworkEndpointGroup()
		row := control.Endpoint{Group: b.GetGroup(), Zone: zone, Project: projects[group.GetCluster()]}
		endpoints := m.endpoints(b.GetGroup())
		if len(endpoints) == 0 {
			out = append(out, row)
		}
		for _, e := range endpoints {
			out = append(out, endpointHealth(e, row, serving, func(at string, endpoint netip.AddrPort) control.Verdict {
				return verdictOf(snapshot, fact.Probe{Location: at, Check: r.GetBackendService().GetHealthCheck(), Endpoint: endpoint})
			}))
		}
	}
	return out, true
}

// verdictOf is the verdict on a probe, UNKNOWN if there is none.
func verdictOf(snapshot *store.Snapshot, p fact.Probe) control.Verdict {
	v, _ := snapshot.Fact(fact.Health(p)).(fact.Verdict)
	return control.Verdict{Location: p.Location, State: v.State.String(), Detail: v.Detail}
}

// endpointHealth is HEALTHY if one of the locations that serve the backend service finds it so. Others do not probe it.
func endpointHealth(
	e *lbv1.Endpoint, row control.Endpoint, serving []string, verdict func(string, netip.AddrPort) control.Verdict,
) control.Endpoint {
	row.Instance, row.Address, row.Port, row.Pod, row.Draining = e.GetInstance(), e.GetAddress(), e.GetPort(), e.GetPod(), e.GetDraining()
	healthy, unknown := lbv1.HealthState_HEALTHY.String(), lbv1.HealthState_UNKNOWN.String()
	row.State = unknown
	addr, _ := netip.ParseAddr(e.GetAddress()) // an invalid one has no verdict
	for _, at := range serving {
		v := verdict(at, netip.AddrPortFrom(addr, uint16(e.GetPort())))
		row.Locations = append(row.Locations, v)
		if v.State == healthy || row.State == unknown {
			row.State = v.State
		}
	}
	return row
}

// servingLocations are those that send traffic to a backend service: where a forwarding rule leads to it.
func servingLocations(m *Model, service string, locations []string) []string {
	regions := map[string]bool{}
	for _, r := range m.Kind(kindForwardingRule) {
		rule := r.GetForwardingRule()
		urlMap := m.Get(kindTargetProxy, rule.GetTargetProxy()).GetTargetProxy().GetUrlMap()
		if !m.reaches(urlMap, service) {
			continue
		}
		for _, vip := range rule.GetVips() {
			regions[vip.GetRegion()] = true
		}
	}
	return slices.DeleteFunc(slices.Clone(locations), func(at string) bool { return !regions[at] && !regions[""] })
}

// reaches says whether a URL map names a backend service.
func (m *Model) reaches(urlMap, service string) bool {
	if cmp.Or(m.Get(kindURLMap, urlMap).GetUrlMap().GetDefaultService(), service+"?") == service {
		return true
	}
	for _, r := range m.routeRules(urlMap) {
		if slices.Contains(servicesOf(r.GetRouteRule()), service) {
			return true
		}
	}
	return false
}

// servicesOf are the backend services that a rule sends requests to.
func servicesOf(rule *lbv1.RouteRule) (out []string) {
	for _, mirror := range rule.GetMirrors() {
		out = append(out, mirror.GetBackendService())
	}
	for _, b := range rule.GetForward().GetBackends() {
		out = append(out, b.GetBackendService())
		for _, mirror := range b.GetMirrors() {
			out = append(out, mirror.GetBackendService())
		}
	}
	return out
}
