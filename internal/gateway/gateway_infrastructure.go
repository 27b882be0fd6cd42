package gateway

import (
	"maps"
	"net/netip"
	"slices"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/spillway-lb/spillway/internal/digest"
	"github.com/spillway-lb/spillway/internal/recompute"
	"github.com/spillway-lb/spillway/internal/store"
)

const (
	// labelGateway and labelClass are the Gateway API's, on objects that are made for a Gateway.
	labelGateway = "gateway.networking.k8s.io/gateway-name"
	labelClass   = "gateway.networking.k8s.io/gateway-class-name"

	managedBy = "spillway"
	// maxServiceName is the longest name of a Service, and value of a label, in bytes.
	maxServiceName = 63
)

// infrastructureWrites make the objects that carry a Gateway's infrastructure labels and annotations: a headless Service by the
// name that the Gateway API gives it, which resolves to the Gateway's addresses in its cluster. A Gateway that asks for neither
// has no such objects, as on GKE.
func (s *gatewayStatus) infrastructureWrites() []recompute.Write {
	in := s.object.Spec.Infrastructure
	if in == nil || len(in.Labels) == 0 && len(in.Annotations) == 0 || s.parameters {
		return nil
	}
	service := s.infrastructureService(in)
	out := []recompute.Write{{Ref: store.RefTo(s.ref.Cluster, service), Part: recompute.PartObject, Value: service}}
	if slice := s.infrastructureSlice(service); slice != nil {
		out = append(out, recompute.Write{Ref: store.RefTo(s.ref.Cluster, slice), Part: recompute.PartObject, Value: slice})
	}
	return out
}

func (s *gatewayStatus) infrastructureService(in *gatewayv1.GatewayInfrastructure) *corev1.Service {
	service := &corev1.Service{
		TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "Service"},
		ObjectMeta: metav1.ObjectMeta{
			Namespace: s.ref.Namespace, Name: infrastructureName(s.ref.Name, s.gw.Class),
			Labels: map[string]string{}, Annotations: map[string]string{},
			OwnerReferences: []metav1.OwnerReference{{
				APIVersion: gatewayv1.GroupVersion.String(), Kind: "Gateway", Name: s.object.Name, UID: s.object.UID,
			}},
		},
		Spec: corev1.ServiceSpec{ClusterIP: corev1.ClusterIPNone, Type: corev1.ServiceTypeClusterIP},
	}
	for key, value := range in.Labels {
		service.Labels[string(key)] = string(value)
	}
	for key, value := range in.Annotations {
		service.Annotations[string(key)] = string(value)
	}
	// What says whose it is goes over what the user says.
	maps.Copy(service.Labels, map[string]string{labelGateway: shortened(s.ref.Name), labelClass: shortened(s.gw.Class), "app.kubernetes.io/managed-by": managedBy})
	for _, port := range s.ports() {
		service.Spec.Ports = append(service.Spec.Ports, corev1.ServicePort{Name: "port-" + itoa(port), Port: port, TargetPort: intstr.FromInt32(port), Protocol: corev1.ProtocolTCP})
	}
	return service
}

// infrastructureSlice has the addresses at which Pods could reach the Gateway: not those of loopback, which an API server refuses.
func (s *gatewayStatus) infrastructureSlice(service *corev1.Service) *discoveryv1.EndpointSlice {
	slice := &discoveryv1.EndpointSlice{
		TypeMeta: metav1.TypeMeta{APIVersion: "discovery.k8s.io/v1", Kind: "EndpointSlice"},
		ObjectMeta: metav1.ObjectMeta{
			Namespace: service.Namespace, Name: service.Name, OwnerReferences: service.OwnerReferences,
			Labels: map[string]string{discoveryv1.LabelServiceName: service.Name, discoveryv1.LabelManagedBy: managedBy, labelGateway: shortened(s.ref.Name)},
		},
		AddressType: discoveryv1.AddressTypeIPv4,
	}
	for _, vip := range s.vips {
		if address, err := netip.ParseAddr(vip.Address); err == nil && address.Is4() && !address.IsLoopback() {
			slice.Endpoints = append(slice.Endpoints, discoveryv1.Endpoint{Addresses: []string{vip.Address}})
		}
	}
	if len(slice.Endpoints) == 0 {
		return nil
	}
	for _, p := range service.Spec.Ports {
		slice.Ports = append(slice.Ports, discoveryv1.EndpointPort{Name: &p.Name, Port: &p.Port, Protocol: &p.Protocol})
	}
	return slice
}

// ports are those that the Gateway is served on, sorted.
func (s *gatewayStatus) ports() []int32 {
	var ports []int32
	for _, l := range s.gw.Serving {
		if l.Problem == nil {
			ports = append(ports, l.Port)
		}
	}
	slices.Sort(ports)
	return slices.Compact(ports)
}

// infrastructureName is NAME-CLASS, as the Gateway API has it (GEP-1762); a hash ends one that is too long.
func infrastructureName(gateway, class string) string {
	return shortened(gateway + "-" + class)
}

// shortened is a text that names of Services and values of labels have room for.
func shortened(name string) string {
	if len(name) <= maxServiceName {
		return name
	}
	hash := "-" + digest.Hex(name, 8)
	return name[:maxServiceName-len(hash)] + hash
}
