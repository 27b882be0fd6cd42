package printer

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// podRow counts ready containers, and names the first thing that is wrong.
func podRow(o Object, now time.Time) []string {
	pod := typed[corev1.Pod](o)
	ready, restarts := 0, int32(0)
	reason := string(pod.Status.Phase)
	if pod.Status.Reason != "" {
		reason = pod.Status.Reason
	}
	for _, c := range pod.Status.ContainerStatuses {
		restarts += c.RestartCount
		if c.Ready {
			ready++
		}
		if w := c.State.Waiting; w != nil && w.Reason != "" {
			reason = w.Reason
		}
	}
	if pod.DeletionTimestamp != nil {
		reason = "Terminating"
	}
	return []string{
		pod.Name, fmt.Sprintf("%d/%d", ready, len(pod.Spec.Containers)), reason,
		strconv.Itoa(int(restarts)), since(pod.CreationTimestamp, now),
		orNone(pod.Status.PodIP), orNone(pod.Spec.NodeName), orNone(pod.Status.NominatedNodeName), readinessGates(pod),
	}
}

func readinessGates(pod *corev1.Pod) string {
	if len(pod.Spec.ReadinessGates) == 0 {
		return "<none>"
	}
	ready := 0
	for _, gate := range pod.Spec.ReadinessGates {
		for _, c := range pod.Status.Conditions {
			if c.Type == gate.ConditionType && c.Status == corev1.ConditionTrue {
				ready++
			}
		}
	}
	return fmt.Sprintf("%d/%d", ready, len(pod.Spec.ReadinessGates))
}

func deploymentRow(o Object, now time.Time) []string {
	d := typed[appsv1.Deployment](o)
	names, images := containers(d.Spec.Template.Spec.Containers)
	return []string{
		d.Name, fmt.Sprintf("%d/%d", d.Status.ReadyReplicas, replicas(d.Spec.Replicas)),
		fmt.Sprint(d.Status.UpdatedReplicas), fmt.Sprint(d.Status.AvailableReplicas), since(d.CreationTimestamp, now),
		names, images, metav1.FormatLabelSelector(d.Spec.Selector),
	}
}

func replicaSetRow(o Object, now time.Time) []string {
	r := typed[appsv1.ReplicaSet](o)
	names, images := containers(r.Spec.Template.Spec.Containers)
	return []string{
		r.Name, fmt.Sprint(replicas(r.Spec.Replicas)), fmt.Sprint(r.Status.Replicas), fmt.Sprint(r.Status.ReadyReplicas),
		since(r.CreationTimestamp, now), names, images, metav1.FormatLabelSelector(r.Spec.Selector),
	}
}

// replicas is 1 where the user said nothing.
func replicas(n *int32) int32 {
	if n == nil {
		return 1
	}
	return *n
}

func containers(cs []corev1.Container) (names, images string) {
	var n, i []string
	for _, c := range cs {
		n, i = append(n, c.Name), append(i, c.Image)
	}
	return strings.Join(n, ","), strings.Join(i, ",")
}
