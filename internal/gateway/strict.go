package gateway

import (
	"fmt"
	"slices"
	"strings"

	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
	"sigs.k8s.io/gateway-api/pkg/features"

	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
)

// strictness is what GKE itself refuses of the Gateway API to Gateways of a class. The zero value refuses nothing; a Configuration
// asks for another one by gatewayAPI.strict. Where GKE's own words are known they are used; docs/compatibility.md tells which.
type strictness struct {
	on     bool
	reach  Reach
	scheme lbv1.LoadBalancingScheme
}

// strictnessOf is that of one of GKE's classes.
func strictnessOf(c Class) strictness { return strictness{on: true, reach: c.Reach, scheme: c.Scheme} }

// classic: the load balancer has no Envoy.
func (s strictness) classic() bool { return s.scheme == lbv1.LoadBalancingScheme_EXTERNAL }

// kinds are the kinds of routes that listeners take.
func (s strictness) kinds() []string {
	if s.on {
		return []string{"HTTPRoute"}
	}
	return []string{"HTTPRoute", "GRPCRoute"}
}

// addresses are the types of addresses that a Gateway of the class may ask for.
func (s strictness) addresses() []string {
	named := string(gatewayv1.NamedAddressType)
	switch {
	case !s.on:
		return []string{string(gatewayv1.IPAddressType), named, addressEphemeralRegion, addressNamedRegion, addressPremium, addressStandard}
	case s.reach == CrossRegional:
		return []string{named, addressEphemeralRegion, addressNamedRegion}
	case s.reach == Regional && s.scheme == lbv1.LoadBalancingScheme_EXTERNAL_MANAGED:
		return []string{named, addressPremium, addressStandard}
	}
	return []string{named}
}

// address is what is said about a type of address that the class does not have.
func (s strictness) address(kind string) string {
	text := fmt.Sprintf("unsupported address type %q", kind)
	if !s.on {
		return text
	}
	var quoted []string
	for _, a := range s.addresses() {
		quoted = append(quoted, fmt.Sprintf("%q", a))
	}
	if len(quoted) == 1 {
		return text + ", only " + quoted[0] + " is supported."
	}
	return text + ", only " + strings.Join(quoted, ", ") + " are supported."
}

// parent is why a route may not refer to a Gateway so, or nil.
func (s strictness) parent(p gatewayv1.ParentReference) *unacceptable {
	if s.on && p.Port != nil {
		return unsupported("parentRefs.port", "Error GWCER104: a parentRef with a port is not supported")
	}
	return nil
}

// rule is what GKE refuses of a rule, or nil.
func (s strictness) rule(rule *ruleView) *unacceptable {
	if !s.on {
		return nil
	}
	for i := range rule.matches {
		if problem := strictMatch(rule.matches[i].match, item("matches", i)); problem != nil {
			return problem
		}
	}
	if problem := s.filters(rule.filters); problem != nil {
		return problem
	}
	for i := range rule.backends {
		if len(rule.backends[i].Filters) > 0 {
			return unsupported(item("backendRefs", i)+".filters[0]", "filters of a backendRef are not supported")
		}
	}
	switch {
	case rule.timeouts != nil:
		return unsupported("timeouts", "Timeouts are not supported")
	case rule.retry != nil:
		return unsupported("retry", "retries are not supported")
	}
	return nil
}

func strictMatch(m *lbv1.RouteMatch, at string) *unacceptable {
	switch {
	case m.GetRegex() != "":
		return unsupported(at+".path.value", "Paths must start with '/' character")
	case m.GetMethod() != "":
		return unsupported(at+".method", "method matching is not supported")
	}
	return nil
}

func (s strictness) filters(all []gatewayv1.HTTPRouteFilter) *unacceptable {
	mirrors := 0
	for i := range all {
		f, at := &all[i], item("filters", i)
		switch {
		case s.classic():
			return unsupported(at, "classic GXLB does not support rule filters")
		case f.Type == gatewayv1.HTTPRouteFilterCORS:
			return unsupported(at, "filter %s is not supported", f.Type)
		case f.RequestMirror != nil:
			if mirrors++; mirrors > 1 {
				return unsupported(at, "more than one filter RequestMirror is not supported")
			}
		case f.RequestRedirect != nil:
			if problem := strictRedirect(f.RequestRedirect, at+".requestRedirect"); problem != nil {
				return problem
			}
		case f.URLRewrite != nil && f.URLRewrite.Path != nil && f.URLRewrite.Path.Type == gatewayv1.FullPathHTTPPathModifier:
			return unsupported(at+".urlRewrite.path.type", "%q is not supported", f.URLRewrite.Path.Type)
		}
	}
	return nil
}

func strictRedirect(r *gatewayv1.HTTPRequestRedirectFilter, at string) *unacceptable {
	switch {
	case r.Port != nil:
		return unsupported(at+".port", "redirects to a port are not supported")
	case r.StatusCode != nil && *r.StatusCode != 301 && *r.StatusCode != 302:
		return unsupported(at+".statusCode", "status %d is not supported, only 301 and 302 are", *r.StatusCode)
	}
	return nil
}

// features are those of all that the class has.
func (s strictness) features(all []gatewayv1.SupportedFeature) []gatewayv1.SupportedFeature {
	if !s.on {
		return all
	}
	return slices.DeleteFunc(all, func(f gatewayv1.SupportedFeature) bool {
		name := features.FeatureName(f.Name)
		return !slices.Contains(strictFeatures(), name) && (s.classic() || !slices.Contains(strictFilters(), name))
	})
}

// strictFeatures are those that GKE's own conformance reports claim, but for the filters.
func strictFeatures() []features.FeatureName {
	return []features.FeatureName{
		features.SupportBackendTLSPolicy,
		features.SupportBackendTLSPolicySANValidation,
		features.SupportGateway,
		features.SupportGatewayBackendClientCertificate,
		features.SupportGatewayFrontendClientCertificateValidation,
		features.SupportGatewayPort8080,
		features.SupportHTTPRoute,
		features.SupportHTTPRouteQueryParamMatching,
		features.SupportReferenceGrant,
	}
}

// strictFilters are the filters that classes with Envoy have beside.
func strictFilters() []features.FeatureName {
	return []features.FeatureName{
		features.SupportHTTPRouteHostRewrite,
		features.SupportHTTPRoutePathRedirect,
		features.SupportHTTPRouteRequestMirror,
		features.SupportHTTPRouteRequestPercentageMirror,
		features.SupportHTTPRouteResponseHeaderModification,
		features.SupportHTTPRouteSchemeRedirect,
	}
}
