package printer

import (
	"fmt"
	"strings"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

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

func statefulSetRow(o Object, now time.Time) []string {
	s := typed[appsv1.StatefulSet](o)
	names, images := containers(s.Spec.Template.Spec.Containers)
	return []string{
		s.Name, fmt.Sprintf("%d/%d", s.Status.ReadyReplicas, replicas(s.Spec.Replicas)), since(s.CreationTimestamp, now), names, images,
	}
}

func daemonSetRow(o Object, now time.Time) []string {
	d := typed[appsv1.DaemonSet](o)
	names, images := containers(d.Spec.Template.Spec.Containers)
	return []string{
		d.Name, fmt.Sprint(d.Status.DesiredNumberScheduled), fmt.Sprint(d.Status.CurrentNumberScheduled), fmt.Sprint(d.Status.NumberReady),
		fmt.Sprint(d.Status.UpdatedNumberScheduled), fmt.Sprint(d.Status.NumberAvailable), selectorText(d.Spec.Template.Spec.NodeSelector),
		since(d.CreationTimestamp, now), names, images, metav1.FormatLabelSelector(d.Spec.Selector),
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
