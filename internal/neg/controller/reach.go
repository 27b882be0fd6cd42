package controller

import (
	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
	"github.com/spillway-lb/spillway/internal/names"
	"github.com/spillway-lb/spillway/internal/neg/readiness"
)

// reach says which backend services are probed: those with a health check that a forwarding rule leads to. It asks the model about
// what it is asked about, from the group upwards, and keeps the answers for as long as nothing leads elsewhere.
type reach struct {
	model   Model
	routing uint64
	reached map[string]bool // by backend service
}

func newReach(m Model) *reach { return &reach{model: m, reached: map[string]bool{}} }

// moved tells that something has come to lead elsewhere since the last time; nothing is kept then.
func (r *reach) moved() bool {
	routing := r.model.Routing()
	if routing == r.routing {
		return false
	}
	r.routing = routing
	clear(r.reached)
	return true
}

// of are the backend services that a group is attached to, in order of name.
func (r *reach) of(zone, group string) (out []readiness.Backend) {
	for _, u := range r.model.Users(kindGroup, names.Group(zone, group)) {
		s := u.GetBackendService()
		if s.GetHealthCheck() != "" && r.reaches(u.GetName()) {
			out = append(out, readiness.Backend{Name: u.GetName(), Region: s.GetRegion(), Check: s.GetHealthCheck()})
		}
	}
	return out
}

func (r *reach) reaches(service string) bool {
	reached, known := r.reached[service]
	if !known {
		reached = r.used(kindService, service, map[*lbv1.Resource]bool{})
		r.reached[service] = reached
	}
	return reached
}

// used tells whether a forwarding rule leads to a resource. seen are those that none was found for: many rules are of one URL map.
func (r *reach) used(kind, name string, seen map[*lbv1.Resource]bool) bool {
	for _, u := range r.model.Users(kind, name) {
		switch {
		case u.GetForwardingRule() != nil:
			return true
		case u.GetRouteRule() != nil:
			u = r.model.Get("url_map", u.GetRouteRule().GetUrlMap())
		}
		if u == nil || seen[u] {
			continue
		}
		seen[u] = true
		if r.used(lbv1.KeyOf(u).GetKind(), u.GetName(), seen) {
			return true
		}
	}
	return false
}
