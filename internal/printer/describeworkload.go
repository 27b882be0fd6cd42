package printer

import (
	"fmt"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

func (d *description) deployment(o Object, related Related) {
	dep := typed[appsv1.Deployment](o)
	st := dep.Status
	d.line(0, "Name:\t%s", dep.Name)
	d.line(0, "Namespace:\t%s", dep.Namespace)
	d.line(0, "CreationTimestamp:\t%s", timestamp(dep.CreationTimestamp))
	d.labels("Labels", dep.Labels)
	d.annotations(dep.Annotations)
	d.line(0, "Selector:\t%s", metav1.FormatLabelSelector(dep.Spec.Selector))
	d.line(0, "Replicas:\t%d desired | %d updated | %d total | %d available | %d unavailable",
		replicas(dep.Spec.Replicas), st.UpdatedReplicas, st.Replicas, st.AvailableReplicas, st.UnavailableReplicas)
	d.line(0, "StrategyType:\t%s", or(string(dep.Spec.Strategy.Type), "RollingUpdate"))
	d.line(0, "MinReadySeconds:\t%d", dep.Spec.MinReadySeconds)
	if r := dep.Spec.Strategy.RollingUpdate; r != nil && r.MaxUnavailable != nil && r.MaxSurge != nil {
		d.line(0, "RollingUpdateStrategy:\t%s max unavailable, %s max surge", r.MaxUnavailable, r.MaxSurge)
	}
	d.template(&dep.Spec.Template)
	if len(st.Conditions) > 0 {
		d.line(0, "Conditions:")
		d.line(1, "Type\tStatus\tReason")
		d.line(1, "----\t------\t------")
		for _, c := range st.Conditions {
			d.line(1, "%s\t%s\t%s", c.Type, c.Status, c.Reason)
		}
	}
	d.replicaSets(related.ReplicaSets, dep.Annotations[revisionAnnotation])
}

// revisionAnnotation is the same on a Deployment and the ReplicaSet of its template.
const revisionAnnotation = "deployment.kubernetes.io/revision"

// replicaSets tells a Deployment's new ReplicaSet from the old ones that have Pods.
func (d *description) replicaSets(all []Object, revision string) {
	if len(all) == 0 {
		return
	}
	var current, old []string
	for _, o := range all {
		r := typed[appsv1.ReplicaSet](o)
		text := fmt.Sprintf("%s (%d/%d replicas created)", r.Name, r.Status.Replicas, replicas(r.Spec.Replicas))
		switch {
		case r.Annotations[revisionAnnotation] == revision:
			current = append(current, text)
		case replicas(r.Spec.Replicas) > 0 || r.Status.Replicas > 0:
			old = append(old, text)
		}
	}
	d.line(0, "OldReplicaSets:\t%s", orNone(strings.Join(old, ", ")))
	d.line(0, "NewReplicaSet:\t%s", orNone(strings.Join(current, ", ")))
}

func (d *description) replicaSet(o Object, related Related) {
	r := typed[appsv1.ReplicaSet](o)
	d.line(0, "Name:\t%s", r.Name)
	d.line(0, "Namespace:\t%s", r.Namespace)
	d.line(0, "Selector:\t%s", metav1.FormatLabelSelector(r.Spec.Selector))
	d.labels("Labels", r.Labels)
	d.annotations(r.Annotations)
	if owner := metav1.GetControllerOf(r); owner != nil {
		d.line(0, "Controlled By:\t%s/%s", owner.Kind, owner.Name)
	}
	d.line(0, "Replicas:\t%d current / %d desired", r.Status.Replicas, replicas(r.Spec.Replicas))
	d.podsStatus(related.Pods)
	d.template(&r.Spec.Template)
}

func (d *description) statefulSet(o Object, related Related) {
	s := typed[appsv1.StatefulSet](o)
	d.line(0, "Name:\t%s", s.Name)
	d.line(0, "Namespace:\t%s", s.Namespace)
	d.line(0, "CreationTimestamp:\t%s", timestamp(s.CreationTimestamp))
	d.line(0, "Selector:\t%s", metav1.FormatLabelSelector(s.Spec.Selector))
	d.labels("Labels", s.Labels)
	d.annotations(s.Annotations)
	d.line(0, "Replicas:\t%d desired | %d total", replicas(s.Spec.Replicas), s.Status.Replicas)
	d.line(0, "Update Strategy:\t%s", or(string(s.Spec.UpdateStrategy.Type), "RollingUpdate"))
	if r := s.Spec.UpdateStrategy.RollingUpdate; r != nil && r.Partition != nil {
		d.line(1, "Partition:\t%d", *r.Partition)
	}
	d.podsStatus(related.Pods)
	d.template(&s.Spec.Template)
	if len(s.Spec.VolumeClaimTemplates) == 0 {
		d.line(0, "Volume Claims:\t<none>")
		return
	}
	d.line(0, "Volume Claims:")
	for _, claim := range s.Spec.VolumeClaimTemplates {
		d.line(1, "Name:\t%s", claim.Name)
	}
}

func (d *description) daemonSet(o Object, related Related) {
	s := typed[appsv1.DaemonSet](o)
	d.line(0, "Name:\t%s", s.Name)
	d.line(0, "Namespace:\t%s", s.Namespace)
	d.line(0, "Selector:\t%s", metav1.FormatLabelSelector(s.Spec.Selector))
	d.line(0, "Node-Selector:\t%s", selectorText(s.Spec.Template.Spec.NodeSelector))
	d.labels("Labels", s.Labels)
	d.annotations(s.Annotations)
	d.line(0, "Desired Number of Nodes Scheduled: %d", s.Status.DesiredNumberScheduled)
	d.line(0, "Current Number of Nodes Scheduled: %d", s.Status.CurrentNumberScheduled)
	d.line(0, "Number of Nodes Scheduled with Up-to-date Pods: %d", s.Status.UpdatedNumberScheduled)
	d.line(0, "Number of Nodes Scheduled with Available Pods: %d", s.Status.NumberAvailable)
	d.line(0, "Number of Nodes Misscheduled: %d", s.Status.NumberMisscheduled)
	d.podsStatus(related.Pods)
	d.template(&s.Spec.Template)
}

// podsStatus counts a controller's Pods by phase.
func (d *description) podsStatus(pods []Object) {
	n := map[corev1.PodPhase]int{}
	for _, o := range pods {
		n[typed[corev1.Pod](o).Status.Phase]++
	}
	d.line(0, "Pods Status:\t%d Running / %d Waiting / %d Succeeded / %d Failed",
		n[corev1.PodRunning], n[corev1.PodPending], n[corev1.PodSucceeded], n[corev1.PodFailed])
}

// template is what a controller makes Pods of.
func (d *description) template(t *corev1.PodTemplateSpec) {
	d.line(0, "Pod Template:")
	d.indented(1, func() {
		d.labels("Labels", t.Labels)
		if len(t.Annotations) > 0 {
			d.annotations(t.Annotations)
		}
		if t.Spec.ServiceAccountName != "" {
			d.line(0, "Service Account:\t%s", t.Spec.ServiceAccountName)
		}
	})
	for _, part := range []struct {
		title      string
		containers []corev1.Container
	}{{"Init Containers", t.Spec.InitContainers}, {"Containers", t.Spec.Containers}} {
		if len(part.containers) == 0 {
			continue
		}
		d.line(1, "%s:", part.title)
		for _, c := range part.containers {
			d.line(1, " %s:", c.Name) // kubectl's indentation
			d.containerSpec(c)
			d.probes(c)
			d.environment(c)
			d.mounts(c.VolumeMounts)
		}
	}
	d.indented(1, func() {
		d.volumes(t.Spec.Volumes)
		d.line(0, "Node-Selectors:\t%s", selectorText(t.Spec.NodeSelector))
		d.tolerations(t.Spec.Tolerations)
	})
}
