package view

import (
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
	"github.com/spillway-lb/spillway/internal/fact"
	"github.com/spillway-lb/spillway/internal/kind"
	"github.com/spillway-lb/spillway/internal/outage"
	"github.com/spillway-lb/spillway/internal/owner"
	"github.com/spillway-lb/spillway/internal/store"
)

// Backends are the Service ports that requests are sent to, at each location that has a proxy and sends some. Of several
// backend services of one port, as Gateways of different scopes have them, one without a healthy endpoint counts.
func (s *Source) Backends() []outage.Backend {
	return s.Published.backends(s.Store.Snapshot(), s.Locations())
}

func (m *Model) backends(snapshot *store.Snapshot, locations []string) []outage.Backend {
	var all []outage.Backend
	index := map[outage.Key]int{}
	m.eachBackend(snapshot, locations, func(_ string, b outage.Backend) {
		if i, again := index[b.Key()]; !again {
			index[b.Key()] = len(all)
			all = append(all, b)
		} else if !b.Healthy {
			all[i] = b
		}
	})
	return all
}

// eachBackend calls f with each backend service, by name, as each location that uses it sees it.
func (m *Model) eachBackend(snapshot *store.Snapshot, locations []string, f func(name string, b outage.Backend)) {
	used := m.used(locations)
	for _, name := range slices.Sorted(maps.Keys(used)) {
		service := m.Get(kindBackendService, name).GetBackendService()
		of, ok := owner.Ref(service.GetOwner())
		if !ok || service.GetAbortStatus() != 0 {
			continue
		}
		b := outage.Backend{Of: of, Port: targetPort(service), Callout: used[name].callout}
		for _, at := range used[name].locations {
			var known outage.Reason
			b.Location, b.Reason = at, known
			if b.Healthy, known = m.standing(snapshot, service, at); !b.Healthy {
				b.Reason = m.why(snapshot, service, of, b.Port, known)
			}
			f(name, b)
		}
	}
}

// Users are the objects whose rules send requests to a Service port: routes and Ingresses, in order.
func (s *Source) Users(b *outage.Backend) []store.Ref { return s.Published.users(b) }

func (m *Model) users(b *outage.Backend) []store.Ref {
	if b.Callout {
		return nil // no rule sends requests there
	}
	names := map[string]bool{}
	for _, r := range m.Kind(kindBackendService) {
		service := r.GetBackendService()
		of, ok := owner.Ref(service.GetOwner())
		if ok && of == b.Of && targetPort(service) == b.Port && service.GetAbortStatus() == 0 {
			names[r.GetName()] = true
		}
	}
	var users []store.Ref
	m.eachUse(func(service string, user store.Ref) {
		if names[service] && !slices.Contains(users, user) {
			users = append(users, user)
		}
	})
	slices.SortFunc(users, func(a, b store.Ref) int { return strings.Compare(a.String(), b.String()) })
	return users
}

// eachUse calls f with each backend service that clients see answers of, and the object by whose rule or default that is.
func (m *Model) eachUse(f func(service string, user store.Ref)) {
	for _, r := range m.Kind(kindRouteRule) {
		if user, ok := owner.Ref(r.GetRouteRule().GetOwner()); ok {
			for _, service := range answering(r.GetRouteRule()) {
				f(service, user)
			}
		}
	}
	for _, r := range m.Kind(kindURLMap) {
		if user, ok := owner.Ref(r.GetUrlMap().GetOwner()); ok && r.GetUrlMap().GetDefaultService() != "" {
			f(r.GetUrlMap().GetDefaultService(), user)
		}
	}
}

// targetPort is the Service port that a backend service was made of.
func targetPort(s *lbv1.BackendService) int32 {
	at := strings.LastIndexByte(s.GetTarget(), ':')
	port, _ := strconv.ParseInt(s.GetTarget()[at+1:], 10, 32) // one without is of no port
	return int32(port)
}

// use is how a backend service is used: where, and whether extensions do.
type use struct {
	locations []string
	callout   bool
}

