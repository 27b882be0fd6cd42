package printer

//lint:file-ignore SA1019 Endpoints are deprecated, and what many still ask for.

import (
	"net"
	"strconv"
	"time"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/spillway-lb/spillway/internal/kind"
)

// EndpointsWarning is kubectl's about them.
const EndpointsWarning = "Warning: v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice"

// Endpoints makes the kind that is not stored, what EndpointSlices say in the older form: one object for each Service of the EndpointSlices, which are of one cluster, in their order.
func Endpoints(endpointSlices []Object) ([]Object, error) {
	var out []*corev1.Endpoints
	at := map[string]int{}
	for _, o := range endpointSlices {
		s := typed[discoveryv1.EndpointSlice](o)
		service := s.Labels[discoveryv1.LabelServiceName]
		if service == "" {
			continue
		}
		key := s.Namespace + "/" + service
		if _, ok := at[key]; !ok {
			at[key] = len(out)
			out = append(out, &corev1.Endpoints{
				TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: kind.Endpoints},
				ObjectMeta: metav1.ObjectMeta{
					Name: service, Namespace: s.Namespace, CreationTimestamp: s.CreationTimestamp, ResourceVersion: s.ResourceVersion,
					Labels: map[string]string{"endpoints.kubernetes.io/managed-by": "endpoint-controller"},
				},
			})
		}
		if subset, ok := subset(s); ok {
			out[at[key]].Subsets = append(out[at[key]].Subsets, subset)
		}
	}
	var objects []Object
	for _, e := range out {
		content, err := runtime.DefaultUnstructuredConverter.ToUnstructured(e)
		if err != nil {
			return nil, err
		}
		objects = append(objects, &unstructured.Unstructured{Object: content})
	}
	return objects, nil
}

// subset is what one EndpointSlice holds; ok is false if that is nothing.
func subset(s *discoveryv1.EndpointSlice) (out corev1.EndpointSubset, ok bool) {
	for _, e := range s.Endpoints {
		for _, a := range e.Addresses {
			address := corev1.EndpointAddress{IP: a, NodeName: e.NodeName, TargetRef: e.TargetRef}
			if e.Conditions.Ready != nil && !*e.Conditions.Ready {
				out.NotReadyAddresses = append(out.NotReadyAddresses, address)
			} else {
				out.Addresses = append(out.Addresses, address)
			}
		}
	}
	for _, p := range s.Ports {
		port := corev1.EndpointPort{Protocol: corev1.ProtocolTCP, AppProtocol: p.AppProtocol}
		if p.Name != nil {
			port.Name = *p.Name
		}
		if p.Port != nil {
			port.Port = *p.Port
		}
		if p.Protocol != nil {
			port.Protocol = *p.Protocol
		}
		out.Ports = append(out.Ports, port)
	}
	return out, len(out.Addresses)+len(out.NotReadyAddresses) > 0
}

func endpointsRow(o Object, now time.Time) []string {
	e := typed[corev1.Endpoints](o)
	var addresses []string
	for _, s := range e.Subsets {
		addresses = append(addresses, hostPorts(s)...)
	}
	return []string{e.Name, firstFew(addresses, "<none>"), since(e.CreationTimestamp, now)}
}

// hostPorts are a subset's ready addresses with each of its ports.
func hostPorts(s corev1.EndpointSubset) []string {
	var out []string
	for _, a := range s.Addresses {
		for _, p := range s.Ports {
			out = append(out, net.JoinHostPort(a.IP, strconv.Itoa(int(p.Port))))
		}
		if len(s.Ports) == 0 {
			out = append(out, a.IP)
		}
	}
	return out
}
