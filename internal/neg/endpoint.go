package neg

import (
	"net/netip"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"

	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
	"github.com/spillway-lb/spillway/internal/recompute"
)

// member is an endpoint and the zone whose group it belongs to.
type member struct {
	zone     string
	endpoint *lbv1.Endpoint
}

// collector gathers the endpoints of one Service port.
type collector struct {
	view     *recompute.View
	of       portOf
	portName string
	topology *topology
	members  map[netip.AddrPort]member
}

// addSlices takes the slices of one address family: the first that has any, so that a Pod with two addresses is one
// endpoint.
func (c *collector) addSlices(all []*discoveryv1.EndpointSlice, families []discoveryv1.AddressType) {
	for _, family := range families {
		for _, slice := range all {
			if slice.AddressType == family {
				c.addSlice(slice)
			}
		}
		if len(c.members) > 0 {
			return
		}
	}
}

func (c *collector) addSlice(slice *discoveryv1.EndpointSlice) {
	port, ok := slicePort(slice, c.portName)
	if !ok {
		return
	}
	for i := range slice.Endpoints {
		e := &slice.Endpoints[i]
		if len(e.Addresses) == 0 {
			continue
		}
		addr, err := netip.ParseAddr(e.Addresses[0])
		if err != nil {
			continue
		}
		add(c.members, netip.AddrPortFrom(addr.Unmap(), port), c.member(e))
	}
}

// add keeps one of several entries of an address: the one whose Pod comes first by name.
func add(to map[netip.AddrPort]member, at netip.AddrPort, m member) {
	if old, ok := to[at]; ok && old.endpoint.GetPod() <= m.endpoint.GetPod() {
		return
	}
	m.endpoint.Address, m.endpoint.Port = at.Addr().String(), uint32(at.Port())
	to[at] = m
}

// member says where an endpoint stands. One that is not ready is a member, because health checks decide; one that
// terminates drains.
func (c *collector) member(e *discoveryv1.Endpoint) member {
	m := member{endpoint: &lbv1.Endpoint{}}
	if e.Conditions.Terminating != nil {
		m.endpoint.Draining = *e.Conditions.Terminating
	}
	node := ""
	if e.NodeName != nil {
		node = *e.NodeName
	}
	if pod, ok := targetPod(c.of, e.TargetRef); ok {
		m.endpoint.Pod = pod.Namespace + "/" + pod.Name
		if node == "" {
			node = nodeOfPod(c.view, pod)
		}
	}
	m.endpoint.Instance = node
	m.zone = c.zone(node, e.Zone)
	return m
}

// zone prefers what the Node says over what the slice says.
func (c *collector) zone(node string, sliceZone *string) string {
	if zone, ok := c.topology.ZoneOf[node]; ok {
		return zone
	}
	if sliceZone != nil && *sliceZone != "" {
		return *sliceZone
	}
	return c.topology.Default
}

// byZone returns the endpoints of each zone in order of address.
func (c *collector) byZone() map[string][]*lbv1.Endpoint {
	addresses := make([]netip.AddrPort, 0, len(c.members))
	for at := range c.members {
		addresses = append(addresses, at)
	}
	slices.SortFunc(addresses, netip.AddrPort.Compare)
	zones := map[string][]*lbv1.Endpoint{}
	for _, at := range addresses {
		m := c.members[at]
		zones[m.zone] = append(zones[m.zone], m.endpoint)
	}
	return zones
}

// slicePort returns the number of the slice's port of that name.
func slicePort(slice *discoveryv1.EndpointSlice, name string) (uint16, bool) {
	for _, p := range slice.Ports {
		if p.Port == nil || *p.Port < 1 || *p.Port > 65535 {
			continue
		}
		if (p.Name == nil && name == "") || (p.Name != nil && *p.Name == name) {
			return uint16(*p.Port), true
		}
	}
	return 0, false
}

// families returns the address types to look at, the preferred one first.
func families(service *corev1.Service) []discoveryv1.AddressType {
	order := []discoveryv1.AddressType{discoveryv1.AddressTypeIPv4, discoveryv1.AddressTypeIPv6}
	if f := service.Spec.IPFamilies; len(f) > 0 && strings.EqualFold(string(f[0]), string(order[1])) {
		slices.Reverse(order)
	}
	return order
}
