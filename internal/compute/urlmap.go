package compute

import (
	"strings"

	api "google.golang.org/api/compute/v1"
	"google.golang.org/protobuf/proto"

	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
	"github.com/spillway-lb/spillway/internal/names"
)

func urlMaps(v *View, r *lbv1.Resource) []Resource {
	m := r.GetUrlMap()
	if m == nil {
		return nil
	}
	region := v.regions.urlMaps[r.GetName()]
	return v.at(r, Location{Region: region}, "urlMaps", r.GetName(), m.GetOwner(), func(head Resource) shown {
		urlMap := &api.UrlMap{
			Kind: "compute#urlMap", Id: head.ID(), Name: head.Name, SelfLink: head.selfLink(), Region: v.regionLink(region),
			CreationTimestamp: head.created(), Description: m.GetDescription(), DefaultService: v.service(m.GetDefaultService()),
		}
		matchers := &matchers{view: v, urlMap: urlMap}
		fingerprinted := []proto.Message{m}
		for _, rule := range v.rules[head.Name] {
			matchers.add(rule)
			fingerprinted = append(fingerprinted, rule)
		}
		urlMap.Fingerprint = fingerprint(fingerprinted...)
		o := own{}
		o.set("rules", matchers.own, len(matchers.own) > 0)
		return shown{urlMap, o}
	})
}

// matchers groups the rules of a URL map by host, one path matcher each. Rules come in order of their hosts.
type matchers struct {
	view   *View
	urlMap *api.UrlMap
	last   string
	own    []own
}

func (m *matchers) add(rule *lbv1.RouteRule) {
	key := rule.GetListenerHost() + "|" + rule.GetHost()
	if len(m.urlMap.PathMatchers) == 0 || key != m.last {
		m.last = key
		name := names.PathMatcher(rule.GetListenerHost(), rule.GetHost())
		m.urlMap.PathMatchers = append(m.urlMap.PathMatchers, &api.PathMatcher{Name: name, DefaultService: m.urlMap.DefaultService})
		m.urlMap.HostRules = append(m.urlMap.HostRules, &api.HostRule{Hosts: []string{rule.GetHost()}, PathMatcher: name})
	}
	matcher := m.urlMap.PathMatchers[len(m.urlMap.PathMatchers)-1]
	for _, match := range pathMatches(rule.GetMatch()) {
		addValueMatches(match, rule.GetMatch())
		routeRule := m.view.routeRule(rule, match)
		routeRule.Priority = int64(len(matcher.RouteRules) + 1)
		matcher.RouteRules = append(matcher.RouteRules, routeRule)
		if o := m.view.ownOfRule(rule); len(o) > 0 {
			o["pathMatcher"], o["priority"] = matcher.Name, routeRule.Priority
			m.own = append(m.own, o)
		}
	}
}

// pathMatches writes an element-wise prefix as Google's controller does: "/a/" as a prefix, then "/a" as a whole.
func pathMatches(m *lbv1.RouteMatch) []*api.HttpRouteRuleMatch {
	switch path := m.GetPath().(type) {
	case *lbv1.RouteMatch_Exact:
		return []*api.HttpRouteRuleMatch{{FullPathMatch: path.Exact}}
	case *lbv1.RouteMatch_Regex:
		return []*api.HttpRouteRuleMatch{{RegexMatch: path.Regex}}
	case *lbv1.RouteMatch_Prefix:
		if stem := strings.TrimSuffix(path.Prefix, "/"); stem != "" {
			return []*api.HttpRouteRuleMatch{{PrefixMatch: stem + "/"}, {FullPathMatch: stem}}
		}
	}
	return []*api.HttpRouteRuleMatch{{PrefixMatch: "/"}}
}

// addValueMatches shows a method as Google does, as the header of HTTP/2.
func addValueMatches(match *api.HttpRouteRuleMatch, m *lbv1.RouteMatch) {
	for _, h := range m.GetHeaders() {
		match.HeaderMatches = append(match.HeaderMatches, &api.HttpHeaderMatch{
			HeaderName: h.GetName(), ExactMatch: h.GetExact(), RegexMatch: h.GetRegex(), PresentMatch: h.GetPresent(),
		})
	}
	if m.GetMethod() != "" {
		match.HeaderMatches = append(match.HeaderMatches, &api.HttpHeaderMatch{HeaderName: ":method", ExactMatch: m.GetMethod()})
	}
	for _, q := range m.GetQueryParams() {
		match.QueryParameterMatches = append(match.QueryParameterMatches, &api.HttpQueryParameterMatch{
			Name: q.GetName(), ExactMatch: q.GetExact(), RegexMatch: q.GetRegex(), PresentMatch: q.GetPresent(),
		})
	}
}
