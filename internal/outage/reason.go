package outage

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/spillway-lb/spillway/internal/fleet"
	"github.com/spillway-lb/spillway/internal/kind"
	"github.com/spillway-lb/spillway/internal/store"
	"github.com/spillway-lb/spillway/internal/trouble"
)

// Rules of reasons.
const (
	NoService   = "NoService"   // there is no such Service in the cluster
	NoEndpoints = "NoEndpoints" // it has no selector, and nobody wrote its EndpointSlices
	NoPods      = "NoPods"      // no Pod has the labels
	NoReplicas  = "NoReplicas"  // whose Pods would have them has none
	NoPort      = "NoPort"      // Pods have the labels, and no port of the name
	ImageNotRun = "ImageNotRun" // a container does not start
	NoReadyPods = "NoReadyPods" // they are starting, or do not get ready
	NotProbed   = "NotProbed"   // nobody knows yet
	Unhealthy   = "Unhealthy"   // no probe comes out well
)

// Reason is why nobody answers.
type Reason struct {
	// Rule is one of the words above.
	Rule, Text string
}

// starting says that waiting may help.
func (r Reason) starting() bool {
	return r.Rule == NoReadyPods || r.Rule == NotProbed || r.Rule == Unhealthy
}

// Why says why nobody answers for a port of a Service in its cluster, by number; 0 is any port. silent is false if an
// endpoint is ready for it.
func Why(snapshot *store.Snapshot, service *store.Entry, port int32) (r Reason, silent bool) {
	s, ok := service.Object.(*corev1.Service)
	if !ok || ready(snapshot, service.Ref, portOf(s, port)) {
		return r, false
	}
	if len(s.Spec.Selector) == 0 {
		return Reason{NoEndpoints, "the Service has neither a selector nor an EndpointSlice with a ready endpoint"}, true
	}
	selector := labels.SelectorFromSet(s.Spec.Selector)
	pods := podsOf(snapshot, service.Ref, selector)
	if len(pods) == 0 {
		return noPods(snapshot, service.Ref, selector), true
	}
	for _, p := range pods {
		if text := waiting(p); text != "" {
			return Reason{ImageNotRun, text}, true
		}
	}
	if text := portMissing(portOf(s, port), pods); text != "" {
		return Reason{NoPort, text}, true
	}
	return Reason{NoReadyPods, fmt.Sprintf("of the Pods that the Service selects (%d) none is ready", len(pods))}, true
}

// portOf is a port by number, nil for none.
func portOf(s *corev1.Service, number int32) *corev1.ServicePort {
	for i := range s.Spec.Ports {
		p := &s.Spec.Ports[i]
		if p.Port == number && (p.Protocol == "" || p.Protocol == corev1.ProtocolTCP) {
			return p
		}
	}
	return nil
}

// ready says whether an EndpointSlice has a ready endpoint with the port; nil is any.
func ready(snapshot *store.Snapshot, service store.Ref, port *corev1.ServicePort) bool {
	for _, ref := range fleet.Slices(snapshot, service.Cluster, service.Namespace, service.Name) {
		e := snapshot.Get(ref)
		if e == nil {
			continue
		}
		slice, ok := e.Object.(*discoveryv1.EndpointSlice)
		if !ok || port != nil && !slices.ContainsFunc(slice.Ports, func(p discoveryv1.EndpointPort) bool {
			return (p.Name == nil && port.Name == "" || p.Name != nil && *p.Name == port.Name) && p.Port != nil
		}) {
			continue
		}
		if slices.ContainsFunc(slice.Endpoints, func(e discoveryv1.Endpoint) bool { return e.Conditions.Ready == nil || *e.Conditions.Ready }) {
			return true
		}
	}
	return false
}

// podsOf are the Pods with the labels that are not about to end.
func podsOf(snapshot *store.Snapshot, service store.Ref, selector labels.Selector) []*store.Entry {
	var pods []*store.Entry
	snapshot.Walk(kind.Pod, service.Cluster, service.Namespace, func(e *store.Entry) bool {
		if selector.Matches(labels.Set(e.Object.GetLabels())) && e.Object.GetDeletionTimestamp() == nil {
			pods = append(pods, e)
		}
		return true
	})
	return pods
}

