package controller

import (
	corev1 "k8s.io/api/core/v1"

	"github.com/spillway-lb/spillway/internal/ingress"
	"github.com/spillway-lb/spillway/internal/kind"
	"github.com/spillway-lb/spillway/internal/neg/readiness"
	"github.com/spillway-lb/spillway/internal/store"
)

// Gates are the gates that a Pod gets when it is made, beside its own: what GKE's webhook adds.
func Gates(snapshot *store.Snapshot, cluster string, pod *corev1.Pod) []corev1.PodReadinessGate {
	var services []*corev1.Service
	snapshot.Walk(kind.Service, cluster, pod.Namespace, func(e *store.Entry) bool {
		if s, ok := e.Object.(*corev1.Service); ok {
			services = append(services, s)
		}
		return true
	})
	referred := func(s *corev1.Service) bool { return len(ingress.PortsOf(snapshot, cluster, s)) > 0 }
	if !readiness.Injects(pod, services, referred) {
		return nil
	}
	return []corev1.PodReadinessGate{{ConditionType: readiness.Gate}}
}
