package call

import (
	"crypto/tls"

	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
	"github.com/spillway-lb/spillway/internal/proxy/accesslog"
	"github.com/spillway-lb/spillway/internal/proxy/balance"
	"github.com/spillway-lb/spillway/internal/proxy/metrics"
	"github.com/spillway-lb/spillway/internal/proxy/proxytls"
	"github.com/spillway-lb/spillway/internal/proxy/upstream"
)

// Service is what calls make of one version of a backend service, once.
type Service struct {
	// Logging picks the requests that are logged.
	Logging *accesslog.Policy
	// Counts counts.
	Counts *metrics.Service
	http2  bool
	tls    *tls.Config
	tlsErr error
}

// Service returns what hangs on the version, making it the first time.
func (r *Caller) Service(material proxytls.Resources, v *balance.Service) *Service {
	if d, ok := v.Transport.Load().(*Service); ok {
		return d
	}
	d := &Service{
		Logging: accesslog.CompilePolicy(v.Spec.GetLogging()),
		Counts:  r.Metrics.Service(v.Name),
	}
	protocol := v.Spec.GetProtocol()
	d.http2 = protocol == lbv1.BackendProtocol_HTTP2 || protocol == lbv1.BackendProtocol_H2C
	if protocol == lbv1.BackendProtocol_HTTPS || protocol == lbv1.BackendProtocol_HTTP2 {
		d.tls, d.tlsErr = proxytls.CompileClient(v.Spec.GetTls(), protocol, material)
	}
	if !v.Transport.CompareAndSwap(nil, d) {
		return v.Transport.Load().(*Service)
	}
	return d
}

// target says how to speak to an endpoint.
func (d *Service) target(e *balance.Endpoint) (upstream.Target, error) {
	if d.tlsErr != nil {
		return upstream.Target{}, &upstream.ConnectError{TLS: true, Err: d.tlsErr}
	}
	t := upstream.Target{Address: e.Address, HTTP2: d.http2, Counts: d.Counts}
	if d.tls != nil {
		t.TLS = proxytls.ForEndpoint(d.tls)
	}
	return t, nil
}

// poolOf finds or makes the pool of an endpoint.
func (r *Caller) poolOf(e *balance.Endpoint, d *Service) (*upstream.Pool, error) {
	if pool := r.Pools.Find(e); pool != nil {
		return pool, nil
	}
	target, err := d.target(e)
	if err != nil {
		return nil, err
	}
	return r.Pools.Create(e, target), nil
}
