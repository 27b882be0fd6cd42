package neg

import (
	"maps"
	"net/netip"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/spillway-lb/spillway/internal/fact"
	"github.com/spillway-lb/spillway/internal/fleet"
	"github.com/spillway-lb/spillway/internal/kind"
	"github.com/spillway-lb/spillway/internal/recompute"
	"github.com/spillway-lb/spillway/internal/store"
)

const (
	// unitNodes is the unit kind of a cluster's zones. Its key is the cluster, its value a *topology.
	unitNodes = "neg.nodes"
	// unitNode is what matters of one Node, whose object changes with every heartbeat. Its key is the Node's Ref, its value a
	// placement.
	unitNode = "neg.node"
)

// placement is where a Node is.
type placement struct {
	// Zone and Region are "" if the Node does not say.
	Zone, Region string
	// Candidate: the Node's zone gets groups.
	Candidate bool
	// PodRanges are the CIDRs of its Pods, separated by commas; "" if it has none.
	PodRanges string
}

// ranges are the CIDRs of the Node's Pods.
func (p placement) ranges() []netip.Prefix {
	var out []netip.Prefix
	for text := range strings.SplitSeq(p.PodRanges, ",") {
		if cidr, err := netip.ParsePrefix(text); err == nil {
			out = append(out, cidr)
		}
	}
	return out
}

func translateNode(v *recompute.View, key string) recompute.Result {
	ref, _ := store.ParseRef(key)
	node, ok := recompute.Get[*corev1.Node](v, ref)
	if !ok {
		return recompute.Result{}
	}
	return recompute.Result{State: recompute.Present, Value: placement{
		Zone: zoneOf(node), Region: node.Labels[corev1.LabelTopologyRegion], Candidate: isCandidate(node),
		PodRanges: podRanges(node),
	}}
}

// topology is where the Nodes of a cluster are.
type topology struct {
	// ZoneOf is the zone of each Node.
	ZoneOf map[string]string
	// RegionOf is the region of each zone that is known.
	RegionOf map[string]string
	// Zones have a Node that may take traffic, sorted.
	Zones []string
	// Default is the zone of endpoints that tell nothing of theirs.
	Default string
}

func translateNodes(v *recompute.View, cluster string) recompute.Result {
	if fact.Pending(v, cluster, kind.Node) {
		return recompute.Result{State: recompute.Held}
	}
	t := &topology{ZoneOf: map[string]string{}, RegionOf: map[string]string{}}
	member := fleet.MemberOf(v, cluster)
	if len(member.Zones) == 0 {
		member = fleet.Member{Region: fleet.DefaultRegion, Zones: []string{fleet.DefaultRegion + "-a"}}
	}
	t.Default = member.Zones[0]
	for _, zone := range member.Zones {
		t.RegionOf[zone] = member.Region
	}
	t.addNodes(v, cluster)
	if len(t.Zones) == 0 {
		t.Zones = slices.Sorted(slices.Values(member.Zones))
	}
	uid := recompute.Tally{Index: tallyUIDs, Key: ClusterUID(v, cluster), Member: cluster}
	return recompute.Result{State: recompute.Present, Value: t, Tallies: []recompute.Tally{uid}}
}

func (t *topology) addNodes(v *recompute.View, cluster string) {
	candidates := map[string]struct{}{}
	for _, ref := range v.List(kind.Node, cluster, "") {
		at, ok, _ := recompute.Value[placement](v, unitNode, ref.String())
		if !ok {
			continue
		}
		zone := at.Zone
		if zone == "" {
			zone = t.Default
		}
		t.ZoneOf[ref.Name] = zone
		if at.Region != "" {
			t.RegionOf[zone] = at.Region
		}
		if at.Candidate {
			candidates[zone] = struct{}{}
		}
	}
	t.Zones = slices.Sorted(maps.Keys(candidates))
}

// region returns the region of a zone; an unknown zone is named after its region, as Google's are.
func (t *topology) region(zone string) string {
	if region, ok := t.RegionOf[zone]; ok {
		return region
	}
	if i := strings.LastIndexByte(zone, '-'); i > 0 {
		return zone[:i]
	}
	return zone
}

func podRanges(node *corev1.Node) string {
	if len(node.Spec.PodCIDRs) > 0 {
		return strings.Join(node.Spec.PodCIDRs, ",")
	}
	return node.Spec.PodCIDR
}

// zoneOf reads the Node's label, else its provider ID, SCHEME://PROJECT/ZONE/INSTANCE.
func zoneOf(node *corev1.Node) string {
	if zone := node.Labels[corev1.LabelTopologyZone]; zone != "" {
		return zone
	}
	_, path, _ := strings.Cut(node.Spec.ProviderID, "://")
	if part := strings.Split(path, "/"); len(part) == 3 {
		return part[1]
	}
	return ""
}

// isCandidate tells whether the Node's zone gets groups. Endpoints on other Nodes are members all the same.
func isCandidate(node *corev1.Node) bool {
	for _, label := range []string{
		"node-role.kubernetes.io/master",
		corev1.LabelNodeExcludeBalancers,
		"alpha.service-controller.kubernetes.io/exclude-balancer",
	} {
		if _, excluded := node.Labels[label]; excluded {
			return false
		}
	}
	for _, taint := range node.Spec.Taints {
		if taint.Key == "ToBeDeletedByClusterAutoscaler" {
			return false
		}
	}
	for _, c := range node.Status.Conditions {
		if c.Type == corev1.NodeReady && c.Status != corev1.ConditionTrue {
			return false
		}
	}
	return true
}

// topologyOf returns the topology of a cluster; held tells that it is not known now.
func topologyOf(v *recompute.View, cluster string) (t *topology, held bool) {
	t, _, held = recompute.Value[*topology](v, unitNodes, cluster)
	return t, held
}

// nodeOfPod repairs an endpoint that names its Pod and not its Node.
func nodeOfPod(v *recompute.View, ref store.Ref) string {
	pod, ok := recompute.Get[*corev1.Pod](v, ref)
	if !ok {
		return ""
	}
	return pod.Spec.NodeName
}
