package exchange

import (
	"context"
	"errors"
	"net/netip"

	"github.com/spillway-lb/spillway/internal/proxy/accesslog"
	"github.com/spillway-lb/spillway/internal/proxy/balance"
	"github.com/spillway-lb/spillway/internal/proxy/call"
	"github.com/spillway-lb/spillway/internal/proxy/config"
	"github.com/spillway-lb/spillway/internal/proxy/extension"
)

var _ extension.Exchange = (*running)(nil)

// Context implements extension.Exchange.
func (r *running) Context() context.Context {
	return r.scope.ctx
}

// live is the exchange, until it has ended.
func (r *running) live() *Exchange {
	r.scope.mu.Lock()
	defer r.scope.mu.Unlock()
	return r.scope.x
}

// Client implements extension.Exchange.
func (r *running) Client() extension.Client {
	x := r.live()
	if x == nil {
		return extension.Client{}
	}
	c := x.client
	return extension.Client{
		Peer: c.Peer, Local: c.Local, Address: x.address, Scheme: c.Scheme,
		TLSVersion: c.TLSVersion, ServerName: c.ServerName, PeerCertificate: c.PeerCertificate,
	}
}

// Region implements extension.Exchange.
func (r *running) Region() string {
	x := r.live()
	if x == nil || x.target.Spec.GetGeoDatabase() == "" || x.engine.Places == nil {
		return ""
	}
	return x.engine.Places.Find(x.target.Spec.GetGeoDatabase(), x.address.Addr()).Region
}

// ForwardingRule implements extension.Exchange.
func (r *running) ForwardingRule() string {
	if x := r.live(); x != nil {
		return x.client.Frontend.Name
	}
	return ""
}

// TargetProxy implements extension.Exchange.
func (r *running) TargetProxy() string {
	if x := r.live(); x != nil {
		return x.target.Name
	}
	return ""
}

// Rule implements extension.Exchange.
func (r *running) Rule() (route, rule string) {
	if x := r.live(); x != nil && x.rule != nil {
		return x.rule.Route, x.rule.RuleName
	}
	return "", ""
}

// Service implements extension.Exchange.
func (r *running) Service() *balance.Service {
	if x := r.live(); x != nil {
		return x.service
	}
	return nil
}

// Lookup implements extension.Exchange.
func (r *running) Lookup(name string) (*balance.Service, *call.Service) {
	x := r.live()
	if x == nil {
		return nil, nil
	}
	s := x.root.ServiceByName(name)
	if s == nil {
		return nil, nil
	}
	return s, x.engine.Caller.Service(config.Material{Root: x.root}, s)
}

// Caller implements extension.Exchange.
func (r *running) Caller() *call.Caller {
	if x := r.live(); x != nil {
		return x.engine.Caller
	}
	return nil
}

var (
	errNoService = errors.New("exchange: no backend service is chosen")
	errNotInUse  = errors.New("exchange: the backend service has no such endpoint in use")
)

// Choose implements extension.Exchange.
func (r *running) Choose(endpoints ...netip.AddrPort) error {
	x := r.live()
	if x == nil || x.service == nil {
		return errNoService
	}
	now := x.engine.Caller.Now()
	var usable []netip.AddrPort
	for _, at := range endpoints {
		if x.service.Usable(at, now) != nil {
			usable = append(usable, at)
		}
	}
	if len(usable) == 0 {
		return errNotInUse
	}
	r.scope.choose(usable)
	return nil
}

// maxFields bounds what a filter adds to the log record.
const maxFields = 64

// Log implements extension.Exchange.
func (r *running) Log(name, value string) {
	s := r.scope
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(r.fields) < maxFields {
		r.fields = append(r.fields, accesslog.ExtensionField{Name: name, Value: value})
	}
}

// Failed implements extension.Exchange.
func (r *running) Failed(word, text string) {
	s := r.scope
	s.mu.Lock()
	defer s.mu.Unlock()
	if r.fault == nil {
		r.fault = &fault{word, text}
	}
}

// Worked implements extension.Exchange.
func (r *running) Worked() {
	s := r.scope
	s.mu.Lock()
	defer s.mu.Unlock()
	r.worked = true
}

// Transfer implements extension.Exchange.
func (r *running) Transfer(sent, received int64) {
	if x := r.live(); x != nil {
		x.engine.Metrics.Extensions.Transfer(r.name(), sent, received)
	}
}

// Count implements extension.Exchange.
func (r *running) Count(event string) {
	if x := r.live(); x != nil {
		x.engine.Metrics.Extensions.Inc(r.name(), event)
	}
}