func noPods(snapshot *store.Snapshot, service store.Ref, selector labels.Selector) Reason {
	r := Reason{NoPods, fmt.Sprintf("no Pod or Deployment has the labels that the Service selects, %s", selector)}
	for _, k := range []string{kind.Deployment, kind.ReplicaSet, kind.StatefulSet, kind.DaemonSet} {
		snapshot.Walk(k, service.Cluster, service.Namespace, func(e *store.Entry) bool {
			template, replicas := podsWanted(e.Object)
			if template == nil || metav1.GetControllerOf(e.Object) != nil || !selector.Matches(labels.Set(template.Labels)) {
				return true
			}
			name := fmt.Sprintf("%s %q", kind.Bare(k), e.Ref.Namespace+"/"+e.Ref.Name)
			r = Reason{NoReadyPods, name + " has no Pods yet"}
			if replicas != nil && *replicas == 0 {
				r = Reason{NoReplicas, name + ", whose Pods the Service selects, has 0 replicas"}
			}
			return r.Rule == NoReplicas
		})
	}
	return r
}

// podsWanted are the template of a controller's Pods and how many it asks for, nil where it does not say.
func podsWanted(o store.Object) (*corev1.PodTemplateSpec, *int32) {
	switch o := o.(type) {
	case *appsv1.Deployment:
		return &o.Spec.Template, o.Spec.Replicas
	case *appsv1.ReplicaSet:
		return &o.Spec.Template, o.Spec.Replicas
	case *appsv1.StatefulSet:
		return &o.Spec.Template, o.Spec.Replicas
	case *appsv1.DaemonSet:
		return &o.Spec.Template, nil
	}
	return nil, nil
}

// waiting is why a container of a Pod does not run.
func waiting(e *store.Entry) string {
	status := trouble.PodStatus(e)
	for _, c := range slices.Concat(status.InitContainerStatuses, status.ContainerStatuses) {
		if w := c.State.Waiting; w != nil && w.Message != "" {
			return w.Message
		}
	}
	return ""
}

// portMissing says that the Pods have no port of the name that a targetPort has, or "".
func portMissing(p *corev1.ServicePort, pods []*store.Entry) string {
	if p == nil || p.TargetPort.Type != intstr.String {
		return ""
	}
	var names []string
	for _, port := range containerPorts(pods) {
		if port.Name == p.TargetPort.StrVal && cmp.Or(port.Protocol, corev1.ProtocolTCP) == corev1.ProtocolTCP {
			return ""
		}
		if port.Name != "" && !slices.Contains(names, port.Name) {
			names = append(names, port.Name)
		}
	}
	text := fmt.Sprintf("of the Pods that the Service selects (%d) none has a container port named %q, the targetPort of port %d", len(pods), p.TargetPort.StrVal, p.Port)
	if len(names) == 0 {
		return text + ": their ports have no names"
	}
	return text + ": theirs are named " + strings.Join(names, ", ")
}

// undeclared says that no container declares the number that a targetPort has, while containers declare others; or "". It
// need not, so that is a hint.
func undeclared(p *corev1.ServicePort, pods []*store.Entry) string {
	if p == nil || p.TargetPort.Type == intstr.String {
		return ""
	}
	target := cmp.Or(p.TargetPort.IntVal, p.Port)
	var numbers []string
	for _, port := range containerPorts(pods) {
		if port.ContainerPort == target {
			return ""
		}
		if n := fmt.Sprint(port.ContainerPort); !slices.Contains(numbers, n) {
			numbers = append(numbers, n)
		}
	}
	if len(numbers) == 0 {
		return ""
	}
	return fmt.Sprintf("no container of the Pods has port %d, the targetPort of port %d; they have %s", target, p.Port, strings.Join(numbers, ", "))
}

// Undeclared is a hint at a number that targetPort should not have, or "": it is none of the ports that the containers of
// the Service's Pods declare.
func Undeclared(snapshot *store.Snapshot, service *store.Entry, port int32) string {
	s, ok := service.Object.(*corev1.Service)
	if !ok || len(s.Spec.Selector) == 0 {
		return ""
	}
	return undeclared(portOf(s, port), podsOf(snapshot, service.Ref, labels.SelectorFromSet(s.Spec.Selector)))
}

func containerPorts(pods []*store.Entry) []corev1.ContainerPort {
	var all []corev1.ContainerPort
	for _, e := range pods {
		pod, ok := e.Object.(*corev1.Pod)
		if !ok {
			continue
		}
		for i := range pod.Spec.Containers {
			all = append(all, pod.Spec.Containers[i].Ports...)
		}
	}
	return all
}
