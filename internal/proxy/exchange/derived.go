package exchange

import (
	"crypto/tls"

	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
	"github.com/spillway-lb/spillway/internal/proxy/accesslog"
	"github.com/spillway-lb/spillway/internal/proxy/balance"
	"github.com/spillway-lb/spillway/internal/proxy/config"
	"github.com/spillway-lb/spillway/internal/proxy/metrics"
	"github.com/spillway-lb/spillway/internal/proxy/proxytls"
	"github.com/spillway-lb/spillway/internal/proxy/upstream"
)

// derived is what the exchanges make of one version of a backend service, once.
type derived struct {
	policy *accesslog.Policy
	counts *metrics.Service
	http2  bool
	tls    *tls.Config
	tlsErr error
}

// derive returns what hangs on the version, making it the first time.
func (s *Server) derive(root *config.Root, v *balance.Service) *derived {
	if d, ok := v.Transport.Load().(*derived); ok {
		return d
	}
	d := &derived{
		policy: accesslog.CompilePolicy(v.Spec.GetLogging()),
		counts: s.Metrics.Service(v.Name),
	}
	protocol := v.Spec.GetProtocol()
	d.http2 = protocol == lbv1.BackendProtocol_HTTP2 || protocol == lbv1.BackendProtocol_H2C
	if protocol == lbv1.BackendProtocol_HTTPS || protocol == lbv1.BackendProtocol_HTTP2 {
		d.tls, d.tlsErr = proxytls.CompileClient(v.Spec.GetTls(), protocol, Resources{root})
	}
	if !v.Transport.CompareAndSwap(nil, d) {
		return v.Transport.Load().(*derived)
	}
	return d
}

// target says how to speak to an endpoint.
func (d *derived) target(e *balance.Endpoint) (upstream.Target, error) {
	if d.tlsErr != nil {
		return upstream.Target{}, &upstream.ConnectError{TLS: true, Err: d.tlsErr}
	}
	t := upstream.Target{Address: e.Address, HTTP2: d.http2, Counts: d.counts}
	if d.tls != nil {
		t.TLS = proxytls.ForEndpoint(d.tls)
	}
	return t, nil
}

// poolOf finds or makes the pool of an endpoint.
func (s *Server) poolOf(e *balance.Endpoint, d *derived) (*upstream.Pool, error) {
	if pool := s.Pools.Find(e); pool != nil {
		return pool, nil
	}
	target, err := d.target(e)
	if err != nil {
		return nil, err
	}
	return s.Pools.Create(e, target), nil
}

// Resources finds TLS material in a root.
type Resources struct{ Root *config.Root }

// Certificate parses a certificate; nil when there is none, or none that is valid.
func (r Resources) Certificate(name string) *proxytls.Certificate {
	spec := r.Root.Certificate(name)
	if spec == nil {
		return nil
	}
	c, err := proxytls.ParseCertificate(spec)
	if err != nil {
		return nil
	}
	return c
}

// TrustConfig is Certificate for certificate authorities.
func (r Resources) TrustConfig(name string) *proxytls.TrustConfig {
	spec := r.Root.TrustConfig(name)
	if spec == nil {
		return nil
	}
	t, err := proxytls.ParseTrustConfig(spec)
	if err != nil {
		return nil
	}
	return t
}
