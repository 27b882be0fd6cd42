package standalone

import (
	"net/netip"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/spillway-lb/spillway/internal/address"
	"github.com/spillway-lb/spillway/internal/fleet"
	"github.com/spillway-lb/spillway/internal/kind"
	"github.com/spillway-lb/spillway/internal/recompute"
	"github.com/spillway-lb/spillway/internal/standalone/nodes"
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
		n := node(member, zone, addresses[zone])
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

// kubeletVersion is what the Nodes say that runs on them.
const kubeletVersion = "v1.34.1-gke.1000"

func node(m fleet.Member, zone string, at netip.Addr) *corev1.Node {
	n := nodes.New(nodes.Place{
		Cluster: m.Name, Region: m.Region, Zone: zone, Project: m.ProjectID, Address: at, Version: kubeletVersion,
	})
	n.Labels[labelFabricated] = "true"
	return n
}
