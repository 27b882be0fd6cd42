package gateway

import (
	"regexp"
	"regexp/syntax"

	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
	"github.com/spillway-lb/spillway/internal/owner"
	"github.com/spillway-lb/spillway/internal/store"
)

func grpcRouteView(ref store.Ref, route *gatewayv1.GRPCRoute) *routeView {
	out := &routeView{
		ref: ref, owner: owner.Of(ref), kind: "GRPCRoute", generation: route.Generation, created: route.CreationTimestamp.Time,
		parents: route.Spec.ParentRefs, hostnames: route.Spec.Hostnames, object: route,
	}
	for i := range route.Spec.Rules {
		r := &route.Spec.Rules[i]
		rule := ruleView{name: ruleName(r.Name, i), filters: grpcFilters(r.Filters), persistence: r.SessionPersistence}
		for j := range r.Matches {
			rule.matches = append(rule.matches, grpcMatch(&r.Matches[j]))
		}
		if len(r.Matches) == 0 {
			rule.matches = []matchView{grpcMatch(&gatewayv1.GRPCRouteMatch{})}
		}
		for _, b := range r.BackendRefs {
			rule.backends = append(rule.backends, gatewayv1.HTTPBackendRef{BackendRef: b.BackendRef, Filters: grpcFilters(b.Filters)})
		}
		out.rules = append(out.rules, rule)
	}
	return out
}

// grpcFilters gives gRPC's filters the HTTP form.
func grpcFilters(filters []gatewayv1.GRPCRouteFilter) []gatewayv1.HTTPRouteFilter {
	var out []gatewayv1.HTTPRouteFilter
	for _, f := range filters {
		out = append(out, gatewayv1.HTTPRouteFilter{
			Type: gatewayv1.HTTPRouteFilterType(f.Type), RequestHeaderModifier: f.RequestHeaderModifier,
			ResponseHeaderModifier: f.ResponseHeaderModifier, RequestMirror: f.RequestMirror, ExtensionRef: f.ExtensionRef,
		})
	}
	return out
}

func grpcMatch(m *gatewayv1.GRPCRouteMatch) matchView {
	out := matchView{match: &lbv1.RouteMatch{}, origins: origins{
		{"match.prefix", "method"}, {"match.exact", "method"}, {"match.regex", "method"},
	}}
	out.setMethod(m.Method)
	var headers []gatewayv1.HTTPHeaderMatch
	for _, h := range m.Headers {
		kind := gatewayv1.HeaderMatchExact
		if h.Type != nil {
			kind = gatewayv1.HeaderMatchType(*h.Type)
		}
		headers = append(headers, gatewayv1.HTTPHeaderMatch{Type: &kind, Name: gatewayv1.HTTPHeaderName(h.Name), Value: h.Value})
	}
	out.setHeaders(headers)
	return out
}

// setMethod turns a method match into the path that a gRPC call has, /SERVICE/METHOD. More characters in the service
// come first, then more in the method, whatever the type of match.
func (out *matchView) setMethod(m *gatewayv1.GRPCMethodMatch) {
	service, method, kind := "", "", gatewayv1.GRPCMethodMatchExact
	if m != nil {
		if m.Service != nil {
			service = *m.Service
		}
		if m.Method != nil {
			method = *m.Method
		}
		if m.Type != nil {
			kind = *m.Type
		}
	}
	out.rank.path, out.rank.length, out.rank.detail = rankRegex, len(service), len(method)
	switch {
	case service == "" && method == "":
		out.match.Path = &lbv1.RouteMatch_Prefix{Prefix: "/"}
		out.rank.path, out.rank.length = rankPrefix, 1
	case kind == gatewayv1.GRPCMethodMatchRegularExpression:
		out.match.Path = &lbv1.RouteMatch_Regex{Regex: "/" + out.part("service", service) + "/" + out.part("method", method)}
	case kind != gatewayv1.GRPCMethodMatchExact:
		out.problem = unsupported("method.type", "%q is not supported", kind)
	case method == "":
		out.match.Path = &lbv1.RouteMatch_Prefix{Prefix: "/" + service}
	case service == "":
		out.match.Path = &lbv1.RouteMatch_Regex{Regex: "/[^/]+/" + regexp.QuoteMeta(method)}
	default:
		out.match.Path = &lbv1.RouteMatch_Exact{Exact: "/" + service + "/" + method}
		out.rank.path = rankExact
	}
}

// part makes an expression of one part of the path; an empty one matches any service or method. It is matched whole anyway,
// so that anchors, which would ask for the ends of the path, say nothing.
func (out *matchView) part(field, expression string) string {
	if expression == "" {
		return "[^/]+"
	}
	parsed, err := syntax.Parse(expression, syntax.Perl)
	if err != nil {
		out.problem = unsupported("method."+field, "%v", err)
		return "[^/]+"
	}
	if dropAnchors(parsed) {
		expression = parsed.String()
	}
	return "(?:" + expression + ")"
}

func dropAnchors(r *syntax.Regexp) (found bool) {
	switch r.Op {
	case syntax.OpBeginText, syntax.OpEndText, syntax.OpBeginLine, syntax.OpEndLine:
		r.Op, found = syntax.OpEmptyMatch, true
	}
	for _, sub := range r.Sub {
		found = dropAnchors(sub) || found
	}
	return found
}
