package compute

import (
	"fmt"

	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
	"github.com/spillway-lb/spillway/internal/names"
)

// EndpointHeaders are those of `gcloud compute network-endpoint-groups list-network-endpoints`.
func EndpointHeaders() []string { return []string{"INSTANCE", "IP_ADDRESS", "PORT", "FQDN"} }

// Endpoints returns the endpoints of the groups of a name that the caller wants; ok is false if there is no such group.
func Endpoints(m Model, name string, wanted func(group Resource) bool) (endpoints []Resource, ok bool) {
	v := newView(m)
	groups := map[string]bool{}
	for _, r := range m.GetResources() {
		if group, isGroup := endpointGroup(v, r); isGroup && group.Name == name && wanted(group) {
			groups[r.GetName()] = true
		}
	}
	for _, r := range m.GetResources() {
		shard := r.GetEndpointShard()
		if !groups[shard.GetGroup()] {
			continue
		}
		for _, e := range shard.GetEndpoints() {
			endpoints = append(endpoints, v.endpoint(shard.GetGroup(), e))
		}
	}
	return endpoints, len(groups) > 0
}

func (v view) endpoint(group string, e *lbv1.Endpoint) Resource {
	zone, _ := names.SplitGroup(group)
	f := map[string]any{"ipAddress": e.GetAddress(), "port": e.GetPort()}
	if e.GetInstance() != "" {
		f["instance"] = Link(v.Project, "zones/"+zone+"/instances", e.GetInstance())
	}
	return Resource{
		Cells: []string{e.GetInstance(), e.GetAddress(), fmt.Sprint(e.GetPort()), ""}, Fields: map[string]any{"networkEndpoint": f},
	}
}
