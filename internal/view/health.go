package view

import (
	"net/netip"

	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
	"github.com/spillway-lb/spillway/internal/compute"
	"github.com/spillway-lb/spillway/internal/control"
)

// Verdicts are what one location thinks of the endpoints of a health check.
type Verdicts struct {
	Location string
	States   map[netip.AddrPort]control.Verdict
}

// endpointsOf lists the endpoints of a backend service with every location's verdict; ok is false if there is no such
// service. A group without endpoints is one entry without an address.
func endpointsOf(m *Model, projects map[string]string, service string, all []Verdicts) (out []control.Endpoint, ok bool) {
	r := m.Get(kindBackendService, service)
	if r == nil {
		return nil, false
	}
	for _, b := range r.GetBackendService().GetBackends() {
		group := b.GetGroup()
		zone, _ := compute.SplitGroup(group)
		project := projects[m.Get(kindGroup, group).GetNetworkEndpointGroup().GetCluster()]
		endpoints := m.endpoints(group)
		if len(endpoints) == 0 {
			out = append(out, control.Endpoint{Group: group, Zone: zone, Project: project})
		}
		for _, e := range endpoints {
			out = append(out, endpointHealth(e, control.Endpoint{Group: group, Zone: zone, Project: project}, all))
		}
	}
	return out, true
}

func endpointHealth(e *lbv1.Endpoint, out control.Endpoint, all []Verdicts) control.Endpoint {
	out.Instance, out.Address, out.Port, out.Pod, out.Draining = e.GetInstance(), e.GetAddress(), e.GetPort(), e.GetPod(), e.GetDraining()
	out.State = lbv1.HealthState_UNKNOWN.String()
	addr, _ := netip.ParseAddr(e.GetAddress()) // an invalid one has no verdict
	for _, v := range all {
		verdict, ok := v.States[netip.AddrPortFrom(addr, uint16(e.GetPort()))]
		if !ok {
			verdict.State = lbv1.HealthState_UNKNOWN.String()
		}
		verdict.Location = v.Location
		out.Locations = append(out.Locations, verdict)
		if verdict.State == lbv1.HealthState_HEALTHY.String() || out.State == lbv1.HealthState_UNKNOWN.String() {
			out.State = verdict.State
		}
	}
	return out
}
