package policy

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	networkingv1 "github.com/spillway-lb/spillway/api/networking/v1"
	"github.com/spillway-lb/spillway/internal/kind"
	"github.com/spillway-lb/spillway/internal/recompute"
	"github.com/spillway-lb/spillway/internal/store"
)

// GatewayCheck says what of a GCPGatewayPolicy a Gateway cannot be given, or "". It depends on the Gateway's class, of
// which this package knows nothing.
type GatewayCheck func(v *recompute.View, gateway store.Ref, c *networkingv1.GCPGatewayPolicyConfig) string

// OfGateway returns the GCPGatewayPolicy of a Gateway, nil without one.
func OfGateway(v *recompute.View, gateway store.Ref) *networkingv1.GCPGatewayPolicy {
	t := Target{Cluster: gateway.Cluster, Kind: Gateway, Namespace: gateway.Namespace, Name: gateway.Name}
	_, p, ok := winner[*networkingv1.GCPGatewayPolicy](v, kind.GCPGatewayPolicy, t)
	if !ok {
		return nil
	}
	return p
}

// gatewayPolicies translates GCPGatewayPolicies.
type gatewayPolicies struct {
	check GatewayCheck
}

func (g gatewayPolicies) translate(v *recompute.View, key string) recompute.Result {
	ref, _ := store.ParseRef(key)
	p, ok := recompute.Get[*networkingv1.GCPGatewayPolicy](v, ref)
	if !ok {
		return recompute.Result{}
	}
	o := judge[*networkingv1.GCPGatewayPolicy](v, ref, p.Spec.TargetRef, kind.GCPGatewayPolicy, Gateway)
	if o.ok && p.Spec.Default != nil {
		gateway := store.Ref{Cluster: ref.Cluster, Kind: kind.Gateway, Namespace: ref.Namespace, Name: p.Spec.TargetRef.Name}
		if problem := g.check(v, gateway, p.Spec.Default); problem != "" {
			o = invalid(problem + "; the rest of the policy is applied")
		}
	}
	if t, ok := targetOf(ref, p.Spec.TargetRef); ok {
		o = o.inForce(v, t)
	}
	status := &networkingv1.GCPGatewayPolicyStatus{Conditions: []metav1.Condition{o.condition(p.Generation)}}
	return recompute.Result{State: recompute.Present, Writes: o.writes(v, ref, p, status)}
}

func gatewayTargets(ref store.Ref, o store.Object) []Target {
	p, ok := o.(*networkingv1.GCPGatewayPolicy)
	if !ok {
		return nil
	}
	return oneTarget(ref, p.Spec.TargetRef)
}
