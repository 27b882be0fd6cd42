package gateway

import (
	"fmt"
	"slices"
	"strings"

	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
	networkingv1 "github.com/spillway-lb/spillway/api/networking/v1"
	"github.com/spillway-lb/spillway/internal/fleet"
	"github.com/spillway-lb/spillway/internal/frontend"
	"github.com/spillway-lb/spillway/internal/policy"
	"github.com/spillway-lb/spillway/internal/recompute"
	"github.com/spillway-lb/spillway/internal/store"
)

// CheckPolicy is the policy.GatewayCheck: what of a GCPGatewayPolicy a Gateway cannot be given.
func CheckPolicy(o Options) policy.GatewayCheck {
	return func(v *recompute.View, gateway store.Ref, c *networkingv1.GCPGatewayPolicyConfig) string {
		gw, ok := wantedGateway(v, gateway)
		if !ok {
			return ""
		}
		class, ok := classOf(v, gw, gateway)
		if !ok {
			return fmt.Sprintf("Gateway %q is of class %q, which is not ours", gateway.Namespace+"/"+gateway.Name, gw.Spec.GatewayClassName)
		}
		var problems []string
		add := func(problem string) {
			if problem != "" {
				problems = append(problems, problem)
			}
		}
		if c.Region != nil {
			add(refusedRegion(v, o, *c.Region, class))
		}
		if c.AllowGlobalAccess != nil && *c.AllowGlobalAccess && (class.Reach != Regional || class.Scheme != lbv1.LoadBalancingScheme_INTERNAL_MANAGED) {
			add("allowGlobalAccess is for classes gke-l7-rilb and gke-l7-rilb-mc, not for " + class.Name)
		}
		if c.SSLPolicy != nil {
			if _, ok := frontend.SSLPolicy(v, *c.SSLPolicy); !ok {
				add(fmt.Sprintf("sslPolicy %q is not defined: the Configuration's sslPolicies, COMPATIBLE, MODERN and RESTRICTED are", *c.SSLPolicy))
			}
		}
		return strings.Join(problems, "; ")
	}
}

// refusedRegion is why a Gateway of the class cannot stand in a region, or "".
func refusedRegion(v *recompute.View, o Options, region string, class Class) string {
	switch {
	case class.Reach != Regional:
		return "region is for regional classes, not for " + class.Name
	case region == o.Home || slices.Contains(fleet.Regions(v), region):
		return ""
	}
	return fmt.Sprintf("region %q has no cluster of the fleet, so no proxy is there", region)
}

// regionOf is where the load balancer of a regional Gateway stands: where its policy says, or in its cluster's region. ok is false
// as long as the policies are not known.
func regionOf(v *recompute.View, o Options, ref store.Ref, class Class) (region string, ok bool) {
	s, ok := settingsOf(v, ref)
	if c := s.GCPGatewayPolicyConfig; c != nil && c.Region != nil && refusedRegion(v, o, *c.Region, class) == "" {
		return *c.Region, ok
	}
	return fleet.MemberOf(v, ref.Cluster).Region, ok
}
