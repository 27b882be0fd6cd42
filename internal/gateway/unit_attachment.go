package gateway

import (
	"maps"
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
	"github.com/spillway-lb/spillway/internal/policy"
	"github.com/spillway-lb/spillway/internal/recompute"
	"github.com/spillway-lb/spillway/internal/store"
	"github.com/spillway-lb/spillway/internal/unitkey"
)

const unitAttachment = "gateway.attachment"

// Tallies by which a Gateway sees its routes.
const (
	// tallyAttached has the routes of a listener, GATEWAY NUL Listener.ID.
	tallyAttached = "gateway.attached"
	// TallyBackends has the backend services of a Gateway, those of callouts as well.
	TallyBackends = "gateway.backends"
	// TallyUnchecked has those of them that have no health check.
	TallyUnchecked = "gateway.backends.unchecked"
)

// attachment is what a Gateway makes of a route.
type attachment struct {
	// Parents are the conditions of the route's references to this Gateway, in the order of the route.
	Parents []parentConditions
	Project string
	Multi   bool
	// Controller is that of the Gateway's class.
	Controller gatewayv1.GatewayController
}

type parentConditions struct {
	Ref        gatewayv1.ParentReference
	Conditions []metav1.Condition
}

func attachmentKey(route, gateway store.Ref) string {
	return unitkey.Join(route.String(), gateway.String())
}

func parseAttachmentKey(key string) (route, gateway store.Ref, ok bool) {
	parts, ok := unitkey.Split(key, 2)
	if !ok {
		return route, gateway, false
	}
	route, isRoute := store.ParseRef(parts[0])
	gateway, isGateway := store.ParseRef(parts[1])
	return route, gateway, isRoute && isGateway
}

func translateAttachment(v *recompute.View, key string) recompute.Result {
	routeRef, gatewayRef, ok := parseAttachmentKey(key)
	if !ok {
		return recompute.Result{}
	}
	route, ok := readRoute(v, routeRef)
	if !ok {
		return recompute.Result{}
	}
	gw, ok, held := ListenersOf(v, gatewayRef)
	if held {
		return recompute.Result{State: recompute.Held}
	}
	if !ok {
		return recompute.Result{}
	}
	a := newAttacher(v, gw, gatewayRef, route)
	a.attach()
	return a.result()
}

// attacher gathers the result of one attachment.
type attacher struct {
	// resolver follows the references of what is served.
	resolver
	gatewayRef store.Ref
	// today is the route as it is written; good is its last version without problems.
	today    *routeView
	good     store.Object
	problems []ruleProblem
	// fallback: good is served, not today's.
	fallback    bool
	parents     []gatewayv1.ParentReference
	acceptances []acceptance
	places      []place
	bodies      []ruleBody
}

func newAttacher(v *recompute.View, gw *Listeners, gatewayRef store.Ref, route *routeView) *attacher {
	return &attacher{
		resolver:   resolver{view: v, gw: gw, route: route, services: map[string]struct{}{}, targets: map[policy.Target]struct{}{}},
		gatewayRef: gatewayRef, today: route, good: route.object,
	}
}

// attach decides what is served, and only then follows references: those of a route that may not attach are looked at, and
// make nothing exist.
func (a *attacher) attach() {
	a.parents = a.parentsOf(a.today)
	for _, parent := range a.parents {
		a.acceptances = append(a.acceptances, a.yield(attach(a.view, a.gw, a.gw.Listeners, a.today, parent)))
	}
	if a.problems = judgeRules(a.today, a.gw.Strict); len(a.problems) > 0 {
		a.fallBack()
	}
	a.findPlaces()
	if a.looking = len(a.places) == 0; a.looking {
		for i := range a.route.rules {
			a.body(i)
		}
		return
	}
	for i := range a.route.rules {
		a.bodies = append(a.bodies, a.body(i))
	}
}

// fallBack takes the last good version, if there is one: what it says is translated under what holds today.
func (a *attacher) fallBack() {
	a.good = a.view.Good()
	if a.good == nil || a.good.GetUID() != a.today.object.GetUID() {
		a.good = nil
		return
	}
	if last, ok := routeViewOf(a.today.ref, a.good); ok && len(judgeRules(last, a.gw.Strict)) == 0 {
		a.route, a.fallback = last, true
	}
}

