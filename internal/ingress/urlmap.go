package ingress

import (
	"fmt"
	"slices"
	"strconv"

	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
	"github.com/spillway-lb/spillway/internal/backend"
	"github.com/spillway-lb/spillway/internal/ingress/object"
	"github.com/spillway-lb/spillway/internal/owner"
	"github.com/spillway-lb/spillway/internal/proxy/urlmap"
	"github.com/spillway-lb/spillway/internal/recompute"
	"github.com/spillway-lb/spillway/internal/store"
)

// routing is the value of a unitURLMap.
type routing struct {
	// Backends are the backend services that requests go to, sorted.
	Backends []string
	Problems []problem
}

// say tells of a problem of a backend service once, however many paths lead to it.
func (r *routing) say(p problem) {
	same := func(q problem) bool { return q.Reason == p.Reason && q.Message == p.Message }
	if !slices.ContainsFunc(r.Problems, same) {
		r.Problems = append(r.Problems, p)
	}
}

func translateURLMap(v *recompute.View, key string) recompute.Result {
	ref, _ := store.ParseRef(key)
	p, ok, held := planOf(v, key)
	if !ok {
		return heldOrAbsent(held)
	}
	b := mapBuilder{view: v, ref: ref, plan: p, name: p.names(ref).URLMap(), routing: &routing{}}
	b.addMap()
	for i := range p.Rules {
		b.addRule(&p.Rules[i])
	}
	slices.Sort(b.routing.Backends)
	b.routing.Backends = slices.Compact(b.routing.Backends)
	return recompute.Result{State: recompute.Present, Value: b.routing, Resources: b.resources}
}

// mapBuilder makes the URL map of one Ingress.
type mapBuilder struct {
	view      *recompute.View
	ref       store.Ref
	plan      *plan
	name      string
	routing   *routing
	resources []*lbv1.Resource
}

func (b *mapBuilder) addMap() {
	service := b.service(b.plan.Default, "spec.defaultBackend")
	if b.plan.Default.Unset {
		service = backend.Default(b.view, b.plan.Scope, b.ref.Namespace, 404)
	}
	b.resources = append(b.resources, &lbv1.Resource{Name: b.name, Body: &lbv1.Resource_UrlMap{UrlMap: &lbv1.UrlMap{
		DefaultService: service, ListenerHosts: []string{anyHost}, OneLabelWildcards: true, Owner: owner.Of(b.ref),
		Description: owner.DescribeIngress(b.ref.Namespace, b.ref.Name),
	}}})
}

// service is the backend service of a target, or the one that answers 500.
func (b *mapBuilder) service(t target, field string) string {
	if t.Port > 0 {
		to := backend.Of(b.view, t.key(b.plan, b.ref.Namespace))
		for _, note := range to.Notes {
			reason := object.ReasonTranslate
			if note.Reason == backend.Ignored {
				reason = object.ReasonUnsupported
			}
			b.routing.say(problem{Reason: reason, Field: field, Message: note.Message})
		}
		if to.Problem == nil {
			b.routing.Backends = append(b.routing.Backends, to.Service)
			return to.Service
		}
		b.routing.say(problem{Reason: object.ReasonTranslate, Field: field, Message: to.Problem.Message})
	}
	return backend.Default(b.view, b.plan.Scope, b.ref.Namespace, 500)
}

func (b *mapBuilder) addRule(r *rule) {
	service := b.service(r.To, fmt.Sprintf("spec.rules[%d].http.paths[%d].backend", r.Rule, r.Index))
	out := &lbv1.RouteRule{
		UrlMap: b.name, ListenerHost: anyHost, Host: r.Host, Precedence: r.Path.rank(r.Index), Match: r.Path.match(),
		Route: b.ref.Namespace + "/" + b.ref.Name, Rule: strconv.Itoa(r.Rule) + "/" + strconv.Itoa(r.Index), Owner: owner.Of(b.ref),
		Action: &lbv1.RouteRule_Forward{Forward: &lbv1.Forward{Backends: []*lbv1.WeightedBackend{{BackendService: service, Weight: 1}}}},
	}
	b.resources = append(b.resources, &lbv1.Resource{Name: urlmap.RuleName(out), Body: &lbv1.Resource_RouteRule{RouteRule: out}})
}
