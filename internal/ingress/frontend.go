package ingress

import (
	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
	"github.com/spillway-lb/spillway/internal/frontend"
	"github.com/spillway-lb/spillway/internal/owner"
	"github.com/spillway-lb/spillway/internal/recompute"
	"github.com/spillway-lb/spillway/internal/store"
)

const (
	portHTTP  = 80
	portHTTPS = 443
)

// addressesUnit claims what Ingresses are served at: an address in each location of their load balancer. Its value is a
// frontend.Addresses.
type addressesUnit struct {
	options Options
}

func (u addressesUnit) translate(v *recompute.View, key string) recompute.Result {
	ref, _ := store.ParseRef(key)
	p, ok, held := planOf(v, key)
	if !ok {
		return heldOrAbsent(held)
	}
	var requests []frontend.Request
	for _, region := range p.Scope.ReadLocations(v, u.options.Home) {
		requests = append(requests, frontend.Request{Region: region})
	}
	return recompute.Result{State: recompute.Present, Value: frontend.ReadAddresses(v, ref, requests)}
}

// served is the value of a unitFrontend: what was made.
type served struct {
	HTTP, HTTPS frontend.Names
}

// translateFrontend makes what listens.
func translateFrontend(v *recompute.View, key string) recompute.Result {
	ref, _ := store.ParseRef(key)
	p, ok, held := planOf(v, key)
	if !ok {
		return heldOrAbsent(held)
	}
	addresses, ok, held := recompute.Value[frontend.Addresses](v, unitAddresses, key)
	if !ok {
		return heldOrAbsent(held)
	}
	if len(addresses.VIPs) == 0 {
		return recompute.Result{}
	}
	v.Unit(unitURLMap, key)
	out := served{}
	var resources []*lbv1.Resource
	if p.HTTP {
		port := p.port(ref, portHTTP, addresses.VIPs)
		out.HTTP = port.Names
		resources = append(resources, port.Resources(v)...)
	}
	return recompute.Result{State: recompute.Present, Value: out, Resources: resources}
}

// port is what listens on one of the two ports.
func (p *plan) port(ref store.Ref, number int32, vips []frontend.VIP) frontend.Port {
	n := p.names(ref)
	return frontend.Port{
		Owner: ref, Description: owner.DescribeIngress(ref.Namespace, ref.Name), Class: p.Class, Scope: p.Scope, Port: number, VIPs: vips,
		Names: frontend.Names{
			ForwardingRule: n.ForwardingRule(number == portHTTPS), TargetProxy: n.TargetProxy(number == portHTTPS), URLMap: n.URLMap(),
		},
	}
}
