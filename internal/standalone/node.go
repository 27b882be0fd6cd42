package standalone

import (
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/spillway-lb/spillway/internal/address"
	"github.com/spillway-lb/spillway/internal/digest"
	"github.com/spillway-lb/spillway/internal/fleet"
	"github.com/spillway-lb/spillway/internal/kind"
	"github.com/spillway-lb/spillway/internal/recompute"
	"github.com/spillway-lb/spillway/internal/store"
)

// unitCluster is the unit kind that gives a cluster its Nodes and system namespaces. Its key is a Cluster's Ref.
const unitCluster = "standalone.cluster"

// labelFabricated marks the Nodes that stand for a cluster's zones.
const labelFabricated = "spillway.dev/fabricated"

// systemNamespaces are there in every cluster.
var systemNamespaces = []string{"default", "kube-node-lease", "kube-public", "kube-system"}

func (u units) translateCluster(v *recompute.View, key string) recompute.Result {
	ref, _ := store.ParseRef(key)
	members, _, _ := recompute.Value[*fleet.Fleet](v, fleet.UnitMembers, "")
	if members == nil {
		return recompute.Result{State: recompute.Absent}
	}
	member, ok := members.Member(ref.Cluster)
	if !ok {
		return recompute.Result{State: recompute.Absent}
	}
	if member.ProjectID == "" {
		member.ProjectID = u.project
	}
	result := recompute.Result{State: recompute.Present}
	for _, name := range systemNamespaces {
		result.Writes = append(result.Writes, objectWrite(ref.Cluster, namespace(name)))
	}
	taken := zonesWithNodes(v, ref.Cluster)
	addresses := address.Assign(member.Zones, address.Nodes(member.Name))
	for _, zone := range member.Zones {
		if taken[zone] {
			continue
		}
		n := node(member, zone, addresses[zone].String())
		status := n.Status
		result.Writes = append(result.Writes, objectWrite(ref.Cluster, n),
			recompute.Write{Ref: store.RefTo(ref.Cluster, n), Part: recompute.PartStatus, Value: &status})
	}
	return result
}

// zonesWithNodes are the zones in which the user wrote Nodes.
func zonesWithNodes(v *recompute.View, cluster string) map[string]bool {
	zones := map[string]bool{}
	for _, ref := range v.List(kind.Node, cluster, "") {
		n, ok := recompute.Get[*corev1.Node](v, ref)
		if ok && n.Labels[labelFabricated] == "" {
			zones[n.Labels[corev1.LabelTopologyZone]] = true
		}
	}
	return zones
}

func objectWrite(cluster string, o store.Object) recompute.Write {
	return recompute.Write{Ref: store.RefTo(cluster, o), Part: recompute.PartObject, Value: o}
}

func namespace(name string) *corev1.Namespace {
	return &corev1.Namespace{
		TypeMeta:   metav1.TypeMeta{APIVersion: "v1", Kind: "Namespace"},
		ObjectMeta: metav1.ObjectMeta{Name: name, Labels: map[string]string{corev1.LabelMetadataName: name}},
		Spec:       corev1.NamespaceSpec{Finalizers: []corev1.FinalizerName{corev1.FinalizerKubernetes}},
		Status:     corev1.NamespaceStatus{Phase: corev1.NamespaceActive},
	}
}

// nodeName is gke-CLUSTER-default-pool-HASH8-XXXX, as GKE names the Nodes of the default pool. A long cluster name is
// cut to GKE's length.
func nodeName(cluster, zone string) string {
	pool, instance := digest.Hex("pool "+cluster, 8), digest.Base36("instance "+cluster+" "+zone, 4)
	return "gke-" + cluster[:min(18, len(cluster))] + "-default-pool-" + pool + "-" + instance
}

func node(m fleet.Member, zone, ip string) *corev1.Node {
	name := nodeName(m.Name, zone)
	capacity := corev1.ResourceList{
		corev1.ResourceCPU: resource.MustParse("2"), corev1.ResourceMemory: resource.MustParse("4025892Ki"),
		corev1.ResourcePods: *resource.NewQuantity(maxPods, resource.DecimalSI),
	}
	return &corev1.Node{
		TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: kind.Node},
		ObjectMeta: metav1.ObjectMeta{Name: name, Labels: map[string]string{
			labelFabricated: "true", corev1.LabelHostname: name, corev1.LabelOSStable: "linux", corev1.LabelArchStable: "amd64",
			corev1.LabelTopologyRegion: m.Region, corev1.LabelTopologyZone: zone,
			corev1.LabelInstanceTypeStable: "e2-medium", "cloud.google.com/gke-nodepool": "default-pool",
		}},
		Spec: corev1.NodeSpec{ProviderID: "gce://" + m.ProjectID + "/" + zone + "/" + name},
		Status: corev1.NodeStatus{
			Capacity: capacity, Allocatable: capacity,
			Conditions: []corev1.NodeCondition{{
				Type: corev1.NodeReady, Status: corev1.ConditionTrue, Reason: "KubeletReady",
				Message: "kubelet is posting ready status",
			}},
			Addresses: []corev1.NodeAddress{
				{Type: corev1.NodeInternalIP, Address: ip},
				{Type: corev1.NodeHostName, Address: name + ".c." + m.ProjectID + ".internal"},
			},
			NodeInfo: corev1.NodeSystemInfo{
				KubeletVersion: "v1.34.1-gke.1000", OperatingSystem: "linux", Architecture: "amd64",
				OSImage: "Spillway", ContainerRuntimeVersion: "spillway://1",
			},
		},
	}
}
