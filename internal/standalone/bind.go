package standalone

import (
	corev1 "k8s.io/api/core/v1"

	"github.com/spillway-lb/spillway/internal/standalone/workload"
	"github.com/spillway-lb/spillway/internal/store"
)

// bind puts a Node's name and what admission adds into a Pod that the user wrote, as a scheduler and a webhook do. The Pod stays the user's.
func bind(tx *store.Tx, b workload.Binding) {
	entry := tx.Get(b.Pod)
	if entry == nil {
		return
	}
	pod, ok := entry.Object.(*corev1.Pod)
	if !ok || pod.Spec.NodeName == b.Node && len(pod.Spec.ReadinessGates) == len(b.Gates) {
		return
	}
	next := pod.DeepCopy()
	next.Spec.NodeName, next.Spec.ReadinessGates = b.Node, b.Gates
	tx.Put(b.Pod.Cluster, next, entry.Origin)
}
