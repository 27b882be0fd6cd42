package compute

import (
	api "google.golang.org/api/compute/v1"

	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
	"github.com/spillway-lb/spillway/internal/names"
)

func groups(v *View, r *lbv1.Resource) []Resource {
	g := r.GetNetworkEndpointGroup()
	if g == nil {
		return nil
	}
	zone, name := names.SplitGroup(r.GetName())
	return v.at(r, Location{Zone: zone}, "networkEndpointGroups", name, v.owners[r.GetName()], func(head Resource) shown {
		group := &api.NetworkEndpointGroup{
			Kind: "compute#networkEndpointGroup", Id: head.ID(), Name: name, SelfLink: head.selfLink(), CreationTimestamp: head.created(),
			Description: g.GetDescription(), NetworkEndpointType: "GCE_VM_IP_PORT", DefaultPort: int64(g.GetDefaultPort()),
			Size: int64(v.sizes[r.GetName()]), ForceSendFields: []string{"Size"},
		}
		if zone != "" {
			group.Zone = computeURL + "projects/" + v.Project + "/zones/" + zone
		}
		if g.GetCluster() != "" {
			group.Annotations = map[string]string{"cluster": g.GetCluster()}
		}
		return shown{body: group}
	})
}

// Endpoint is a member of a NEG.
type Endpoint struct {
	*lbv1.Endpoint
	// Group is the NEG's name in the model.
	Group string
}

// Endpoints returns the endpoints of a NEG in their order.
func (v *View) Endpoints(zone, name string) []Endpoint {
	group := names.Group(zone, name)
	out := make([]Endpoint, 0, v.sizes[group])
	for _, shard := range v.shards[group] {
		for _, e := range shard.GetEndpoints() {
			out = append(out, Endpoint{e, group})
		}
	}
	return out
}

// NetworkEndpoint is how the API shows an endpoint.
func (v *View) NetworkEndpoint(e Endpoint) *api.NetworkEndpoint {
	zone, _ := names.SplitGroup(e.Group)
	return &api.NetworkEndpoint{
		IpAddress: e.GetAddress(), Port: int64(e.GetPort()), Instance: InstanceLink(v.Project, zone, e.GetInstance()),
	}
}

// InstanceLink is the URL of a Node, "" for none: an endpoint that a user wrote by hand may name no Node.
func InstanceLink(project, zone, instance string) string {
	if instance == "" {
		return ""
	}
	return Link(project, Location{Zone: zone}, "instances", instance)
}

// ServicesOf are the names of the backend services that use a NEG.
func (v *View) ServicesOf(zone, name string) []string { return v.used[names.Group(zone, name)] }

// ServiceLink is the URL of a backend service.
func (v *View) ServiceLink(name string) string { return v.service(name) }

// CheckLink is the URL of a backend service's health check, "" without one.
func (v *View) CheckLink(service string) string {
	if v.checks[service] == "" {
		return ""
	}
	return v.link(v.regions.services[service], "healthChecks", v.checks[service])
}