func (a *attacher) parentsOf(route *routeView) []gatewayv1.ParentReference {
	var parents []gatewayv1.ParentReference
	for _, parent := range route.parents {
		if gateway, ok := gatewayOf(a.view, route.ref, parent); ok && gateway == a.gatewayRef {
			parents = append(parents, parent)
		}
	}
	return parents
}

// findPlaces finds where the route is served, each place once. The last good version is served where today's may attach.
func (a *attacher) findPlaces() {
	var acceptances []acceptance
	switch {
	case !a.gw.Kept && !a.fallback:
		acceptances = a.acceptances
	case a.gw.Kept || a.attached():
		for _, parent := range a.parentsOf(a.route) {
			acceptances = append(acceptances, a.yield(attach(a.view, a.gw, a.gw.Serving, a.route, parent)))
		}
	}
	for _, d := range acceptances {
		for _, p := range d.places {
			if !slices.Contains(a.places, p) && a.named(p.listener) {
				a.places = append(a.places, p)
			}
		}
	}
}

// attached tells whether the route may attach by one of its references at least.
func (a *attacher) attached() bool { return slices.ContainsFunc(a.acceptances, acceptance.accepted) }

func (a *attacher) named(l *Listener) bool {
	return slices.ContainsFunc(a.parents, func(p gatewayv1.ParentReference) bool {
		set, _ := parentListenerSet(a.today.ref, p)
		return names(set, p, l)
	})
}

// problem is that of a rule that is served, or nil.
func (a *attacher) problem(rule int) *ruleProblem {
	if a.fallback {
		return nil
	}
	for i := range a.problems {
		if a.problems[i].rule == rule {
			return &a.problems[i]
		}
	}
	return nil
}

// body is what a rule does. One that cannot be obeyed answers with an error.
func (a *attacher) body(rule int) ruleBody {
	if a.problem(rule) != nil {
		return refused(&a.route.rules[rule], a)
	}
	a.followed = true
	// There is no problem that judgeRules has not found: it reads the same rule.
	body, _ := readRule(a.route, rule, a)
	return body
}

func (a *attacher) result() recompute.Result {
	value := &attachment{Project: a.gw.Project, Multi: a.gw.Scope.Multi, Controller: a.gw.Controller}
	for i, parent := range a.parents {
		value.Parents = append(value.Parents, parentConditions{parent, a.conditions(a.acceptances[i])})
	}
	return recompute.Result{
		State: recompute.Present, Value: value, Resources: a.resources(), Tallies: a.tallies(), Counts: a.counts(), Good: a.good,
	}
}

func (a *attacher) resources() []*lbv1.Resource {
	var out []*lbv1.Resource
	for _, at := range a.places {
		useURLMap(a.view, a.gatewayRef, at.listener.Port, a.gw.Scope)
		for i := range a.bodies {
			matches, problem := a.route.rules[i].matches, a.problem(i)
			for j := range matches {
				if problem == nil || problem.sound[j] {
					out = append(out, a.bodies[i].resource(a.route, at, &matches[j], i, j))
				}
			}
		}
	}
	return out
}

// counts are the listeners that count the route: those of references that are accepted.
func (a *attacher) counts() []recompute.Tally {
	if a.hopeless() {
		return nil
	}
	var out []recompute.Tally
	seen := map[string]bool{}
	for _, d := range a.acceptances {
		if !d.accepted() {
			continue
		}
		for _, l := range d.counted {
			if key := attachedKey(a.gatewayRef, l.ID()); !seen[key] {
				seen[key] = true
				out = append(out, recompute.Tally{Index: tallyAttached, Key: key, Member: a.route.ref.String()})
			}
		}
	}
	return out
}

// tallies are about what is served.
func (a *attacher) tallies() []recompute.Tally {
	if len(a.places) == 0 {
		return nil
	}
	var out []recompute.Tally
	for _, at := range a.places {
		out = append(out, a.hostTallies(at)...)
	}
	for _, service := range slices.Sorted(maps.Keys(a.services)) {
		out = append(out, recompute.Tally{Index: TallyBackends, Key: a.gatewayRef.String(), Member: service})
	}
	for target := range a.targets {
		out = append(out, policy.AncestorTallies(target, a.gatewayRef, a.gw.Controller)...)
	}
	return out
}

func attachedKey(gateway store.Ref, listener string) string {
	return unitkey.Join(gateway.String(), listener)
}

// hopeless: there is no rule that can be obeyed.
func (a *attacher) hopeless() bool {
	return len(a.problems) > 0 && len(a.problems) == len(a.today.rules)
}
