package policy

import (
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	networkingv1 "github.com/spillway-lb/spillway/api/networking/v1"
	"github.com/spillway-lb/spillway/internal/kind"
	"github.com/spillway-lb/spillway/internal/recompute"
	"github.com/spillway-lb/spillway/internal/store"
)

// Kinds in the form of store.Ref.
const (
	KindHealthCheck = kind.HealthCheckPolicy
	KindBackend     = kind.GCPBackendPolicy
	KindGateway     = kind.GCPGatewayPolicy
	KindBackendTLS  = kind.BackendTLSPolicy

	KindDistribution = kind.GCPTrafficDistributionPolicy
)

// Indexes file policies under their targets.
const (
	indexHealthCheck = "policy.healthcheck"
	indexBackend     = "policy.backend"
	indexGateway     = "policy.gateway"
	indexBackendTLS  = "policy.backendtls"

	indexDistribution = "policy.distribution"
)

// Indexes returns the store indexes that the package reads.
func Indexes() []store.Index {
	return []store.Index{
		{Name: indexHealthCheck, Kind: KindHealthCheck, Keys: targetKeys},
		{Name: indexBackend, Kind: KindBackend, Keys: targetKeys},
		{Name: indexGateway, Kind: KindGateway, Keys: targetKeys},
		{Name: indexBackendTLS, Kind: KindBackendTLS, Keys: targetKeys},
		{Name: indexDistribution, Kind: KindDistribution, Keys: targetKeys},
	}
}

func targetKeys(ref store.Ref, o store.Object) []string {
	var keys []string
	switch p := o.(type) {
	case *networkingv1.HealthCheckPolicy:
		keys = oneKey(ref, p.Spec.TargetRef)
	case *networkingv1.GCPBackendPolicy:
		keys = oneKey(ref, p.Spec.TargetRef)
	case *networkingv1.GCPGatewayPolicy:
		keys = oneKey(ref, p.Spec.TargetRef)
	case *networkingv1.GCPTrafficDistributionPolicy:
		for _, t := range p.Spec.TargetRefs {
			keys = append(keys, oneKey(ref, networkingv1.PolicyTargetReference{Group: t.Group, Kind: t.Kind, Name: t.Name})...)
		}
	case *gatewayv1.BackendTLSPolicy:
		for _, t := range p.Spec.TargetRefs {
			if kind := kindOf(string(t.Group), string(t.Kind)); kind != "" {
				keys = append(keys, Target{ref.Cluster, kind, ref.Namespace, string(t.Name)}.key())
			}
		}
	}
	return keys
}

func oneKey(policy store.Ref, r networkingv1.PolicyTargetReference) []string {
	if t, ok := targetOf(policy, r); ok {
		return []string{t.key()}
	}
	return nil
}

// Units returns the translators of this package by unit kind: the statuses of policies.
func Units(check GatewayCheck) map[string]recompute.Translator {
	return map[string]recompute.Translator{
		KindHealthCheck: translateHealthCheckPolicy,
		KindBackend:     translateBackendPolicy,
		KindGateway:     gatewayPolicies{check}.translate,
		KindBackendTLS:  translateBackendTLSPolicy,

		KindDistribution: translateDistributionPolicy,
	}
}

// Roots makes a unit of each policy.
func Roots() []recompute.Root {
	return []recompute.Root{
		{Kind: KindHealthCheck, Unit: KindHealthCheck},
		{Kind: KindBackend, Unit: KindBackend},
		{Kind: KindGateway, Unit: KindGateway},
		{Kind: KindBackendTLS, Unit: KindBackendTLS},
		{Kind: KindDistribution, Unit: KindDistribution},
	}
}
