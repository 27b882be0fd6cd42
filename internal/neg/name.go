package neg

import (
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/spillway-lb/spillway/internal/digest"
	"github.com/spillway-lb/spillway/internal/kind"
	"github.com/spillway-lb/spillway/internal/recompute"
	"github.com/spillway-lb/spillway/internal/store"
)

const (
	// maxFields is how many characters namespace, Service and port share in a name of at most 63.
	maxFields = 38
	uidLength = 8
)

// Name returns k8s1-UID8-NAMESPACE-SERVICE-PORT-HASH8, as GKE's NEG controller builds it. The port is the Service's.
func Name(clusterUID, namespace, service string, port int32) string {
	uid := clusterUID[:min(uidLength, len(clusterUID))]
	number := strconv.FormatInt(int64(port), 10)
	hash := digest.Hex(strings.Join([]string{uid, namespace, service, number}, ";"), 8)
	field := trimEvenly(maxFields, namespace, service, number)
	return strings.Join([]string{"k8s1", uid, field[0], field[1], field[2], hash}, "-")
}

// trimEvenly cuts the ends of fields that are longer than budget together, each in proportion to its length. What
// rounding saves goes to the fields from the first on, one character each.
func trimEvenly(budget int, fields ...string) []string {
	total := 0
	for _, f := range fields {
		total += len(f)
	}
	if total <= budget {
		return fields
	}
	excess := total - budget
	length := make([]int, len(fields))
	left := budget
	for i, f := range fields {
		length[i] = max(0, len(f)-len(f)*excess/total-1)
		left -= length[i]
	}
	trimmed := make([]string, len(fields))
	for i, f := range fields {
		if left > 0 && length[i] < len(f) {
			length[i]++
			left--
		}
		trimmed[i] = f[:length[i]]
	}
	return trimmed
}

// ClusterUID is what a cluster is known by in names: the first eight hex digits of the hash of its name, unless its
// ConfigMap kube-system/ingress-uid says otherwise, as on GKE.
func ClusterUID(v *recompute.View, cluster string) string {
	ref := store.Ref{Cluster: cluster, Kind: kind.ConfigMap, Namespace: "kube-system", Name: "ingress-uid"}
	if m, ok := recompute.Get[*corev1.ConfigMap](v, ref); ok && m.Data["uid"] != "" {
		return m.Data["uid"]
	}
	return digest.Hex(cluster, uidLength)
}
