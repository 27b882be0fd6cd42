package proxy

import (
	"crypto/tls"
	"fmt"
	"net"

	"github.com/spillway-lb/spillway/internal/proxy/config"
	"github.com/spillway-lb/spillway/internal/proxy/exchange"
	"github.com/spillway-lb/spillway/internal/proxy/proxytls"
)

// httpFrontend reads requests, with TLS or without, and does with them what a target proxy says.
type httpFrontend struct {
	p        *Proxy
	exchange *exchange.Frontend
	tls      *proxytls.Server // nil without TLS
	config   *tls.Config      // of tls
	inputs   tlsInputs        // what tls was compiled from
}

func newHTTPFrontend(p *Proxy, root *config.Root, spec config.Frontend) (handler, error) {
	h := &httpFrontend{p: p, exchange: &exchange.Frontend{Name: spec.Name}}
	h.exchange.Reach = func(port uint16) uint16 { return p.reach(spec.Address, port) }
	h.exchange.SetTarget(spec.TargetProxy)
	if !spec.TLS {
		return h, nil
	}
	policy, err := tlsPolicy(root, spec.TargetProxy)
	if err != nil {
		return nil, err
	}
	h.tls, h.inputs = proxytls.NewServer(policy, p.tickets), inputsOf(root, spec.TargetProxy)
	h.config = h.tls.Config()
	return h, nil
}

func (h *httpFrontend) bound(port uint16) { h.exchange.Port = port }

// prepare gives TLS the policy of the next root.
func (h *httpFrontend) prepare(next *config.Root, spec config.Frontend) error {
	if h.tls == nil || !spec.TLS {
		return nil
	}
	inputs := inputsOf(next, spec.TargetProxy)
	if inputs.equal(h.inputs) {
		return nil
	}
	policy, err := tlsPolicy(next, spec.TargetProxy)
	if err != nil {
		return fmt.Errorf("frontend %s keeps its certificates: %w", spec.Name, err)
	}
	h.tls.Set(policy)
	h.inputs = inputs
	return nil
}

func (h *httpFrontend) follow(root *config.Root, spec config.Frontend) (most int) {
	h.exchange.SetTarget(spec.TargetProxy)
	return int(root.TargetProxy(spec.TargetProxy).Spec.GetLimits().GetMaxConnections())
}

func (h *httpFrontend) serve(nc *net.TCPConn, closed func()) {
	h.p.server.Serve(nc, h.exchange, h.config, closed)
}

func tlsPolicy(root *config.Root, target string) (*proxytls.ServerPolicy, error) {
	t := root.TargetProxy(target)
	if t == nil {
		return nil, fmt.Errorf("target proxy %q does not exist", target)
	}
	return proxytls.CompileServer(t.Spec.GetTls(), config.Material{Root: root})
}
