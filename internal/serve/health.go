package serve

import (
	"net/netip"

	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
	spillwayv1alpha1 "github.com/spillway-lb/spillway/api/spillway/v1alpha1"
	"github.com/spillway-lb/spillway/internal/compute"
	"github.com/spillway-lb/spillway/internal/control"
	"github.com/spillway-lb/spillway/internal/fleet"
	"github.com/spillway-lb/spillway/internal/store"
)

// verdicts are what one location thinks of the endpoints of a backend service.
type verdicts struct {
	location string
	states   map[netip.AddrPort]control.Verdict
}

// healthOf lists the endpoints of a backend service with every location's verdict; ok is false if there is no such
// service. A group without endpoints is one entry without an address.
func healthOf(m *lbv1.Model, projects map[string]string, service string, all []verdicts) (out []control.Endpoint, ok bool) {
	groups := map[string]*lbv1.NetworkEndpointGroup{}
	var wanted []string
	members := map[string][]*lbv1.Endpoint{}
	for _, r := range m.GetResources() {
		switch {
		case r.GetBackendService() != nil && r.GetName() == service:
			ok = true
			for _, b := range r.GetBackendService().GetBackends() {
				wanted = append(wanted, b.GetGroup())
			}
		case r.GetNetworkEndpointGroup() != nil:
			groups[r.GetName()] = r.GetNetworkEndpointGroup()
		case r.GetEndpointShard() != nil:
			shard := r.GetEndpointShard()
			members[shard.GetGroup()] = append(members[shard.GetGroup()], shard.GetEndpoints()...)
		}
	}
	for _, group := range wanted {
		zone, _ := compute.SplitGroup(group)
		project := projects[groups[group].GetCluster()]
		if len(members[group]) == 0 {
			out = append(out, control.Endpoint{Group: group, Zone: zone, Project: project})
		}
		for _, e := range members[group] {
			out = append(out, endpointHealth(e, control.Endpoint{Group: group, Zone: zone, Project: project}, all))
		}
	}
	return out, ok
}

func endpointHealth(e *lbv1.Endpoint, out control.Endpoint, all []verdicts) control.Endpoint {
	out.Instance, out.Address, out.Port, out.Pod, out.Draining = e.GetInstance(), e.GetAddress(), e.GetPort(), e.GetPod(), e.GetDraining()
	out.State = lbv1.HealthState_UNKNOWN.String()
	addr, _ := netip.ParseAddr(e.GetAddress()) // an invalid one has no verdict
	for _, v := range all {
		verdict, ok := v.states[netip.AddrPortFrom(addr, uint16(e.GetPort()))]
		if !ok {
			verdict.State = lbv1.HealthState_UNKNOWN.String()
		}
		verdict.Location = v.location
		out.Locations = append(out.Locations, verdict)
		if verdict.State == lbv1.HealthState_HEALTHY.String() || out.State == lbv1.HealthState_UNKNOWN.String() {
			out.State = verdict.State
		}
	}
	return out
}

// projectsOf are the project ids of clusters.
func projectsOf(snapshot *store.Snapshot) map[string]string {
	projects := map[string]string{}
	snapshot.Walk(fleet.KindCluster, "", "", func(e *store.Entry) bool {
		if cluster, ok := e.Object.(*spillwayv1alpha1.Cluster); ok {
			projects[e.Ref.Cluster] = projectOf(cluster)
		}
		return true
	})
	return projects
}

// verdictsOf are a location's verdicts of one health check.
func (l *plane) verdictsOf(check string) verdicts {
	out := verdicts{location: l.region, states: map[netip.AddrPort]control.Verdict{}}
	for _, v := range l.prober.Verdicts() {
		if v.Check == check {
			out.states[v.Address] = control.Verdict{State: v.State.String(), Detail: v.Detail}
		}
	}
	return out
}
