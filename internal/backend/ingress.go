package backend

import (
	"encoding/json"
	"fmt"

	corev1 "k8s.io/api/core/v1"

	cloudv1 "github.com/spillway-lb/spillway/api/cloud/v1"
	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
	"github.com/spillway-lb/spillway/internal/owner"
	"github.com/spillway-lb/spillway/internal/policy"
	proxyconfig "github.com/spillway-lb/spillway/internal/proxy/config"
	"github.com/spillway-lb/spillway/internal/recompute"
	"github.com/spillway-lb/spillway/internal/store"
)

// Annotations of a Service that say what protocol its ports speak, a JSON object by port name. The older one wins.
const (
	annotationAppProtocols    = "cloud.google.com/app-protocols"
	annotationAppProtocolsOld = "service.alpha.kubernetes.io/app-protocols"
)

// What answers for Ingresses without a default backend, if the cluster has it.
const (
	SystemNamespace   = "kube-system"
	SystemDefault     = "default-http-backend"
	SystemDefaultPort = "http"
	// systemDefaultPath is what health checks ask it for.
	systemDefaultPath = "/healthz"
)

// Descriptions of health checks, which say where the settings are from.
const (
	checkDefault       = "Default kubernetes L7 Loadbalancing health check for NEG."
	checkProbe         = "Kubernetes L7 health check generated with readiness probe settings."
	checkBackendConfig = "Kubernetes L7 health check generated with BackendConfig CRD."
)

// configured is what an Ingress' backend service has beside itself.
type configured struct {
	check *lbv1.HealthCheck
	// good is the BackendConfig that is obeyed, the Service if there is none.
	good store.Object
	// notes are what is not obeyed, though the backend is served.
	notes []Problem
}

// configure makes the backend service what GKE makes of it for an Ingress. A BackendConfig that cannot be obeyed leaves the
// last one that could in force; without one nothing is served.
func (b *builder) configure(service *lbv1.BackendService) (out configured, problem *Problem) {
	object, ok := recompute.Get[*corev1.Service](b.view, b.key.Ref())
	if !ok {
		return out, b.key.notFound()
	}
	protocol, err := ingressProtocol(object, b.portName)
	if err != nil {
		return out, &Problem{UnsupportedProtocol, err.Error()}
	}
	service.Protocol = protocol
	service.Description = owner.DescribeIngressBackend(b.key.Namespace, b.key.Name, fmt.Sprint(b.key.Port))
	service.Logging = &lbv1.Logging{Enabled: true, SampleRate: 1}

	config, err := policy.BackendConfig(b.view, b.key.Scope.Cluster, object, b.portName, b.key.Port)
	switch {
	case err == nil && config != nil:
		out.good = config
	case err == nil:
		out.good = object
	default:
		if out.good = b.view.Good(); out.good == nil {
			return out, &Problem{Invalid, err.Error()}
		}
		config, _ = out.good.(*cloudv1.BackendConfig)
		out.notes = append(out.notes, Problem{Invalid, err.Error()})
	}
	if ignored := policy.IgnoredOfBackendConfig(config); ignored != "" {
		out.notes = append(out.notes, Problem{Ignored, ignored})
	}
	policy.SetBackendConfig(service, config)
	out.check = b.ingressCheck(protocol, config)
	return out, nil
}

// ingressCheck is the health check: each setting is the BackendConfig's, else the readiness probe's, else the default.
func (b *builder) ingressCheck(protocol lbv1.BackendProtocol, config *cloudv1.BackendConfig) *lbv1.HealthCheck {
	var said *cloudv1.HealthCheckConfig
	if config != nil {
		said = config.Spec.HealthCheck
	}
	check := policy.DefaultHealthCheck(b.key.checkType(protocol))
	check.Description = checkDefault
	if b.key.Namespace == SystemNamespace && b.key.Name == SystemDefault {
		check.RequestPath = systemDefaultPath
	}
	if found, ok := b.key.readinessProbe(b.view, protocol); ok {
		probed := policy.DefaultHealthCheck(check.GetType())
		probed.Description = checkProbe
		if found.set(probed); proxyconfig.CheckHealthCheck(probed) == nil { // a kubelet takes paths that no request has
			check = probed
		}
	}
	if policy.SetBackendConfigCheck(check, said) {
		check.Description = checkBackendConfig
	}
	return check
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
	protocol, known := lbv1.BackendProtocol_HTTP, true
	if said, ok := byPort[port]; ok && err == nil {
		if protocol, known = ingressProtocols()[said]; !known {
			err = fmt.Errorf("invalid port application protocol: %s", said)
		}
	}
	if err != nil {
		return 0, fmt.Errorf("could not parse %q annotation on service %q, err: %w", annotation, s.Namespace+"/"+s.Name, err)
	}
	return protocol, nil
}

// ingressProtocols are the values of the annotations.
func ingressProtocols() map[string]lbv1.BackendProtocol {
	return map[string]lbv1.BackendProtocol{
		"HTTP": lbv1.BackendProtocol_HTTP, "HTTPS": lbv1.BackendProtocol_HTTPS, "HTTP2": lbv1.BackendProtocol_HTTP2,
	}
}
