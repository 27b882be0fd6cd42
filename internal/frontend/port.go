package frontend

import (
	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
	"github.com/spillway-lb/spillway/internal/owner"
	"github.com/spillway-lb/spillway/internal/recompute"
	"github.com/spillway-lb/spillway/internal/scope"
	"github.com/spillway-lb/spillway/internal/store"
)

// via is what Google's proxies write.
const via = "1.1 google"

// Port is what listens on one port of an owner.
type Port struct {
	Owner store.Ref
	// Description is that of the resources.
	Description string
	Names       Names
	// Class is the owner's GatewayClass, by which Configurations may select it.
	Class string
	Scope scope.Scope
	Port  int32
	VIPs  []VIP
	// TLS is nil for plain HTTP.
	TLS *lbv1.DownstreamTls
	// Extensions are those of the owner.
	Extensions Extensions
}

// Names are those of the resources of a port. Each kind of owner has its way to make them.
type Names struct {
	ForwardingRule, TargetProxy, URLMap string
}

// GatewayNames are those of a port of a Gateway.
func GatewayNames(s scope.Scope, owner store.Ref, port int32) Names {
	routing := URLMap(s, owner, port)
	return Names{ForwardingRule: Rule(s, owner, port), TargetProxy: routing, URLMap: routing}
}

// URLMap names the routing of a port; its target proxy has the same name.
func URLMap(s scope.Scope, owner store.Ref, port int32) string {
	return s.Namer().URLMap(owner.Namespace, owner.Name, port, s.Variant())
}

// Rule names the forwarding rule of a port.
func Rule(s scope.Scope, owner store.Ref, port int32) string {
	return s.Namer().ForwardingRule(owner.Namespace, owner.Name, port, s.Variant())
}

// Resources are the forwarding rule and the target proxy.
func (p Port) Resources(v *recompute.View) []*lbv1.Resource {
	by := owner.Of(p.Owner)
	var vips []*lbv1.Vip
	for _, vip := range p.VIPs {
		vips = append(vips, &lbv1.Vip{Region: vip.Region, Address: vip.Address, Name: vip.Name})
	}
	proxy := &lbv1.TargetProxy{
		UrlMap: p.Names.URLMap, Tls: p.TLS, Via: via, Description: p.Description, Owner: by,
		RouteExtension: p.Extensions.Route[p.Port], TrafficExtension: p.Extensions.Traffic[p.Port],
	}
	p.setSettings(v, proxy)
	return []*lbv1.Resource{
		{Name: p.Names.ForwardingRule, Body: &lbv1.Resource_ForwardingRule{ForwardingRule: &lbv1.ForwardingRule{
			Scheme: p.Scope.Scheme, Region: p.Scope.Region, Vips: vips, Port: uint32(p.Port), TargetProxy: p.Names.TargetProxy,
			Description: p.Description, Owner: by,
		}}},
		{Name: p.Names.TargetProxy, Body: &lbv1.Resource_TargetProxy{TargetProxy: proxy}},
	}
}
