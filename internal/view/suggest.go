package view

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
	"github.com/spillway-lb/spillway/internal/fact"
	"github.com/spillway-lb/spillway/internal/store"
)

// maxSuggestions is how many curl commands are shown for a listener at a location.
const maxSuggestions = 4

// end is where a listener is reached.
type end struct {
	scheme  string
	host    string // the listener's: "*", "*.example.com" or "foo.example.com"
	address netip.AddrPort
}

// suggestions are curl commands that reach rules of a listener and get their answer: none for a rule that is known to
// answer 404 or 503, nor for one that a plain GET does not reach.
func (m *Model) suggestions(snapshot *store.Snapshot, target string, at end, location string) []string {
	proxy := m.Get(kindTargetProxy, target).GetTargetProxy()
	if needsClientCertificate(proxy.GetTls(), at.host) {
		return nil
	}
	var rules []*lbv1.RouteRule
	hosts := map[string]bool{}
	for _, r := range m.routeRules(proxy.GetUrlMap()) {
		rule := r.GetRouteRule()
		hosts[rule.GetHost()], hosts[rule.GetListenerHost()] = true, true
		if cmp.Or(rule.GetListenerHost(), "*") == at.host {
			rules = append(rules, rule)
		}
	}
	slices.SortFunc(rules, func(a, b *lbv1.RouteRule) int {
		return cmp.Or(cmp.Compare(a.GetHost(), b.GetHost()), cmp.Compare(a.GetPrecedence(), b.GetPrecedence()))
	})
	var out []string
	for _, rule := range rules {
		path, ok := examplePath(rule)
		if !ok || !m.answers(snapshot, rule, location) {
			continue
		}
		command := at.curl(exampleHost(cmp.Or(rule.GetHost(), "*"), at.host, hosts), path)
		if !slices.Contains(out, command) {
			out = append(out, command)
		}
		if len(out) == maxSuggestions {
			break
		}
	}
	service := m.Get(kindURLMap, proxy.GetUrlMap()).GetUrlMap().GetDefaultService()
	if len(out) == 0 && at.host == "*" && m.serviceAnswers(snapshot, service, location) {
		return []string{at.curl("", "/")} // which an Ingress' default backend does
	}
	return out
}

// curl is the command for a host and a path; host "" needs none.
func (e end) curl(host, path string) string {
	switch {
	case host == "" && e.scheme == "https":
		return "curl -k " + quote(e.scheme+"://"+e.address.String()+path)
	case host == "":
		return "curl " + quote(e.scheme+"://"+e.address.String()+path)
	case e.scheme == "https":
		// An address is no SNI, so the name has to be in the URL.
		name := fmt.Sprintf("%s:%d", host, e.address.Port())
		ip := e.address.Addr().String()
		if e.address.Addr().Is6() {
			ip = "[" + ip + "]"
		}
		return "curl -k --resolve " + name + ":" + ip + " " + quote("https://"+name+path)
	}
	return `curl -H "host: ` + host + `" ` + quote(e.scheme+"://"+e.address.String()+path)
}

// quote makes one word of a URL for a shell.
func quote(url string) string {
	if strings.IndexFunc(url, func(r rune) bool {
		return !strings.ContainsRune("-._~:/%@+=,", r) && (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z')
	}) < 0 {
		return url
	}
	return "'" + strings.ReplaceAll(url, "'", `'\''`) + "'"
}

// exampleHost is a host that a rule's host and its listener's both match and no other host takes away; "" if any does.
func exampleHost(host, listener string, others map[string]bool) string {
	if host == "*" {
		host = listener
	}
	if host == "*" {
		return ""
	}
	domain, isWildcard := strings.CutPrefix(host, "*.")
	if !isWildcard {
		return host
	}
	for _, label := range []string{"www", "any", "example", "a1b2"} {
		if !others[label+"."+domain] {
			return label + "." + domain
		}
	}
	return "x." + domain
}

// examplePath is a path that the rule accepts; ok is false where a plain GET does not do.
func examplePath(rule *lbv1.RouteRule) (path string, ok bool) {
	m := rule.GetMatch()
	if rule.GetGrpc() || len(m.GetHeaders())+len(m.GetQueryParams()) > 0 || (m.GetMethod() != "" && m.GetMethod() != "GET") {
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

// needsClientCertificate says whether a handshake for the listener's host fails without one.
func needsClientCertificate(tls *lbv1.DownstreamTls, host string) bool {
	if host == "*" {
		host = ""
	}
	for _, s := range tls.GetServerNames() {
		if s.GetHost() == host && s.GetClientValidation() != nil {
			return s.GetClientValidation().GetMode() == lbv1.ClientValidation_REQUIRE_VALID
		}
	}
	return false
}

// answers says whether nothing is known that would make a rule answer 404 or 503: a redirect always does, backends when
// each that has a weight has an endpoint that some location finds healthy.
func (m *Model) answers(snapshot *store.Snapshot, rule *lbv1.RouteRule, location string) bool {
	if rule.GetRedirect() != nil {
		return true
	}
	backends := slices.DeleteFunc(slices.Clone(rule.GetForward().GetBackends()), func(b *lbv1.WeightedBackend) bool { return b.GetWeight() == 0 })
	return len(backends) > 0 && !slices.ContainsFunc(backends, func(b *lbv1.WeightedBackend) bool {
		return b.GetRedirect() == nil && !m.serviceAnswers(snapshot, b.GetBackendService(), location)
	})
}

func (m *Model) serviceAnswers(snapshot *store.Snapshot, name, location string) bool {
	service := m.Get(kindBackendService, name).GetBackendService()
	if service == nil || service.GetAbortStatus() != 0 {
		return false
	}
	for _, b := range service.GetBackends() {
		for _, e := range m.endpoints(b.GetGroup()) {
			addr, err := netip.ParseAddr(e.GetAddress())
			if err != nil || e.GetDraining() {
				continue
			}
			probe := fact.Probe{Location: location, Check: service.GetHealthCheck(), Endpoint: netip.AddrPortFrom(addr, uint16(e.GetPort()))}
			v, _ := snapshot.Fact(fact.Health(probe)).(fact.Verdict)
			if service.GetHealthCheck() == "" || v.State == lbv1.HealthState_HEALTHY {
				return true
			}
		}
	}
	return false
}
