// Package site builds small load balancer models for tests that run the data plane.
//
// In: ports, endpoints, certificates. Out: lbv1 resources, to be put in a Transaction or a Model. A front owns one
// URL map for every host; services and routes are added to it one by one, as a control plane would.
package site

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"net/netip"
	"time"

	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
)

// Host is the name that certificates are made for.
const Host = "site.test"

// Front is one address with its proxy and URL map. certificate is nil for plain HTTP. Requests that no route takes are
// answered with 404.
func Front(name string, at netip.AddrPort, certificate *lbv1.SslCertificate) []*lbv1.Resource {
	proxy := &lbv1.TargetProxy{UrlMap: name}
	out := []*lbv1.Resource{
		{Name: name, Body: &lbv1.Resource_ForwardingRule{ForwardingRule: &lbv1.ForwardingRule{
			Scheme: lbv1.LoadBalancingScheme_EXTERNAL_MANAGED, Port: uint32(at.Port()), TargetProxy: name,
			Vips: []*lbv1.Vip{{Address: at.Addr().String()}},
		}}},
		{Name: name, Body: &lbv1.Resource_TargetProxy{TargetProxy: proxy}},
		{Name: name, Body: &lbv1.Resource_UrlMap{UrlMap: &lbv1.UrlMap{
			DefaultService: name + "-404", ListenerHosts: []string{"*"},
		}}},
		{Name: name + "-404", Body: &lbv1.Resource_BackendService{BackendService: &lbv1.BackendService{AbortStatus: 404}}},
	}
	if certificate != nil {
		proxy.Tls = &lbv1.DownstreamTls{ServerNames: []*lbv1.ServerName{{Certificates: []string{name}}}}
		out = append(out, Certificate(name, certificate))
	}
	return out
}

// Certificate replaces the one of a front.
func Certificate(front string, c *lbv1.SslCertificate) *lbv1.Resource {
	return &lbv1.Resource{Name: front, Body: &lbv1.Resource_SslCertificate{SslCertificate: c}}
}

// Service is a backend service with one group.
func Service(name string, protocol lbv1.BackendProtocol, endpoints ...netip.AddrPort) []*lbv1.Resource {
	return []*lbv1.Resource{
		{Name: name, Body: &lbv1.Resource_BackendService{BackendService: &lbv1.BackendService{
			Protocol: protocol, Backends: []*lbv1.Backend{{Group: name}},
		}}},
		{Name: name, Body: &lbv1.Resource_NetworkEndpointGroup{
			NetworkEndpointGroup: &lbv1.NetworkEndpointGroup{Shards: 1},
		}},
		Endpoints(name, endpoints...),
	}
}

// Endpoints are those of a service.
func Endpoints(service string, endpoints ...netip.AddrPort) *lbv1.Resource {
	shard := &lbv1.EndpointShard{Group: service}
	for _, e := range endpoints {
		shard.Endpoints = append(shard.Endpoints, &lbv1.Endpoint{Address: e.Addr().String(), Port: uint32(e.Port())})
	}
	return &lbv1.Resource{Name: service + "/0", Body: &lbv1.Resource_EndpointShard{EndpointShard: shard}}
}

// RouteName is the name of a front's route with this precedence.
func RouteName(front string, precedence int) string {
	return fmt.Sprintf("%s/*/*/%06d", front, precedence)
}

// Route sends a path prefix to a service.
func Route(front string, precedence int, prefix, service string) *lbv1.Resource {
	return &lbv1.Resource{
		Name: RouteName(front, precedence),
		Body: &lbv1.Resource_RouteRule{RouteRule: &lbv1.RouteRule{
			UrlMap: front, ListenerHost: "*", Host: "*", Precedence: fmt.Sprintf("%06d", precedence),
			Match: &lbv1.RouteMatch{Path: &lbv1.RouteMatch_Prefix{Prefix: prefix}},
			Route: fmt.Sprintf("site/%s-%d", front, precedence), Rule: "0",
			Action: &lbv1.RouteRule_Forward{Forward: &lbv1.Forward{
				Backends: []*lbv1.WeightedBackend{{BackendService: service, Weight: 1}},
			}},
		}},
	}
}

// SelfSigned makes a certificate for Host.
func SelfSigned() (*lbv1.SslCertificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	serial, err := rand.Int(rand.Reader, big.NewInt(1<<62))
	if err != nil {
		return nil, err
	}
	template := &x509.Certificate{
		SerialNumber: serial, Subject: pkix.Name{CommonName: Host}, DNSNames: []string{Host},
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore:   time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign, IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return nil, err
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, err
	}
	return &lbv1.SslCertificate{
		CertificateChainPem: pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}),
		PrivateKeyPem:       pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private}),
	}, nil
}

// FreePort is a loopback address that nobody listens on.
func FreePort() (netip.AddrPort, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return netip.AddrPort{}, err
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).AddrPort(), nil
}
