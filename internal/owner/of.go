package owner

import (
	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
)

// OfResource is the owner of a resource, nil for those of a kind that has none (groups, shards, health, weights).
func OfResource(r *lbv1.Resource) *lbv1.Owner {
	switch b := r.GetBody().(type) {
	case *lbv1.Resource_ForwardingRule:
		return b.ForwardingRule.GetOwner()
	case *lbv1.Resource_TargetProxy:
		return b.TargetProxy.GetOwner()
	case *lbv1.Resource_UrlMap:
		return b.UrlMap.GetOwner()
	case *lbv1.Resource_RouteRule:
		return b.RouteRule.GetOwner()
	case *lbv1.Resource_BackendService:
		return b.BackendService.GetOwner()
	case *lbv1.Resource_HealthCheck:
		return b.HealthCheck.GetOwner()
	case *lbv1.Resource_SslCertificate:
		return b.SslCertificate.GetOwner()
	case *lbv1.Resource_TrustConfig:
		return b.TrustConfig.GetOwner()
	case *lbv1.Resource_LbRouteExtension:
		return b.LbRouteExtension.GetOwner()
	case *lbv1.Resource_LbTrafficExtension:
		return b.LbTrafficExtension.GetOwner()
	case *lbv1.Resource_WasmPlugin:
		return b.WasmPlugin.GetOwner()
	case *lbv1.Resource_WasmPluginVersion:
		return b.WasmPluginVersion.GetOwner()
	}
	return nil
}
