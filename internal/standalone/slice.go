package standalone

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/apimachinery/pkg/util/rand"

	"github.com/spillway-lb/spillway/internal/digest"
	"github.com/spillway-lb/spillway/internal/kind"
	"github.com/spillway-lb/spillway/internal/recompute"
	"github.com/spillway-lb/spillway/internal/shard"
	"github.com/spillway-lb/spillway/internal/standalone/workload"
	"github.com/spillway-lb/spillway/internal/store"
)

// unitSlices is the unit kind that gives a Service its EndpointSlices. Its key is a Service's Ref.
const unitSlices = "standalone.slices"

// indexPods files Pods under CLUSTER/NAMESPACE/LABEL=VALUE, for each of their labels.
const indexPods = "standalone.pods"

// maxSlice is how many endpoints a slice holds, as Kubernetes' controller has it.
const maxSlice = 100

func podKeys(ref store.Ref, o store.Object) []string {
	var keys []string
	for name, value := range o.GetLabels() {
		keys = append(keys, podKey(ref.Cluster, ref.Namespace, name, value))
	}
	return keys
}

func podKey(cluster, namespace, label, value string) string {
	return cluster + "/" + namespace + "/" + label + "=" + value
}

// member is an endpoint and the ports that its Pod has for the Service.
type member struct {
	endpoint discoveryv1.Endpoint
	ports    []discoveryv1.EndpointPort
}

// family is the address type; an address that an image is mapped to may be IPv6.
func (m member) family() string {
	if addr, err := netip.ParseAddr(m.endpoint.Addresses[0]); err == nil && addr.Is6() {
		return string(discoveryv1.AddressTypeIPv6)
	}
	return string(discoveryv1.AddressTypeIPv4)
}

func translateSlices(v *recompute.View, key string) recompute.Result {
	ref, _ := store.ParseRef(key)
	service, ok := recompute.Get[*corev1.Service](v, ref)
	if !ok || len(service.Spec.Selector) == 0 || service.Spec.Type == corev1.ServiceTypeExternalName {
		return recompute.Result{State: recompute.Absent}
	}
	groups := map[string][]member{}
	for _, pod := range selectedPods(v, ref, service.Spec.Selector) {
		if m, ok := endpointOf(v, ref.Cluster, service, pod); ok {
			at := m.family() + portsText(m.ports)
			groups[at] = append(groups[at], m)
		}
	}
	if len(groups) == 0 {
		groups[""] = nil // a Service without Pods has one empty slice
	}
	result := recompute.Result{State: recompute.Present}
	taken := map[string]bool{}
	for _, at := range slices.Sorted(maps.Keys(groups)) {
		for i, part := range shard.Split(groups[at], maxSlice, func(m member) string { return m.endpoint.TargetRef.Name }) {
			name := sliceName(service, at+"#"+strconv.Itoa(i), taken)
			result.Writes = append(result.Writes, objectWrite(ref.Cluster, slice(service, name, part)))
		}
	}
	return result
}

// selectedPods reads the Pods that carry one label of the selector, and checks the others.
func selectedPods(v *recompute.View, service store.Ref, selector map[string]string) []*corev1.Pod {
	first := slices.Min(slices.Collect(maps.Keys(selector)))
	match := labels.SelectorFromSet(selector)
	var all []*corev1.Pod
	for _, ref := range v.Index(indexPods, podKey(service.Cluster, service.Namespace, first, selector[first])) {
		if pod, ok := recompute.Get[*corev1.Pod](v, ref); ok && match.Matches(labels.Set(pod.Labels)) {
			all = append(all, pod)
		}
	}
	return all
}

// endpointOf is a Pod's entry in the slices; it has none before it has an address, and after it has ended.
func endpointOf(v *recompute.View, cluster string, service *corev1.Service, pod *corev1.Pod) (member, bool) {
	ref := store.Ref{Cluster: cluster, Kind: kind.Pod, Namespace: pod.Namespace, Name: pod.Name}
	written := v.Written(ref)
	status := store.LatestStatus(written, &pod.Status)
	bound := map[string]uint16{}
	if written != nil {
		// What is not JSON was written by hand, and says nothing.
		_ = json.Unmarshal([]byte(written.Annotations[workload.AnnotationPorts]), &bound)
	}
	if status.PodIP == "" || status.Phase == corev1.PodFailed || status.Phase == corev1.PodSucceeded {
		return member{}, false
	}
	serving := isReady(status) || service.Spec.PublishNotReadyAddresses
	terminating := pod.DeletionTimestamp != nil
	ready := serving && !terminating
	m := member{endpoint: discoveryv1.Endpoint{
		Addresses:  []string{status.PodIP},
		Conditions: discoveryv1.EndpointConditions{Ready: &ready, Serving: &serving, Terminating: &terminating},
		TargetRef:  &corev1.ObjectReference{Kind: kind.Pod, Namespace: pod.Namespace, Name: pod.Name, UID: pod.UID},
	}}
	if pod.Spec.NodeName != "" {
		m.endpoint.NodeName = &pod.Spec.NodeName
		nodeRef := store.Ref{Cluster: cluster, Kind: kind.Node, Name: pod.Spec.NodeName}
		if n, ok := recompute.Get[*corev1.Node](v, nodeRef); ok {
			zone := n.Labels[corev1.LabelTopologyZone]
			m.endpoint.Zone = &zone
		}
	}
	for i := range service.Spec.Ports {
		if port, ok := endpointPort(&service.Spec.Ports[i], pod, bound); ok {
			m.ports = append(m.ports, port)
		}
	}
	return m, true
}

