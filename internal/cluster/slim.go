package cluster

import (
	"maps"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/spillway-lb/spillway/internal/status"
	"github.com/spillway-lb/spillway/internal/store"
)

// lastApplied is kubectl's copy of an object.
const lastApplied = "kubectl.kubernetes.io/last-applied-configuration"

// slim takes out of an object that was just decoded what nobody reads. Objects that an install made stay whole: they are compared
// with what they are to be.
func slim(o store.Object) {
	o.SetManagedFields(nil)
	if annotations := o.GetAnnotations(); annotations != nil {
		delete(annotations, lastApplied)
		if _, marked := annotations[status.InstallAnnotation]; marked {
			return
		}
	}
	switch o := o.(type) {
	case *corev1.Pod:
		slimPod(&o.Spec)
	case *corev1.Node:
		o.Status.Images, o.Status.VolumesInUse, o.Status.VolumesAttached, o.Status.Config = nil, nil, nil, nil
	case *corev1.ConfigMap:
		o.BinaryData = nil
		maps.DeleteFunc(o.Data, func(key, _ string) bool { return key != "ca.crt" && key != "uid" })
	case *appsv1.Deployment:
		slimTemplate(&o.Spec.Template)
	case *appsv1.ReplicaSet:
		slimTemplate(&o.Spec.Template)
	case *appsv1.StatefulSet:
		slimTemplate(&o.Spec.Template)
		o.Spec.VolumeClaimTemplates = nil
	case *appsv1.DaemonSet:
		slimTemplate(&o.Spec.Template)
	}
}

func slimTemplate(t *corev1.PodTemplateSpec) {
	t.ObjectMeta = metav1.ObjectMeta{Labels: t.Labels}
	slimPod(&t.Spec)
}

// slimPod keeps of a Pod's spec where it runs, its ports, its probes and its gates.
func slimPod(spec *corev1.PodSpec) {
	*spec = corev1.PodSpec{
		NodeName: spec.NodeName, HostNetwork: spec.HostNetwork, RestartPolicy: spec.RestartPolicy, ReadinessGates: spec.ReadinessGates,
		TerminationGracePeriodSeconds: spec.TerminationGracePeriodSeconds, ServiceAccountName: spec.ServiceAccountName,
		Containers: slimContainers(spec.Containers), InitContainers: slimContainers(spec.InitContainers),
	}
}

func slimContainers(all []corev1.Container) []corev1.Container {
	for i, c := range all {
		all[i] = corev1.Container{
			Name: c.Name, Image: c.Image, Ports: c.Ports, ReadinessProbe: c.ReadinessProbe, LivenessProbe: c.LivenessProbe,
			StartupProbe: c.StartupProbe, RestartPolicy: c.RestartPolicy,
		}
	}
	return all
}
