package readiness

import (
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/spillway-lb/spillway/internal/neg/annotation"
)

// Gate is the condition type by which a load balancer has a say in a Pod's readiness.
const Gate corev1.PodConditionType = "cloud.google.com/load-balancer-neg-ready"

// systemNamespace has no gates: what a cluster needs to run must not wait for a load balancer.
const systemNamespace = "kube-system"

// Injects tells whether a Pod that is about to be made gets the gate: a Service of its namespace selects it, and wants groups for
// some port. services are those of the namespace; referred says whether an Ingress refers to one, nil that none does. A Service
// that says {"ingress":true} itself counts without an Ingress: a gate that nobody needs opens at once. Pods that have the gate
// already are not injected again.
func Injects(pod *corev1.Pod, services []*corev1.Service, referred func(*corev1.Service) bool) bool {
	if pod.Namespace == systemNamespace || Gated(pod) {
		return false
	}
	for _, s := range services {
		if s.Namespace == pod.Namespace && Selects(s, pod) && wants(s, referred) {
			return true
		}
	}
	return false
}

// Gated tells whether a Pod has the gate.
func Gated(pod *corev1.Pod) bool {
	for _, g := range pod.Spec.ReadinessGates {
		if g.ConditionType == Gate {
			return true
		}
	}
	return false
}

func wants(s *corev1.Service, referred func(*corev1.Service) bool) bool {
	asked, explicit, err := annotation.Ask(s)
	switch {
	case err != nil:
		return false
	case len(asked.Exposed) > 0, asked.Ingress && explicit:
		return true
	}
	return asked.Ingress && referred != nil && referred(s)
}

// Selects tells whether a Service's selector matches a Pod; no selector matches nothing.
func Selects(s *corev1.Service, pod *corev1.Pod) bool {
	return len(s.Spec.Selector) > 0 && labels.SelectorFromSet(s.Spec.Selector).Matches(labels.Set(pod.Labels))
}
