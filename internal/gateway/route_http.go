package gateway

import (
	"strings"

	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
	"github.com/spillway-lb/spillway/internal/owner"
	"github.com/spillway-lb/spillway/internal/store"
)

// matchView is one match of a rule with what decides its precedence.
type matchView struct {
	match *lbv1.RouteMatch
	rank  precedence
	// problem is why no proxy can match so, but for what the proxy's compiler finds.
	problem *unacceptable
	// origins are where the fields of the match come from.
	origins origins
}

func httpRouteView(ref store.Ref, route *gatewayv1.HTTPRoute) *routeView {
	out := &routeView{
		ref: ref, owner: owner.Of(ref), kind: "HTTPRoute", generation: route.Generation, created: route.CreationTimestamp.Time,
		parents: route.Spec.ParentRefs, hostnames: route.Spec.Hostnames, object: route,
	}
	for i := range route.Spec.Rules {
		r := &route.Spec.Rules[i]
		rule := ruleView{
			name: ruleName(r.Name, i), filters: r.Filters, backends: r.BackendRefs,
			timeouts: r.Timeouts, retry: r.Retry, persistence: r.SessionPersistence,
		}
		for j := range r.Matches {
			rule.matches = append(rule.matches, httpMatch(&r.Matches[j]))
		}
		if len(r.Matches) == 0 {
			rule.matches = []matchView{httpMatch(&gatewayv1.HTTPRouteMatch{})}
		}
		out.rules = append(out.rules, rule)
	}
	return out
}

func httpMatch(m *gatewayv1.HTTPRouteMatch) matchView {
	out := matchView{match: &lbv1.RouteMatch{}, origins: origins{
		{"match.prefix", "path.value"}, {"match.exact", "path.value"}, {"match.regex", "path.value"}, {"match.method", "method"},
	}}
	out.setPath(m.Path)
	if m.Method != nil {
		out.match.Method = string(*m.Method)
		out.rank.method = true
	}
	out.setHeaders(m.Headers)
	out.setParams(m.QueryParams)
	return out
}

func (out *matchView) setPath(path *gatewayv1.HTTPPathMatch) {
	kind, value := gatewayv1.PathMatchPathPrefix, "/"
	if path != nil && path.Type != nil {
		kind = *path.Type
	}
	if path != nil && path.Value != nil {
		value = *path.Value
	}
	switch kind {
	case gatewayv1.PathMatchExact:
		out.match.Path = &lbv1.RouteMatch_Exact{Exact: value}
		out.rank.path = rankExact
	case gatewayv1.PathMatchPathPrefix:
		// A trailing slash says nothing: "/a/" matches "/a", too.
		if value = strings.TrimSuffix(value, "/"); value == "" {
			value = "/"
		}
		out.match.Path = &lbv1.RouteMatch_Prefix{Prefix: value}
		out.rank.path = rankPrefix
	case gatewayv1.PathMatchRegularExpression:
		out.match.Path = &lbv1.RouteMatch_Regex{Regex: value}
		out.rank.path = rankRegex
	default:
		out.problem = unsupported("path.type", "%q is not supported", kind)
	}
	out.rank.length = len(value)
}

// setHeaders leaves out a name that was there before, in any case of letters, as the Gateway API wants it.
func (out *matchView) setHeaders(headers []gatewayv1.HTTPHeaderMatch) {
	seen := map[string]bool{}
	for i, h := range headers {
		name := strings.ToLower(string(h.Name))
		if seen[name] {
			continue
		}
		seen[name] = true
		kind := ""
		if h.Type != nil {
			kind = string(*h.Type)
		}
		out.origins = append(out.origins, origin{item("match.headers", len(out.match.Headers)), item("headers", i)})
		out.match.Headers = append(out.match.Headers, out.valueMatch(item("headers", i), name, kind, h.Value))
	}
	out.rank.headers = len(out.match.Headers)
}

func (out *matchView) setParams(params []gatewayv1.HTTPQueryParamMatch) {
	seen := map[string]bool{}
	for i, p := range params {
		name := string(p.Name)
		if seen[name] {
			continue
		}
		seen[name] = true
		kind := ""
		if p.Type != nil {
			kind = string(*p.Type)
		}
		out.origins = append(out.origins, origin{item("match.query_params", len(out.match.QueryParams)), item("queryParams", i)})
		out.match.QueryParams = append(out.match.QueryParams, out.valueMatch(item("queryParams", i), name, kind, p.Value))
	}
	out.rank.params = len(out.match.QueryParams)
}

// valueMatch takes the match types of headers and query parameters of both kinds of routes, which are spelled alike.
func (out *matchView) valueMatch(at, name, kind, value string) *lbv1.ValueMatch {
	m := &lbv1.ValueMatch{Name: name}
	switch kind {
	case "", string(gatewayv1.HeaderMatchExact):
		m.Value = &lbv1.ValueMatch_Exact{Exact: value}
	case string(gatewayv1.HeaderMatchRegularExpression):
		m.Value = &lbv1.ValueMatch_Regex{Regex: value}
	default:
		out.problem = unsupported(at+".type", "%q is not supported", kind)
	}
	return m
}
