package gateway

import (
	corev1 "k8s.io/api/core/v1"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
	"github.com/spillway-lb/spillway/internal/policy"
	"github.com/spillway-lb/spillway/internal/recompute"
	"github.com/spillway-lb/spillway/internal/store"
)

// secure applies a BackendTLSPolicy and the Gateway's client certificate, and returns the resources that they need. A
// policy that cannot be obeyed leaves a backend service that answers 500: plain text would be wrong.
func (b *backendBuilder) secure(name string, service *lbv1.BackendService) []*lbv1.Resource {
	tls := policy.BackendTLS(b.view, b.key.target(), b.servicePortName())
	if tls != nil && tls.Invalid != "" {
		service.AbortStatus = 500
		return nil
	}
	var resources []*lbv1.Resource
	if tls != nil {
		service.Protocol = withTLS(service.GetProtocol())
		service.Tls = &lbv1.BackendTls{Hostname: tls.Hostname, TrustConfigs: []string{name}, SubjectAltNames: tls.Names}
		resources = append(resources, &lbv1.Resource{Name: name, Body: &lbv1.Resource_TrustConfig{
			TrustConfig: &lbv1.TrustConfig{CaPem: tls.CAs, SystemRoots: tls.System, Owner: service.GetOwner()},
		}})
	}
	if service.GetProtocol() == lbv1.BackendProtocol_HTTP || service.GetProtocol() == lbv1.BackendProtocol_H2C {
		return resources
	}
	if certificate := b.clientCertificate(); certificate != nil {
		if service.Tls == nil {
			service.Tls = &lbv1.BackendTls{}
		}
		service.Tls.ClientCertificate = name
		certificate.Owner = service.GetOwner()
		resources = append(resources, &lbv1.Resource{Name: name, Body: &lbv1.Resource_SslCertificate{SslCertificate: certificate}})
	}
	return resources
}

// withTLS is the protocol under TLS.
func withTLS(p lbv1.BackendProtocol) lbv1.BackendProtocol {
	switch p {
	case lbv1.BackendProtocol_HTTP:
		return lbv1.BackendProtocol_HTTPS
	case lbv1.BackendProtocol_H2C:
		return lbv1.BackendProtocol_HTTP2
	}
	return p
}

// servicePortName is what a policy's sectionName may call the port.
func (b *backendBuilder) servicePortName() string {
	if b.key.imported {
		return b.portName
	}
	ref := store.Ref{Cluster: b.key.scope.Cluster, Kind: kindService, Namespace: b.key.namespace, Name: b.key.name}
	service, ok := recompute.Get[*corev1.Service](b.view, ref)
	if !ok {
		return ""
	}
	for _, p := range service.Spec.Ports {
		if p.Port == b.key.port {
			return p.Name
		}
	}
	return ""
}

// clientCertificate is what the scope's Gateway presents to backends, nil if there is none that can be used.
func (b *backendBuilder) clientCertificate() *lbv1.SslCertificate {
	if b.key.scope.Client == "" {
		return nil
	}
	namespace, name := splitName(b.key.scope.Client)
	ref := store.Ref{Cluster: b.key.scope.Cluster, Kind: KindGateway, Namespace: namespace, Name: name}
	gw, ok := recompute.Get[*gatewayv1.Gateway](b.view, ref)
	if !ok {
		return nil
	}
	certificate, _ := readClientCertificate(b.view, gw, ref)
	return certificate
}