// used says of each backend service where a forwarding rule leads to a rule, or to an extension, that sends to it.
func (m *Model) used(locations []string) map[string]use {
	regions := map[string]map[string]bool{} // by target proxy
	for _, r := range m.Kind(kindForwardingRule) {
		proxy := r.GetForwardingRule().GetTargetProxy()
		if regions[proxy] == nil {
			regions[proxy] = map[string]bool{}
		}
		for _, vip := range r.GetForwardingRule().GetVips() {
			regions[proxy][vip.GetRegion()] = true
		}
	}
	sent, called := map[string]map[string]bool{}, map[string]map[string]bool{}
	for name, in := range regions {
		proxy := m.Get(kindTargetProxy, name).GetTargetProxy()
		var at []string
		for _, l := range locations {
			if in[l] || in[""] {
				at = append(at, l)
			}
		}
		addAll(sent, m.sentTo(proxy.GetUrlMap()), at)
		addAll(called, m.called(proxy), at)
	}
	out := map[string]use{}
	for service, at := range sent {
		out[service] = use{locations: slices.Sorted(maps.Keys(at))}
	}
	for service, at := range called {
		out[service] = use{locations: slices.Sorted(maps.Keys(at)), callout: true}
	}
	return out
}

// addAll puts locations to services.
func addAll(to map[string]map[string]bool, services, locations []string) {
	for _, service := range services {
		if to[service] == nil {
			to[service] = map[string]bool{}
		}
		for _, at := range locations {
			to[service][at] = true
		}
	}
}

// called are the backend services that the extensions of a target proxy call.
func (m *Model) called(proxy *lbv1.TargetProxy) []string {
	var out []string
	for _, x := range []*lbv1.LbExtension{
		m.Get(kindRouteExtension, proxy.GetRouteExtension()).GetLbRouteExtension(),
		m.Get(kindTrafficExtension, proxy.GetTrafficExtension()).GetLbTrafficExtension(),
	} {
		for _, chain := range x.GetChains() {
			for _, e := range chain.GetExtensions() {
				if name := e.GetBackendService(); name != "" {
					out = append(out, name)
				}
			}
		}
	}
	return out
}

// sentTo are the backend services that a URL map sends requests to whose answers clients see: by its rules, or by default, as of an
// Ingress.
func (m *Model) sentTo(urlMap string) []string {
	var out []string
	if byDefault := m.Get(kindURLMap, urlMap).GetUrlMap().GetDefaultService(); byDefault != "" {
		out = append(out, byDefault)
	}
	for _, r := range m.routeRules(urlMap) {
		out = append(out, answering(r.GetRouteRule())...)
	}
	return out
}

// answering are the backend services of a rule whose answers clients see.
func answering(rule *lbv1.RouteRule) (out []string) {
	for _, b := range rule.GetForward().GetBackends() {
		if b.GetWeight() > 0 && b.GetRedirect() == nil {
			out = append(out, b.GetBackendService())
		}
	}
	return out
}

// standing says whether a location finds an endpoint healthy, and if not, what it knows of them; without endpoints the
// reason is empty.
func (m *Model) standing(snapshot *store.Snapshot, service *lbv1.BackendService, location string) (healthy bool, r outage.Reason) {
	total, unknown, port := 0, 0, uint32(0)
	details := map[string]int{}
	for _, b := range service.GetBackends() {
		for _, e := range m.endpoints(b.GetGroup()) {
			addr, err := netip.ParseAddr(e.GetAddress())
			if err != nil || e.GetDraining() {
				continue
			}
			total, port = total+1, e.GetPort()
			v, _ := snapshot.Fact(fact.Health(fact.Probe{
				Location: location, Check: service.GetHealthCheck(), Endpoint: netip.AddrPortFrom(addr, uint16(e.GetPort())),
			})).(fact.Verdict)
			switch v.State {
			case lbv1.HealthState_HEALTHY:
				return true, r
			case lbv1.HealthState_UNHEALTHY:
				details[v.Detail]++
			default:
				unknown++
			}
		}
	}
	switch {
	case total == 0:
		return false, r
	case service.GetHealthCheck() == "":
		return true, r // nobody asks
	case len(details) == 0:
		return false, outage.Reason{Rule: outage.NotProbed, Text: endpointsText(total) + ", of which nothing is known yet"}
	}
	text := endpointsText(total) + ", none healthy"
	if unknown == 0 {
		text = endpointsText(total) + ", all unhealthy"
	}
	return false, outage.Reason{Rule: outage.Unhealthy, Text: text + ": " + m.probeText(service, port) + ": " + most(details) + mend(service, most(details))}
}

