package neg

import (
	"slices"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/spillway-lb/spillway/internal/digest"
	"github.com/spillway-lb/spillway/internal/kind"
	"github.com/spillway-lb/spillway/internal/names"
	"github.com/spillway-lb/spillway/internal/recompute"
	"github.com/spillway-lb/spillway/internal/store"
)

const (
	// maxFields is how many characters namespace, Service and port share in a name of at most 63; in a regional one a letter
	// and a dash are left out of them.
	maxFields = 38
	uidLength = 8
)

// Name returns k8s1-UID8-NAMESPACE-SERVICE-PORT-HASH8, as GKE's NEG controller builds it. The port is the Service's.
func Name(clusterUID, namespace, service string, port int32) string {
	return name("", clusterUID, namespace, service, port)
}

// RegionalName is Name with a letter behind the UID, k8s1-UID8-i-..., for a backend service that is there beside the global
// one: "e" is ingress-gce's for a regional external load balancer, "i" ours for an internal one.
func RegionalName(letter, clusterUID, namespace, service string, port int32) string {
	return name(letter, clusterUID, namespace, service, port)
}

func name(letter, clusterUID, namespace, service string, port int32) string {
	uid := clusterUID[:min(uidLength, len(clusterUID))]
	number := strconv.FormatInt(int64(port), 10)
	hash := digest.Hex(strings.Join([]string{uid, namespace, service, number}, ";"), 8)
	prefix, budget := []string{"k8s1", uid}, maxFields
	if letter != "" {
		prefix, budget = append(prefix, letter), maxFields-len(letter)-1
	}
	return strings.Join(append(append(prefix, names.TrimEvenly(budget, namespace, service, number)...), hash), "-")
}

// ClusterUID is what a cluster is known by in names: the first eight hex digits of the hash of its name, unless its
// ConfigMap kube-system/ingress-uid says otherwise, as on GKE.
func ClusterUID(v *recompute.View, cluster string) string { return clusterUID(v.Get, cluster) }

// Names are those that the groups of a Service's ports will have if nobody else has them: names are the users', "" for generated ones.
func Names(get func(store.Ref) store.Object, cluster string, service *corev1.Service, ports map[int32]string) []string {
	uid := clusterUID(get, cluster)
	var all []string
	for port, name := range ports {
		if name == "" {
			name = Name(uid, service.Namespace, service.Name, port)
		}
		all = append(all, name)
	}
	slices.Sort(all)
	return all
}

func clusterUID(get func(store.Ref) store.Object, cluster string) string {
	ref := store.Ref{Cluster: cluster, Kind: kind.ConfigMap, Namespace: "kube-system", Name: "ingress-uid"}
	if m, ok := get(ref).(*corev1.ConfigMap); ok && m.Data["uid"] != "" {
		return m.Data["uid"]
	}
	return digest.Hex(cluster, uidLength)
}
