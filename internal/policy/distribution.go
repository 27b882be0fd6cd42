package policy

import (
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
	networkingv1 "github.com/spillway-lb/spillway/api/networking/v1"
	"github.com/spillway-lb/spillway/internal/kind"
	"github.com/spillway-lb/spillway/internal/recompute"
	"github.com/spillway-lb/spillway/internal/store"
)

// SetDistribution applies the GCPTrafficDistributionPolicy of a target to its backend service.
func SetDistribution(v *recompute.View, t Target, service *lbv1.BackendService) {
	_, p, ok := winner[*networkingv1.GCPTrafficDistributionPolicy](v, kind.GCPTrafficDistributionPolicy, t)
	if !ok || p.Spec.Default == nil || unsupportedDistribution(p.Spec.Default) != "" {
		return
	}
	c := p.Spec.Default
	if c.ServiceLbAlgorithm != nil {
		service.Algorithm = lbv1.ServiceLbAlgorithm(lbv1.ServiceLbAlgorithm_value[string(*c.ServiceLbAlgorithm)])
	}
	if c.LocalityLbAlgorithm != nil {
		service.LocalityPolicy = lbv1.LocalityPolicy(lbv1.LocalityPolicy_value[string(*c.LocalityLbAlgorithm)])
	}
	if f := c.FailoverConfig; f != nil && f.FailoverHealthThreshold != nil {
		// The schema takes 0..100, of which the load balancer knows 1..99.
		service.FailoverThreshold = uint32(min(max(*f.FailoverHealthThreshold, 1), 99))
	}
}

// unsupportedDistribution is the first setting that no data plane obeys yet, or "".
func unsupportedDistribution(c *networkingv1.TrafficDistributionConfig) string {
	if c == nil {
		return ""
	}
	if c.AutoCapacityDrain != nil && or(c.AutoCapacityDrain.EnableAutoCapacityDrain, false) {
		return "autoCapacityDrain"
	}
	if a := c.ServiceLbAlgorithm; a != nil && lbv1.ServiceLbAlgorithm_value[string(*a)] == 0 {
		return "serviceLbAlgorithm " + string(*a)
	}
	if a := c.LocalityLbAlgorithm; a != nil && lbv1.LocalityPolicy_value[string(*a)] == 0 {
		return "localityLbAlgorithm " + string(*a)
	}
	return ""
}

func translateDistributionPolicy(v *recompute.View, key string) recompute.Result {
	ref, _ := store.ParseRef(key)
	p, ok := recompute.Get[*networkingv1.GCPTrafficDistributionPolicy](v, ref)
	if !ok {
		return recompute.Result{}
	}
	status := &gatewayv1.PolicyStatus{}
	all := attached()
	for _, r := range p.Spec.TargetRefs {
		target := networkingv1.PolicyTargetReference{Group: r.Group, Kind: r.Kind, Name: r.Name}
		o := judge[*networkingv1.GCPTrafficDistributionPolicy](v, ref, target, kind.GCPTrafficDistributionPolicy, Service, ServiceImport)
		if setting := unsupportedDistribution(p.Spec.Default); o.ok && setting != "" {
			o = invalid(setting + " is not supported; nothing of the policy is applied")
		}
		t, ok := targetOf(ref, target)
		if ok {
			o = o.inForce(v, t)
		}
		if !o.ok && all.ok {
			all = o
		}
		group, kind := gatewayv1.Group(r.Group), gatewayv1.Kind(r.Kind)
		for _, controller := range controllersOf(v, t) {
			status.Ancestors = append(status.Ancestors, gatewayv1.PolicyAncestorStatus{
				AncestorRef:    gatewayv1.ParentReference{Group: &group, Kind: &kind, Name: gatewayv1.ObjectName(r.Name)},
				ControllerName: controller, Conditions: []metav1.Condition{o.condition(p.Generation)},
			})
		}
	}
	status.Ancestors = slices.Clip(status.Ancestors[:min(len(status.Ancestors), maxAncestors)])
	return recompute.Result{State: recompute.Present, Writes: all.writes(v, ref, p, status)}
}

func distributionTargets(ref store.Ref, o store.Object) []Target {
	p, ok := o.(*networkingv1.GCPTrafficDistributionPolicy)
	if !ok {
		return nil
	}
	var all []Target
	for _, t := range p.Spec.TargetRefs {
		all = append(all, oneTarget(ref, networkingv1.PolicyTargetReference{Group: t.Group, Kind: t.Kind, Name: t.Name})...)
	}
	return all
}
