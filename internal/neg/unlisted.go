package neg

import (
	"github.com/spillway-lb/spillway/internal/fact"
	"github.com/spillway-lb/spillway/internal/fleet"
	"github.com/spillway-lb/spillway/internal/kind"
	"github.com/spillway-lb/spillway/internal/recompute"
	"github.com/spillway-lb/spillway/internal/store"
)

// unitUnlisted says whether a list is on its way of what can attach a group to a backend service. Its key is a cluster, whose
// lists they are beside the fleet's; its value a bool.
const unitUnlisted = "neg.unlisted"

func translateUnlisted(v *recompute.View, cluster string) recompute.Result {
	pending := fact.Pending(v, "", kind.Cluster, kind.Configuration) || fact.Pending(v, cluster, attaching()...)
	return recompute.Result{State: recompute.Present, Value: pending}
}

// attaching are the kinds without which a backend service, or what leads to it, may be missing.
func attaching() []string {
	return []string{
		kind.Gateway, kind.GatewayClass, kind.ListenerSet, kind.HTTPRoute, kind.GRPCRoute, kind.ReferenceGrant, kind.Namespace, kind.Secret, kind.ConfigMap,
		kind.Ingress, kind.IngressClass, kind.BackendConfig, kind.FrontendConfig,
		kind.HealthCheckPolicy, kind.GCPBackendPolicy, kind.GCPGatewayPolicy, kind.GCPTrafficDistributionPolicy, kind.BackendTLSPolicy,
		kind.GCPRoutingExtension, kind.GCPTrafficExtension, kind.Service, kind.ServiceExport, kind.MCSServiceExport,
	}
}

// unlisted tells whether something that is not known yet may attach a Service's groups. Of other clusters only the config cluster can,
// and only if the Service is exported, so that one that is away keeps nobody else waiting.
func unlisted(v *recompute.View, service store.Ref) bool {
	if pending, _ := recompute.Known[bool](v, unitUnlisted, service.Cluster); pending {
		return true
	}
	if !exported(v, service) {
		return false
	}
	config, held := fleet.ConfigCluster(v)
	if held || config == "" {
		return held
	}
	pending, _ := recompute.Known[bool](v, unitUnlisted, config)
	return pending
}

func exported(v *recompute.View, service store.Ref) bool {
	for _, of := range []string{kind.ServiceExport, kind.MCSServiceExport} {
		if v.Get(store.Ref{Cluster: service.Cluster, Kind: of, Namespace: service.Namespace, Name: service.Name}) != nil {
			return true
		}
	}
	return false
}
