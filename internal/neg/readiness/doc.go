// Package readiness is about the readiness gate that ties a Pod to its load balancer, cloud.google.com/load-balancer-neg-ready.
//
// Injects says whether a Pod that is made gets the gate. Core says what becomes of its condition; it has no clock: Pods, their
// groups and verdicts go in, the condition that each Pod is to show comes out as a fact.Readiness.
//
//	if readiness.Injects(pod, services, referred) {
//		pod.Spec.ReadinessGates = append(pod.Spec.ReadinessGates, corev1.PodReadinessGate{ConditionType: readiness.Gate})
//	}
package readiness
