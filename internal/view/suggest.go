package view

import (
	"cmp"
	"slices"
	"strings"

	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
)

// maxSuggestions is how many curl commands are shown for an address.
const maxSuggestions = 6

// Suggestions are curl commands that reach the rules behind a forwarding rule, by way of one of its URLs.
func (m *Model) Suggestions(forwardingRule, url string) []string {
	target := m.Get(kindForwardingRule, forwardingRule).GetForwardingRule().GetTargetProxy()
	urlMap := m.Get(kindTargetProxy, target).GetTargetProxy().GetUrlMap()
	var rules []*lbv1.RouteRule
	for _, r := range m.routeRules(urlMap) {
		rules = append(rules, r.GetRouteRule())
	}
	slices.SortFunc(rules, func(a, b *lbv1.RouteRule) int {
		return cmp.Or(cmp.Compare(a.GetHost(), b.GetHost()), cmp.Compare(a.GetPrecedence(), b.GetPrecedence()))
	})
	flags := "curl "
	if strings.HasPrefix(url, "https:") {
		flags = "curl -k "
	}
	var out []string
	for _, rule := range rules {
		path, ok := examplePath(rule.GetMatch())
		if !ok {
			continue
		}
		command := flags + hostFlag(rule.GetHost()) + url + path
		if !slices.Contains(out, command) {
			out = append(out, command)
		}
		if len(out) == maxSuggestions {
			break
		}
	}
	if len(out) == 0 {
		out = append(out, flags+url+"/")
	}
	return out
}

func hostFlag(host string) string {
	if host == "" || host == "*" {
		return ""
	}
	if domain, ok := strings.CutPrefix(host, "*."); ok {
		host = "www." + domain
	}
	return `-H "host: ` + host + `" `
}

// examplePath is a path that the match accepts; ok is false where a plain GET does not do.
func examplePath(m *lbv1.RouteMatch) (path string, ok bool) {
	if len(m.GetHeaders())+len(m.GetQueryParams()) > 0 || (m.GetMethod() != "" && m.GetMethod() != "GET") {
		return "", false
	}
	switch p := m.GetPath().(type) {
	case *lbv1.RouteMatch_Prefix:
		return cmp.Or(p.Prefix, "/"), true
	case *lbv1.RouteMatch_Exact:
		return p.Exact, true
	case *lbv1.RouteMatch_Regex:
		return "", false
	}
	return "/", true
}
