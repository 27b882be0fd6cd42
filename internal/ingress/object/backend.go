package object

import (
	"slices"

	corev1 "k8s.io/api/core/v1"
	ingressv1 "k8s.io/api/networking/v1"
)

// EachBackend calls f for every backend of an Ingress.
func EachBackend(spec *ingressv1.IngressSpec, f func(*ingressv1.IngressBackend)) {
	if spec.DefaultBackend != nil {
		f(spec.DefaultBackend)
	}
	for i := range spec.Rules {
		if http := spec.Rules[i].HTTP; http != nil {
			for j := range http.Paths {
				f(&http.Paths[j].Backend)
			}
		}
	}
}

// PortIndex finds a Service's port by name or number.
func PortIndex(s *corev1.Service, want *ingressv1.ServiceBackendPort) int {
	return slices.IndexFunc(s.Spec.Ports, func(p corev1.ServicePort) bool {
		if want.Name != "" {
			return p.Name == want.Name
		}
		return p.Port == want.Number && (p.Protocol == "" || p.Protocol == corev1.ProtocolTCP)
	})
}
