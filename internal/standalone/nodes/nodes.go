// Package nodes makes the Node objects of machines that there are none of, as GKE's look.
//
// In: where a Node stands. Out: the object. It is pure.
//
//	n := nodes.New(nodes.Place{Cluster: "gke-west-1", Region: "us-west1", Zone: "us-west1-a", Project: "p", Address: addr})
package nodes

import (
	"net/netip"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/spillway-lb/spillway/internal/digest"
	"github.com/spillway-lb/spillway/internal/kind"
)

// maxPods is what a Node says that it takes.
const maxPods = 110

// Place is where a Node stands.
type Place struct {
	Cluster string
	Region  string
	Zone    string
	// Instance tells the Nodes of a zone apart; most zones have one, "".
	Instance string
	Project  string
	Address  netip.Addr
	// Version is that of its kubelet.
	Version string
}

// Name is gke-CLUSTER-default-pool-HASH8-XXXX, as GKE names the Nodes of the default pool. A long cluster name is cut to
// GKE's length.
func (p Place) Name() string {
	pool, instance := digest.Hex("pool "+p.Cluster, 8), digest.Base36("instance "+p.Cluster+" "+p.Zone+p.Instance, 4)
	return "gke-" + p.Cluster[:min(18, len(p.Cluster))] + "-default-pool-" + pool + "-" + instance
}

// New makes the object.
func New(p Place) *corev1.Node {
	name := p.Name()
	capacity := corev1.ResourceList{
		corev1.ResourceCPU: resource.MustParse("2"), corev1.ResourceMemory: resource.MustParse("4025892Ki"),
		corev1.ResourcePods: *resource.NewQuantity(maxPods, resource.DecimalSI),
	}
	return &corev1.Node{
		TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: kind.Node},
		ObjectMeta: metav1.ObjectMeta{Name: name, Labels: map[string]string{
			corev1.LabelHostname: name, corev1.LabelOSStable: "linux", corev1.LabelArchStable: "amd64",
			corev1.LabelTopologyRegion: p.Region, corev1.LabelTopologyZone: p.Zone,
			corev1.LabelInstanceTypeStable: "e2-medium", "cloud.google.com/gke-nodepool": "default-pool",
		}},
		Spec: corev1.NodeSpec{ProviderID: "gce://" + p.Project + "/" + p.Zone + "/" + name},
		Status: corev1.NodeStatus{
			Capacity: capacity, Allocatable: capacity,
			Conditions: []corev1.NodeCondition{{
				Type: corev1.NodeReady, Status: corev1.ConditionTrue, Reason: "KubeletReady",
				Message: "kubelet is posting ready status",
			}},
			Addresses: []corev1.NodeAddress{
				{Type: corev1.NodeInternalIP, Address: p.Address.String()},
				{Type: corev1.NodeHostName, Address: name + ".c." + p.Project + ".internal"},
			},
			NodeInfo: corev1.NodeSystemInfo{
				KubeletVersion: p.Version, OperatingSystem: "linux", Architecture: "amd64",
				OSImage: "Spillway", ContainerRuntimeVersion: "spillway://1",
			},
		},
	}
}