// mend says what would mend a probe that comes out so, "" if that is not known.
func mend(service *lbv1.BackendService, detail string) string {
	of, _ := owner.Ref(service.GetOwner())
	ingress := strings.HasPrefix(service.GetHealthCheck(), ingressPrefix)
	return outage.Mend(detail, kind.Bare(of.Kind)+" "+of.Namespace+"/"+of.Name, ingress)
}

// ingressPrefix is that of the names of what belongs to Ingresses.
const ingressPrefix = "k8s1-"

func endpointsText(n int) string {
	if n == 1 {
		return "1 endpoint"
	}
	return fmt.Sprintf("%d endpoints", n)
}

// most is the word that was said most often, the first of several.
func most(words map[string]int) string {
	best := ""
	for _, word := range slices.Sorted(maps.Keys(words)) {
		if words[word] > words[best] {
			best = word
		}
	}
	return best
}

// probeText names what is asked of an endpoint.
func (m *Model) probeText(service *lbv1.BackendService, port uint32) string {
	check := m.Get(kindHealthCheck, service.GetHealthCheck()).GetHealthCheck()
	if check.GetPortSpecification() == lbv1.HealthCheck_USE_FIXED_PORT {
		port = check.GetPort()
	}
	text := check.GetType().String() + " probe of :" + strconv.FormatUint(uint64(port), 10)
	if check.GetRequestPath() != "" {
		text += check.GetRequestPath()
	}
	return text
}

// why is the likely reason that nobody is healthy: what is wrong with the Services behind it, or else with the endpoints.
func (m *Model) why(snapshot *store.Snapshot, service *lbv1.BackendService, of store.Ref, port int32, known outage.Reason) outage.Reason {
	if known.Rule == outage.Unhealthy {
		known.Text += m.hint(snapshot, service, of, port)
		return known
	}
	if known.Rule != "" {
		return known
	}
	var found outage.Reason
	clusters := m.clustersOf(service)
	for _, cluster := range clusters {
		ref := store.Ref{Cluster: cluster, Kind: kind.Service, Namespace: of.Namespace, Name: of.Name}
		e := snapshot.Get(ref)
		if e == nil {
			continue
		}
		r, silent := outage.Why(snapshot, e, port)
		switch {
		case !silent:
			return outage.Reason{Rule: outage.NotProbed, Text: "its endpoints are about to be served"}
		case len(clusters) > 1:
			r.Text = "in " + cluster + " " + r.Text
		}
		if found.Rule == "" {
			found = r
		} else {
			found.Text += "; " + r.Text
		}
	}
	if found.Rule == "" {
		return outage.Reason{Rule: outage.NoService, Text: "no cluster has the Service"}
	}
	return found
}

// hint adds what may be wrong with the port that is probed.
func (m *Model) hint(snapshot *store.Snapshot, service *lbv1.BackendService, of store.Ref, port int32) string {
	for _, cluster := range m.clustersOf(service) {
		e := snapshot.Get(store.Ref{Cluster: cluster, Kind: kind.Service, Namespace: of.Namespace, Name: of.Name})
		if e == nil {
			continue
		}
		if text := outage.Undeclared(snapshot, e, port); text != "" {
			return " (" + text + ")"
		}
	}
	return ""
}

// clustersOf are those whose groups are behind a backend service.
func (m *Model) clustersOf(service *lbv1.BackendService) []string {
	var out []string
	for _, b := range service.GetBackends() {
		cluster := m.Get(kindGroup, b.GetGroup()).GetNetworkEndpointGroup().GetCluster()
		if !slices.Contains(out, cluster) {
			out = append(out, cluster)
		}
	}
	return out
}
