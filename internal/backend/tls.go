package backend

import (
	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
	"github.com/spillway-lb/spillway/internal/policy"
	"github.com/spillway-lb/spillway/internal/recompute"
	"github.com/spillway-lb/spillway/internal/unitkey"
)

// secure applies a BackendTLSPolicy and the Gateway's client certificate, and returns the resources that they need. A
// policy that cannot be obeyed leaves a backend service that answers 500: plain text would be wrong.
func (b *builder) secure(name string, service *lbv1.BackendService) []*lbv1.Resource {
	tls := policy.BackendTLS(b.view, b.key.Target(), b.portName)
	if tls != nil && tls.Invalid != "" {
		service.AbortStatus = 500
		b.aborts = tls.Invalid
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

// ClientCertificate is what a scope's Client presents to backends.
type ClientCertificate struct {
	ChainPEM, KeyPEM []byte
}

// ClientKey is the key of a Client's UnitClientCertificate.
func ClientKey(cluster, client string) string { return unitkey.Join(cluster, client) }

// ParseClientKey is the inverse of ClientKey.
func ParseClientKey(key string) (cluster, client string, ok bool) {
	parts, ok := unitkey.Split(key, 2)
	if !ok {
		return "", "", false
	}
	return parts[0], parts[1], true
}

// clientCertificate is what the scope's Client presents to backends, nil if there is none that can be used.
func (b *builder) clientCertificate() *lbv1.SslCertificate {
	if b.key.Scope.Client == "" {
		return nil
	}
	key := ClientKey(b.key.Scope.Cluster, b.key.Scope.Client)
	c, ok := recompute.Known[*ClientCertificate](b.view, UnitClientCertificate, key)
	if !ok {
		return nil
	}
	return &lbv1.SslCertificate{CertificateChainPem: c.ChainPEM, PrivateKeyPem: c.KeyPEM}
}
