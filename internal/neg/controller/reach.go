package controller

import (
	"maps"
	"slices"

	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
	"github.com/spillway-lb/spillway/internal/names"
	"github.com/spillway-lb/spillway/internal/neg/readiness"
)

// reach says which backend services are probed: those with a health check that a forwarding rule leads to.
type reach struct {
	seq     uint64
	byGroup map[string][]readiness.Backend
}

func (r *reach) of(zone, group string) []readiness.Backend {
	return r.byGroup[names.Group(zone, group)]
}

func reachOf(m Model, seq uint64) *reach {
	r := &reach{seq: seq, byGroup: map[string][]readiness.Backend{}}
	reached := reachedServices(m)
	for _, name := range slices.Sorted(maps.Keys(reached)) {
		s := m.Get(kindService, name).GetBackendService()
		if s.GetHealthCheck() == "" {
			continue
		}
		for _, b := range s.GetBackends() {
			backend := readiness.Backend{Name: name, Region: s.GetRegion(), Check: s.GetHealthCheck()}
			r.byGroup[b.GetGroup()] = append(r.byGroup[b.GetGroup()], backend)
		}
	}
	return r
}

// reachedServices are the backend services that requests may be sent to.
func reachedServices(m Model) map[string]bool {
	urlMaps, reached := map[string]bool{}, map[string]bool{}
	for _, f := range m.Kind("forwarding_rule") {
		proxy := m.Get("target_proxy", f.GetForwardingRule().GetTargetProxy()).GetTargetProxy()
		name := proxy.GetUrlMap()
		if u := m.Get("url_map", name).GetUrlMap(); u != nil {
			urlMaps[name] = true
			reached[u.GetDefaultService()] = true
		}
	}
	for _, r := range m.Kind("route_rule") {
		if rule := r.GetRouteRule(); urlMaps[rule.GetUrlMap()] {
			addServices(reached, rule)
		}
	}
	return reached
}

func addServices(to map[string]bool, rule *lbv1.RouteRule) {
	for _, mirror := range rule.GetMirrors() {
		to[mirror.GetBackendService()] = true
	}
	for _, b := range rule.GetForward().GetBackends() {
		to[b.GetBackendService()] = true
		for _, mirror := range b.GetMirrors() {
			to[mirror.GetBackendService()] = true
		}
	}
}
