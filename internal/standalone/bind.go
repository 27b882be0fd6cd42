package standalone

import (
	corev1 "k8s.io/api/core/v1"

	"github.com/spillway-lb/spillway/internal/standalone/workload"
	"github.com/spillway-lb/spillway/internal/store"
)

// bind puts a Node's name into a Pod that the user wrote, as a scheduler does. The Pod stays the user's.
func bind(tx *store.Tx, b workload.Binding) {
	entry := tx.Get(b.Pod)
	if entry == nil {
		return
	}
	pod, ok := entry.Object.(*corev1.Pod)
	if !ok || pod.Spec.NodeName != "" {
		return
	}
	next := pod.DeepCopy()
	next.Spec.NodeName = b.Node
	tx.Put(b.Pod.Cluster, next, entry.Origin)
}
