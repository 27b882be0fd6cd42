package computeapi

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"

	api "google.golang.org/api/compute/v1"

	"github.com/spillway-lb/spillway/internal/compute"
	"github.com/spillway-lb/spillway/internal/control"
	"github.com/spillway-lb/spillway/internal/names"
)

// maxBody bounds the body of a request: those that are read hold a field or two.
const maxBody = 1 << 20

// decode reads the body of a request. None is as good as an empty one.
func (c *call) decode(into any) error {
	err := json.NewDecoder(io.LimitReader(c.Body, maxBody)).Decode(into)
	if err == nil || errors.Is(err, io.EOF) {
		return nil
	}
	return &Error{Code: http.StatusBadRequest, Reason: "parseError", Message: "Parse Error: " + err.Error()}
}

// getHealth answers for one group of a backend service.
func (c *call) getHealth() (any, error) {
	_, service, err := c.one()
	if err != nil {
		return nil, err
	}
	var request api.ResourceGroupReference
	if err := c.decode(&request); err != nil {
		return nil, err
	}
	group, ok := groupOf(request.Group)
	backends := service.Source.GetBackendService().GetBackends()
	used := false
	for _, b := range backends {
		used = used || b.GetGroup() == group
	}
	if !ok || !used {
		return nil, invalid("resource.group", request.Group, "The group is none of the backend service's.")
	}
	endpoints, _ := c.front.source.Health(service.Name)
	health := &api.BackendServiceGroupHealth{Kind: "compute#backendServiceGroupHealth"}
	for _, e := range endpoints {
		if e.Group == group && e.Address != "" {
			health.HealthStatus = append(health.HealthStatus, &api.HealthStatus{
				HealthState: stateOf(e), IpAddress: e.Address, Port: int64(e.Port),
				Instance: compute.InstanceLink(c.edition.info.Project(), e.Zone, e.Instance),
			})
		}
	}
	return health, nil
}

// groupOf is the model's name of the NEG that a URL, or the end of one, leads to.
func groupOf(url string) (group string, ok bool) {
	parts := strings.Split(url, "/")
	i := slices.Index(parts, "networkEndpointGroups")
	if i < 1 || i+2 != len(parts) {
		return "", false
	}
	zone := parts[i-1]
	if zone == "global" {
		zone = ""
	}
	return names.Group(zone, parts[i+1]), true
}

func stateOf(e control.Endpoint) string {
	if e.Draining {
		return "DRAINING"
	}
	return e.State
}

// listNetworkEndpoints lists the endpoints of a NEG by pages.
func (c *call) listNetworkEndpoints() (any, error) {
	_, group, err := c.one()
	if err != nil {
		return nil, err
	}
	var request api.NetworkEndpointGroupsListEndpointsRequest
	if err := c.decode(&request); err != nil {
		return nil, err
	}
	switch request.HealthStatus {
	case "", "SKIP", "SHOW":
	default:
		return nil, invalid("resource.healthStatus", request.HealthStatus, "It is SHOW or SKIP.")
	}
	endpoints := c.edition.endpointsOf(group)
	page, err := pageOf(c, endpoints, endpointKey, func(e compute.Endpoint) (map[string]any, error) {
		return map[string]any{"networkEndpoint": map[string]any{
			"ipAddress": e.GetAddress(), "port": e.GetPort(), "instance": c.edition.view.NetworkEndpoint(e).Instance,
		}}, nil
	})
	if err != nil {
		return nil, err
	}
	out := &api.NetworkEndpointGroupsListNetworkEndpoints{
		Kind: "compute#networkEndpointGroupsListNetworkEndpoints", Id: strings.TrimSuffix(c.path(), "/listNetworkEndpoints"),
		NextPageToken: page.next,
	}
	var healths map[[2]string][]*api.HealthStatusForNetworkEndpoint
	if request.HealthStatus == "SHOW" {
		healths = c.healthsOf(group)
	}
	for _, e := range page.items {
		out.Items = append(out.Items, &api.NetworkEndpointWithHealthStatus{
			NetworkEndpoint: c.edition.view.NetworkEndpoint(e), Healths: healths[[2]string(endpointKey(e)[:2])],
		})
	}
	return out, nil
}

// endpointKey is no two endpoints' of a group: Pods, which the model lists, may not share address and port.
func endpointKey(e compute.Endpoint) []string {
	return []string{e.GetAddress(), strconv.FormatUint(uint64(e.GetPort()), 10), e.GetPod()}
}

// healthsOf are the verdicts on a group's endpoints, of each backend service that uses it, by address and port.
func (c *call) healthsOf(group compute.Resource) map[[2]string][]*api.HealthStatusForNetworkEndpoint {
	out := map[[2]string][]*api.HealthStatusForNetworkEndpoint{}
	view := c.edition.view
	for _, service := range view.ServicesOf(group.Location.Zone, group.Name) {
		endpoints, _ := c.front.source.Health(service)
		for _, e := range endpoints {
			if e.Group != names.Group(group.Location.Zone, group.Name) || e.Address == "" {
				continue
			}
			key := [2]string{e.Address, strconv.FormatUint(uint64(e.Port), 10)}
			health := &api.HealthStatusForNetworkEndpoint{
				BackendService: &api.BackendServiceReference{BackendService: view.ServiceLink(service)}, HealthState: stateOf(e),
			}
			if link := view.CheckLink(service); link != "" {
				health.HealthCheck = &api.HealthCheckReference{HealthCheck: link}
			}
			out[key] = append(out[key], health)
		}
	}
	return out
}
