package ingress

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

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
	b.fallThrough()
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
		DefaultService: service, ListenerHosts: []string{anyHost}, Owner: owner.Of(b.ref),
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
	match := r.Path.match()
	if suffix, ok := strings.CutPrefix(r.Host, "*."); ok {
		match.Headers = []*lbv1.ValueMatch{oneLabel(suffix)}
	}
	b.publish(r, r.Host, "0", match, service)
}

// oneLabel lets pass the hosts that have one label before a suffix: that is what a wildcard of an Ingress stands for. Those
// of the model stand for any number.
func oneLabel(suffix string) *lbv1.ValueMatch {
	return &lbv1.ValueMatch{Name: "host", Value: &lbv1.ValueMatch_Regex{
		Regex: `[^.]+\.` + regexp.QuoteMeta(suffix) + `\.?(:[0-9]+)?`,
	}}
}

// fallThrough adds the rules without a host to those of wildcards, behind them: a host with more than one label before the
// suffix is nobody's but theirs, and in the model no other host is looked at.
func (b *mapBuilder) fallThrough() {
	var wild []string
	for _, r := range b.plan.Rules {
		if strings.HasPrefix(r.Host, "*.") && !slices.Contains(wild, r.Host) {
			wild = append(wild, r.Host)
		}
	}
	for i := range b.plan.Rules {
		r := &b.plan.Rules[i]
		if r.Host != anyHost {
			continue
		}
		for _, host := range wild {
			b.publish(r, host, "1", r.Path.match(), b.service(r.To, ""))
		}
	}
}

func (b *mapBuilder) publish(r *rule, host, rank string, match *lbv1.RouteMatch, service string) {
	out := &lbv1.RouteRule{
		UrlMap: b.name, ListenerHost: anyHost, Host: host, Precedence: rank + r.Path.rank(r.Index), Match: match,
		Route: b.ref.Namespace + "/" + b.ref.Name, Rule: strconv.Itoa(r.Rule) + "/" + strconv.Itoa(r.Index), Owner: owner.Of(b.ref),
		Action: &lbv1.RouteRule_Forward{Forward: &lbv1.Forward{Backends: []*lbv1.WeightedBackend{{BackendService: service, Weight: 1}}}},
	}
	b.resources = append(b.resources, &lbv1.Resource{Name: urlmap.RuleName(out), Body: &lbv1.Resource_RouteRule{RouteRule: out}})
}
