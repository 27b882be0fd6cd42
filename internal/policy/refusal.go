package policy

import (
	networkingv1 "github.com/spillway-lb/spillway/api/networking/v1"
	"github.com/spillway-lb/spillway/internal/kind"
	"github.com/spillway-lb/spillway/internal/recompute"
)

// refusedSetting is why a GCPBackendPolicy on a target of the kind cannot be obeyed as a whole, or "".
func refusedSetting(kind string, c *networkingv1.GCPBackendPolicyConfig) string {
	if c == nil {
		return ""
	}
	if kind == ServiceExport {
		if setting := sharedSetting(c); setting != "" {
			return setting + " is one of the whole backend service: set it by a policy on the ServiceImport"
		}
	}
	switch {
	case c.SecurityPolicy != nil:
		return "securityPolicy is not supported"
	case c.IAP != nil && or(c.IAP.Enabled, false):
		return "iap is not supported"
	case c.CDN != nil && or(c.CDN.Enabled, false):
		return "cdn is not supported"
	}
	if problem := refusedAffinity(c.SessionAffinity); problem != "" {
		return problem
	}
	if problem := refusedCapacity(&c.BackendCapacity); problem != "" {
		return problem
	}
	for i := range c.Scopes {
		if problem := refusedCapacity(&c.Scopes[i].BackendCapacity); problem != "" {
			return problem
		}
	}
	return ""
}

// sharedSetting is the first setting that cannot differ from cluster to cluster, or "".
func sharedSetting(c *networkingv1.GCPBackendPolicyConfig) string {
	switch {
	case c.TimeoutSec != nil:
		return "timeoutSec"
	case c.ConnectionDraining != nil:
		return "connectionDraining"
	case c.Logging != nil:
		return "logging"
	case c.SessionAffinity != nil:
		return "sessionAffinity"
	case c.SecurityPolicy != nil:
		return "securityPolicy"
	case c.IAP != nil:
		return "iap"
	case c.CDN != nil:
		return "cdn"
	}
	return ""
}

func refusedAffinity(a *networkingv1.SessionAffinityConfig) string {
	if a == nil {
		return ""
	}
	switch kind := or(a.Type, "NONE"); {
	case kind == "HEADER_FIELD" || kind == "HTTP_COOKIE":
		return "sessionAffinity of type " + kind + ", which needs a name that the policy has no field for, is not supported"
	case a.CookieTTLSec != nil && kind != "GENERATED_COOKIE":
		return "cookieTtlSec needs sessionAffinity of type GENERATED_COOKIE"
	}
	return ""
}

func refusedCapacity(c *networkingv1.BackendCapacity) string {
	switch {
	case c.BalancingMode != nil && *c.BalancingMode != networkingv1.BalancingModeRate:
		return "balancingMode " + string(*c.BalancingMode) + " is not supported"
	case len(c.CustomMetrics) > 0:
		return "customMetrics are not supported"
	case c.MaxInFlightRequestsPerEndpoint != nil:
		return "maxInFlightRequestsPerEndpoint is not supported"
	case c.TrafficDuration != nil && *c.TrafficDuration != networkingv1.TrafficDurationShort:
		return "trafficDuration " + string(*c.TrafficDuration) + " is not supported"
	}
	return ""
}

// notShared tells of a rate, which is only half obeyed: nobody measures demand.
func notShared(c *networkingv1.GCPBackendPolicyConfig) string {
	if c == nil {
		return ""
	}
	rated := c.MaxRatePerEndpoint != nil
	for i := range c.Scopes {
		rated = rated || c.Scopes[i].MaxRatePerEndpoint != nil
	}
	if !rated {
		return ""
	}
	return "maxRatePerEndpoint splits requests among the backends of a region; load does not overflow to other regions"
}

// NotForCallouts is the setting of a target's GCPBackendPolicy that what extensions call cannot have, whether it is obeyed or
// not, or "".
func NotForCallouts(v *recompute.View, t Target) string {
	_, p, ok := winner[*networkingv1.GCPBackendPolicy](v, kind.GCPBackendPolicy, t)
	switch {
	case !ok || p.Spec.Default == nil:
	case p.Spec.Default.SecurityPolicy != nil && *p.Spec.Default.SecurityPolicy != "":
		return "securityPolicy"
	case p.Spec.Default.IAP != nil && or(p.Spec.Default.IAP.Enabled, false):
		return "iap"
	case p.Spec.Default.CDN != nil && or(p.Spec.Default.CDN.Enabled, false):
		return "cdn"
	}
	return ""
}
