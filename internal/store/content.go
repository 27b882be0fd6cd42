package store

import (
	"reflect"
	"slices"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// What changes of an object that no unit may want to hear of, as an API server sends it all day: bookkeeping of field
// managers, leases and heartbeats.
var noisyAnnotations = []string{
	"control-plane.alpha.kubernetes.io/leader",
	"endpoints.kubernetes.io/last-change-trigger-time",
	"kubectl.kubernetes.io/last-applied-configuration",
	"networking.gke.io/last-reconcile-time", // what the status writer wrote comes back from an API server
}

// change tells what of an object is different.
type change struct {
	// content is what its author says: everything but its status and noise. The status of a Pod, and what a Node's says
	// but for heartbeats, is content as well: nobody writes them but who knows.
	content bool
	// status is its status without heartbeats.
	status bool
}

// changeOf compares two versions of an object that something was said of, which comes back from an API server and is no news.
func changeOf(old, next Object, said *Written) change {
	if old == next || reflect.DeepEqual(old, next) {
		return change{}
	}
	if reflect.TypeOf(old) != reflect.TypeOf(next) {
		return change{true, true}
	}
	a, b := split(old, said), split(next, said)
	return change{content: !reflect.DeepEqual(a.content, b.content), status: !reflect.DeepEqual(a.status, b.status)}
}

// parts are an object's content and status. They share what the object points to.
type parts struct{ content, status any }

func split(o Object, said *Written) parts {
	v := reflect.ValueOf(o)
	if v.Kind() != reflect.Pointer || v.Elem().Kind() != reflect.Struct {
		return parts{content: o}
	}
	copied := reflect.New(v.Type().Elem())
	copied.Elem().Set(v.Elem())
	if meta := copied.Elem().FieldByName("ObjectMeta"); meta.IsValid() {
		if m, ok := meta.Addr().Interface().(*metav1.ObjectMeta); ok {
			quiet(m, o)
			unsay(m, said)
		}
	}
	p := parts{content: copied.Interface()}
	if status := copied.Elem().FieldByName("Status"); status.IsValid() {
		p.status = status.Interface()
		status.SetZero()
	}
	switch o := o.(type) {
	case *corev1.Pod:
		p.content.(*corev1.Pod).Status = o.Status
	case *corev1.Node:
		status := withoutHeartbeats(o.Status)
		p.status = status
		p.content.(*corev1.Node).Status = corev1.NodeStatus{Conditions: status.Conditions, Addresses: status.Addresses}
	}
	return p
}

// quiet takes the noise out of a copy of an object's metadata.
func quiet(m *metav1.ObjectMeta, o Object) {
	m.ManagedFields, m.ResourceVersion = nil, ""
	if o.GetObjectKind().GroupVersionKind().Kind == "EndpointSlice" || o.GetObjectKind().GroupVersionKind().Kind == "Node" {
		m.Annotations = nil // controllers' notes to themselves
		return
	}
	kept := map[string]string{}
	for key, value := range m.Annotations {
		kept[key] = value
	}
	for _, key := range noisyAnnotations {
		delete(kept, key)
	}
	m.Annotations = kept
}

// unsay takes out of a copy of an object's metadata what controllers have said.
func unsay(m *metav1.ObjectMeta, said *Written) {
	if said == nil {
		return
	}
	for key, value := range m.Annotations {
		if said.Annotations[key] == value {
			delete(m.Annotations, key) // a copy
		}
	}
	if len(said.Finalizers) > 0 {
		m.Finalizers = slices.DeleteFunc(slices.Clone(m.Finalizers), func(f string) bool { return slices.Contains(said.Finalizers, f) })
		if len(m.Finalizers) == 0 {
			m.Finalizers = nil
		}
	}
}

// withoutHeartbeats copies a Node's status without the times that its kubelet renews.
func withoutHeartbeats(s corev1.NodeStatus) corev1.NodeStatus {
	conditions := make([]corev1.NodeCondition, len(s.Conditions))
	for i, c := range s.Conditions {
		c.LastHeartbeatTime = metav1.Time{}
		conditions[i] = c
	}
	s.Conditions = conditions
	return s
}