func isReady(s *corev1.PodStatus) bool {
	return slices.ContainsFunc(s.Conditions, func(c corev1.PodCondition) bool {
		return c.Type == corev1.PodReady && c.Status == corev1.ConditionTrue
	})
}

// endpointPort is where the Pod answers for a port of the Service: the target port, by number or by the container's
// name for it, moved to where it could be bound.
func endpointPort(p *corev1.ServicePort, pod *corev1.Pod, bound map[string]uint16) (discoveryv1.EndpointPort, bool) {
	number := p.TargetPort.IntVal
	switch {
	case p.TargetPort.Type == intstr.String:
		number = namedPort(pod, p.TargetPort.StrVal, p.Protocol)
	case number == 0:
		number = p.Port
	}
	if number == 0 {
		return discoveryv1.EndpointPort{}, false
	}
	if at, moved := bound[strconv.Itoa(int(number))]; moved {
		number = int32(at)
	} else if at, moved := bound["*"]; moved {
		number = int32(at)
	}
	name, protocol := p.Name, p.Protocol
	if protocol == "" {
		protocol = corev1.ProtocolTCP
	}
	return discoveryv1.EndpointPort{Name: &name, Protocol: &protocol, Port: &number, AppProtocol: p.AppProtocol}, true
}

func namedPort(pod *corev1.Pod, name string, protocol corev1.Protocol) int32 {
	for _, c := range pod.Spec.Containers {
		for _, p := range c.Ports {
			if p.Name == name && (p.Protocol == protocol || p.Protocol == "" || protocol == "") {
				return p.ContainerPort
			}
		}
	}
	return 0
}

// portsText tells lists of ports apart.
func portsText(ports []discoveryv1.EndpointPort) string {
	var b strings.Builder
	for _, p := range ports {
		fmt.Fprintf(&b, "%s/%d/%s;", *p.Name, *p.Port, *p.Protocol)
	}
	return b.String()
}

// sliceName is SERVICE-XXXXX, as an API server makes of generateName: one that is taken is passed over. id tells the slice
// apart from the Service's other ones.
func sliceName(service *corev1.Service, id string, taken map[string]bool) string {
	text := service.Namespace + "/" + service.Name + " " + id
	for try := 0; ; try++ {
		name := service.Name + "-" + rand.SafeEncodeString(digest.Hex(text, 5))
		if !taken[name] {
			taken[name] = true
			return name
		}
		text = service.Namespace + "/" + service.Name + " " + id + "~" + strconv.Itoa(try)
	}
}

// slice makes one EndpointSlice.
func slice(service *corev1.Service, name string, members []member) *discoveryv1.EndpointSlice {
	yes := true
	s := &discoveryv1.EndpointSlice{
		TypeMeta: metav1.TypeMeta{APIVersion: discoveryv1.SchemeGroupVersion.String(), Kind: "EndpointSlice"},
		ObjectMeta: metav1.ObjectMeta{
			Namespace: service.Namespace, GenerateName: service.Name + "-",
			Name: name, Labels: maps.Clone(service.Labels),
			OwnerReferences: []metav1.OwnerReference{{
				APIVersion: "v1", Kind: "Service", Name: service.Name, UID: service.UID, Controller: &yes, BlockOwnerDeletion: &yes,
			}},
		},
		AddressType: discoveryv1.AddressTypeIPv4, Endpoints: []discoveryv1.Endpoint{}, Ports: []discoveryv1.EndpointPort{},
	}
	if s.Labels == nil {
		s.Labels = map[string]string{}
	}
	s.Labels[discoveryv1.LabelServiceName] = service.Name
	s.Labels[discoveryv1.LabelManagedBy] = "endpointslice-controller.k8s.io"
	if service.Spec.ClusterIP == corev1.ClusterIPNone {
		s.Labels[corev1.IsHeadlessService] = ""
	}
	for _, m := range members {
		s.Endpoints = append(s.Endpoints, m.endpoint)
		s.Ports = m.ports
		s.AddressType = discoveryv1.AddressType(m.family())
	}
	return s
}
