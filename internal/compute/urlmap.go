package compute

import (
	"strconv"
	"strings"

	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
	"github.com/spillway-lb/spillway/internal/names"
)

func urlMap(v view, r *lbv1.Resource) (Resource, bool) {
	m := r.GetUrlMap()
	if m == nil {
		return Resource{}, false
	}
	region := v.regionOf(r.GetName())
	f := v.fields("urlMap", region, "urlMaps", r.GetName(), m.GetDescription())
	f["defaultService"] = v.link(region, "backendServices", m.GetDefaultService())
	hosts, matchers := v.matchers(r.GetName(), region, m.GetDefaultService())
	if len(hosts) > 0 {
		f["hostRules"], f["pathMatchers"] = hosts, matchers
	}
	return Resource{r.GetName(), []string{r.GetName(), "backendServices/" + m.GetDefaultService()}, f}, true
}

// matchers groups the rules of a URL map by host, one path matcher each.
func (v view) matchers(urlMap, region, defaultService string) (hosts, matchers []any) {
	var last string
	var current map[string]any
	var rules []any
	finish := func() {
		if current != nil {
			current["routeRules"] = rules
			matchers = append(matchers, current)
		}
	}
	for _, rule := range v.rules[urlMap] {
		key := rule.GetListenerHost() + "|" + rule.GetHost()
		if current == nil || key != last {
			finish()
			last, rules = key, nil
			name := names.PathMatcher(rule.GetListenerHost(), rule.GetHost())
			current = map[string]any{"name": name, "defaultService": v.link(region, "backendServices", defaultService)}
			hosts = append(hosts, map[string]any{"hosts": []any{rule.GetHost()}, "pathMatcher": name})
		}
		for _, match := range pathMatches(rule.GetMatch()) {
			rules = append(rules, v.routeRule(rule, match, region, len(rules)+1))
		}
	}
	finish()
	return hosts, matchers
}

// pathMatches writes an element-wise prefix as Google's controller does: "/a/" as a prefix, then "/a" as a whole.
func pathMatches(m *lbv1.RouteMatch) []map[string]any {
	switch path := m.GetPath().(type) {
	case *lbv1.RouteMatch_Exact:
		return []map[string]any{{"fullPathMatch": path.Exact}}
	case *lbv1.RouteMatch_Regex:
		return []map[string]any{{"regexMatch": path.Regex}}
	case *lbv1.RouteMatch_Prefix:
		if stem := strings.TrimSuffix(path.Prefix, "/"); stem != "" {
			return []map[string]any{{"prefixMatch": stem + "/"}, {"fullPathMatch": stem}}
		}
	}
	return []map[string]any{{"prefixMatch": "/"}}
}

func (v view) routeRule(rule *lbv1.RouteRule, match map[string]any, region string, priority int) map[string]any {
	addValueMatches(match, "headerMatches", "headerName", rule.GetMatch().GetHeaders())
	addValueMatches(match, "queryParameterMatches", "name", rule.GetMatch().GetQueryParams())
	if method := rule.GetMatch().GetMethod(); method != "" {
		headers, _ := match["headerMatches"].([]any)
		match["headerMatches"] = append(headers, map[string]any{"headerName": ":method", "exactMatch": method})
	}
	out := map[string]any{"priority": priority, "matchRules": []any{match}}
	action := v.routeAction(rule, region)
	switch backends := rule.GetForward().GetBackends(); {
	case rule.GetRedirect() != nil:
		out["urlRedirect"] = urlRedirect(rule.GetRedirect())
	case len(backends) == 1 && plain(backends[0]):
		out["service"] = v.link(region, "backendServices", backends[0].GetBackendService())
	default:
		weighted := []any{}
		for _, b := range backends {
			weighted = append(weighted, v.weightedBackend(b, region))
		}
		action["weightedBackendServices"] = weighted
	}
	if len(action) > 0 {
		out["routeAction"] = action
	}
	if headers := headerAction(rule.GetRequestHeaders(), rule.GetResponseHeaders()); len(headers) > 0 {
		out["headerAction"] = headers
	}
	if rule.GetRoute() != "" {
		out["description"] = rule.GetRoute()
	}
	return out
}

func addValueMatches(match map[string]any, field, name string, values []*lbv1.ValueMatch) {
	if len(values) == 0 {
		return
	}
	matches := []any{}
	for _, value := range values {
		m := map[string]any{name: value.GetName()}
		switch value := value.GetValue().(type) {
		case *lbv1.ValueMatch_Exact:
			m["exactMatch"] = value.Exact
		case *lbv1.ValueMatch_Regex:
			m["regexMatch"] = value.Regex
		case *lbv1.ValueMatch_Present:
			m["presentMatch"] = value.Present
		}
		matches = append(matches, m)
	}
	match[field] = matches
}

func urlRedirect(r *lbv1.Redirect) map[string]any {
	codes := map[uint32]string{
		301: "MOVED_PERMANENTLY_DEFAULT", 302: "FOUND", 303: "SEE_OTHER", 307: "TEMPORARY_REDIRECT", 308: "PERMANENT_REDIRECT",
	}
	code, known := codes[r.GetStatus()]
	if !known {
		code = strconv.FormatUint(uint64(r.GetStatus()), 10)
	}
	out := map[string]any{"redirectResponseCode": code, "httpsRedirect": r.GetScheme() == "https"}
	if r.GetPort() != 0 {
		out["portRedirect"] = r.GetPort() // not Google's
	}
	if r.GetScheme() != "" && r.GetScheme() != "https" {
		out["schemeRedirect"] = r.GetScheme() // not Google's
	}
	for field, value := range map[string]string{
		"hostRedirect": r.GetHost(), "prefixRedirect": r.GetReplacePrefix(), "pathRedirect": r.GetReplaceFull(),
	} {
		if value != "" {
			out[field] = value
		}
	}
	return out
}
