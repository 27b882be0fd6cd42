package backend

import (
	"encoding/json"
	"fmt"

	corev1 "k8s.io/api/core/v1"

	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
	"github.com/spillway-lb/spillway/internal/owner"
	"github.com/spillway-lb/spillway/internal/policy"
	"github.com/spillway-lb/spillway/internal/recompute"
)

// Annotations of a Service that say what protocol its ports speak, a JSON object by port name. The older one wins.
const (
	annotationAppProtocols    = "cloud.google.com/app-protocols"
	annotationAppProtocolsOld = "service.alpha.kubernetes.io/app-protocols"
)

const checkDefault = "Default kubernetes L7 Loadbalancing health check for NEG."

// configure makes the backend service what GKE makes of it for an Ingress, and returns its health check.
func (b *builder) configure(service *lbv1.BackendService) (*lbv1.HealthCheck, *Problem) {
	object, ok := recompute.Get[*corev1.Service](b.view, b.key.Ref())
	if !ok {
		return nil, b.key.notFound()
	}
	var err error
	if service.Protocol, err = ingressProtocol(object, b.portName); err != nil {
		return nil, &Problem{UnsupportedProtocol, err.Error()}
	}
	service.Description = owner.DescribeIngressBackend(b.key.Namespace, b.key.Name, fmt.Sprint(b.key.Port))
	service.Logging = &lbv1.Logging{Enabled: true, SampleRate: 1}
	check := policy.DefaultHealthCheck(b.key.checkType(service.GetProtocol()))
	check.Description = checkDefault
	return check, nil
}

// ingressProtocol is what the annotations say of a port, HTTP if they say nothing.
func ingressProtocol(s *corev1.Service, port string) (lbv1.BackendProtocol, error) {
	annotation := annotationAppProtocolsOld
	text, ok := s.Annotations[annotation]
	if !ok {
		annotation = annotationAppProtocols
		text = s.Annotations[annotation]
	}
	if text == "" {
		return lbv1.BackendProtocol_HTTP, nil
	}
	byPort := map[string]string{}
	err := json.Unmarshal([]byte(text), &byPort)
	if err == nil {
		for _, protocol := range byPort {
			if _, known := ingressProtocols()[protocol]; !known {
				err = fmt.Errorf("invalid port application protocol: %s", protocol)
			}
		}
	}
	if err != nil {
		return 0, fmt.Errorf("could not parse %q annotation on service %q, err: %w", annotation, s.Namespace+"/"+s.Name, err)
	}
	return ingressProtocols()[byPort[port]], nil
}

// ingressProtocols are the values of the annotations. A port that they don't name speaks HTTP.
func ingressProtocols() map[string]lbv1.BackendProtocol {
	return map[string]lbv1.BackendProtocol{
		"HTTP": lbv1.BackendProtocol_HTTP, "HTTPS": lbv1.BackendProtocol_HTTPS, "HTTP2": lbv1.BackendProtocol_HTTP2,
	}
}
