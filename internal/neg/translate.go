package neg

import (
	"encoding/json"
	"maps"
	"net"
	"net/netip"
	"slices"
	"strconv"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
	"github.com/spillway-lb/spillway/internal/fact"
	"github.com/spillway-lb/spillway/internal/fleet"
	"github.com/spillway-lb/spillway/internal/kind"
	"github.com/spillway-lb/spillway/internal/names"
	"github.com/spillway-lb/spillway/internal/neg/annotation"
	"github.com/spillway-lb/spillway/internal/recompute"
	"github.com/spillway-lb/spillway/internal/shard"
)

// maxShard is the largest number of endpoints in a shard.
const maxShard = 256

func translateMembers(v *recompute.View, key string) recompute.Result {
	of, ok := parseKey(key)
	if !ok {
		return recompute.Result{State: recompute.Absent}
	}
	service, ok := recompute.Get[*corev1.Service](v, of.serviceRef())
	if !ok {
		if fact.Pending(v, of.cluster, kind.Service) {
			v.Hold()
		}
		return recompute.Result{State: recompute.Absent}
	}
	port, ok := annotation.Port(service, of.port)
	if !ok || service.Spec.Type == corev1.ServiceTypeExternalName {
		return recompute.Result{State: recompute.Absent}
	}
	topology, held := topologyOf(v, of.cluster)
	wanted, heldToo := wantedBy(v, of.serviceRef())
	custom, strict := wanted.port(of.port)
	if held || heldToo || fact.Pending(v, of.cluster, kind.EndpointSlice, kind.ConfigMap) || strict && fact.Pending(v, of.cluster, kind.Pod) {
		return recompute.Result{State: recompute.Held}
	}
	c := &collector{view: v, of: of, portName: port.Name, topology: topology, members: map[netip.AddrPort]member{}}
	all := slicesOf(v, of)
	sync := c.collect(service, all, strict)
	endpoints := c.byZone()
	zones := union(topology.Zones, slices.Collect(maps.Keys(endpoints)))
	naming := nameOf(v, of, service, custom, zones)
	b := builder{of: of, uid: ClusterUID(v, of.cluster), name: naming.name, topology: topology, defaultPort: defaultPort(port, all), strict: strict}
	b.addZones(endpoints, union(zones, zonesBefore(v, svcnegRef(of, naming.name))))
	result := recompute.Result{State: recompute.Present, Tallies: naming.tallies}
	switch {
	case strict:
		b.unlisted = unlisted(v, of.serviceRef())
		result.Writes = []recompute.Write{b.report(service, port, naming, sync)}
	case naming.asked != "":
		result.Writes = []recompute.Write{conflictEvent(of.serviceRef(), naming)}
	}
	groups := &Groups{Groups: b.groups, Name: naming.name, Asked: naming.asked, Holder: naming.holder, PortName: port.Name}
	if port.AppProtocol != nil {
		groups.AppProtocol = *port.AppProtocol
	}
	result.Value, result.Resources = &members{groups, b.sizes}, b.resources
	return result
}

// builder makes the groups and resources of one Service port.
type builder struct {
	of          portOf
	uid, name   string
	topology    *topology
	defaultPort uint32
	// strict: somebody looks after the groups, and is told of them.
	strict bool
	// unlisted is the report's.
	unlisted bool

	groups    []Group
	sizes     Sizes
	resources []*lbv1.Resource
	reported  []ReportZone
}

// collect gathers the endpoints of the port: strictly, if somebody looks after its groups.
func (c *collector) collect(service *corev1.Service, all []*discoveryv1.EndpointSlice, strict bool) (sync syncResult) {
	if !strict {
		c.addSlices(all, families(service))
		return syncResult{}
	}
	sync = c.sync(service, all)
	c.members = sync.members
	return sync
}

// addZones makes a group for each zone: those with Nodes, with endpoints, or that had one before.
func (b *builder) addZones(endpoints map[string][]*lbv1.Endpoint, zones []string) {
	b.sizes = make(Sizes, len(zones))
	for _, zone := range zones {
		at := len(b.resources)
		b.addGroup(names.Group(zone, b.name), zone, endpoints[zone])
		if b.strict {
			b.reportZone(zone, at)
		}
	}
}

func (b *builder) addGroup(name, zone string, endpoints []*lbv1.Endpoint) {
	region := b.topology.region(zone)
	shards := shard.Split(endpoints, maxShard, endpointName)
	b.groups = append(b.groups, Group{Name: name, Region: region, Zone: zone, Cluster: b.of.cluster, Key: b.of.key()})
	b.sizes[name] = working(endpoints)
	b.resources = append(b.resources, &lbv1.Resource{Name: name, Body: &lbv1.Resource_NetworkEndpointGroup{
		NetworkEndpointGroup: &lbv1.NetworkEndpointGroup{
			Region: region, Zone: zone, Cluster: b.of.cluster, DefaultPort: b.defaultPort,
			Shards: uint32(len(shards)), Description: b.description(),
		},
	}})
	for i, members := range shards {
		b.resources = append(b.resources, &lbv1.Resource{
			Name: name + "/" + strconv.Itoa(i),
			Body: &lbv1.Resource_EndpointShard{
				EndpointShard: &lbv1.EndpointShard{Group: name, Index: uint32(i), Endpoints: members},
			},
		})
	}
}

// working is how many endpoints do not terminate.
func working(endpoints []*lbv1.Endpoint) int {
	n := 0
	for _, e := range endpoints {
		if !e.GetDraining() {
			n++
		}
	}
	return n
}

func endpointName(e *lbv1.Endpoint) string {
	return net.JoinHostPort(e.GetAddress(), strconv.FormatUint(uint64(e.GetPort()), 10))
}

// description is the JSON that GKE writes, by which a group is traced back to its Service.
func (b *builder) description() string {
	text, err := json.Marshal(struct {
		UID       string `json:"cluster-uid"`
		Namespace string `json:"namespace"`
		Service   string `json:"service-name"`
		Port      string `json:"port"`
	}{b.uid, b.of.namespace, b.of.service, strconv.FormatInt(int64(b.of.port), 10)})
	if err != nil {
		panic("neg: four strings do not marshal: " + err.Error())
	}
	return string(text)
}

func slicesOf(v *recompute.View, of portOf) []*discoveryv1.EndpointSlice {
	var all []*discoveryv1.EndpointSlice
	for _, ref := range fleet.Slices(v, of.cluster, of.namespace, of.service) {
		if slice, ok := recompute.Get[*discoveryv1.EndpointSlice](v, ref); ok {
			all = append(all, slice)
		}
	}
	return all
}

// defaultPort is the target port if it is a number, else what the slices say, else the Service's.
func defaultPort(port corev1.ServicePort, all []*discoveryv1.EndpointSlice) uint32 {
	if port.TargetPort.Type == intstr.Int && port.TargetPort.IntVal > 0 {
		return uint32(port.TargetPort.IntVal)
	}
	for _, slice := range all {
		if number, ok := slicePort(slice, port.Name); ok {
			return uint32(number)
		}
	}
	return uint32(port.Port)
}
