package gateway

import (
	"maps"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
	"github.com/spillway-lb/spillway/internal/policy"
	"github.com/spillway-lb/spillway/internal/recompute"
	"github.com/spillway-lb/spillway/internal/store"
)

const unitAttachment = "gateway.attachment"

// Tallies by which a Gateway sees its routes.
const (
	// tallyAttached has the routes of a listener, GATEWAY NUL LISTENER.
	tallyAttached = "gateway.attached"
	// tallyBackends has the backend services of a Gateway.
	tallyBackends = "gateway.backends"
)

// attachment is what a Gateway makes of a route.
type attachment struct {
	// Parents are the conditions of the route's references to this Gateway, in the order of the route.
	Parents []parentConditions
	Project string
	Multi   bool
}

type parentConditions struct {
	Ref        gatewayv1.ParentReference
	Conditions []metav1.Condition
}

func attachmentKey(route, gateway store.Ref) string { return route.String() + " " + gateway.String() }

func translateAttachment(v *recompute.View, key string) recompute.Result {
	routeKey, gatewayKey, _ := strings.Cut(key, " ")
	routeRef, _ := store.ParseRef(routeKey)
	gatewayRef, _ := store.ParseRef(gatewayKey)
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
	resolver
	gatewayRef store.Ref
	bodies     []ruleBody
	problem    *unacceptable
	verdicts   []verdict
	parents    []gatewayv1.ParentReference
}

func newAttacher(v *recompute.View, gw *Listeners, gatewayRef store.Ref, route *routeView) *attacher {
	return &attacher{
		resolver:   resolver{view: v, gw: gw, route: route, services: map[string]struct{}{}, targets: map[policy.Target]struct{}{}},
		gatewayRef: gatewayRef,
	}
}

func (a *attacher) attach() {
	for i := range a.route.rules {
		body, problem := a.readRule(&a.route.rules[i], i)
		if problem != nil && a.problem == nil {
			a.problem = problem
		}
		a.bodies = append(a.bodies, body)
	}
	for _, parent := range a.route.parents {
		if gateway, ok := parentGateway(a.route.ref, parent); ok && gateway == a.gatewayRef {
			a.parents = append(a.parents, parent)
			a.verdicts = append(a.verdicts, a.yield(attach(a.view, a.gw, a.route, parent)))
		}
	}
}

func (a *attacher) result() recompute.Result {
	value := &attachment{Project: a.gw.Project, Multi: a.gw.Scope.Multi}
	for i, parent := range a.parents {
		value.Parents = append(value.Parents, parentConditions{parent, a.conditions(a.verdicts[i])})
	}
	result := recompute.Result{State: recompute.Present, Value: value}
	if a.gw.Broken || a.problem != nil || a.held {
		result.KeepPublished = true
		return result
	}
	result.Resources = a.resources()
	result.Tallies = a.tallies()
	return result
}

// places are where the accepted references put the route, each once.
func (a *attacher) places() []place {
	var all []place
	for _, d := range a.verdicts {
		for _, p := range d.places {
			if !slices.Contains(all, p) {
				all = append(all, p)
			}
		}
	}
	return all
}

func (a *attacher) resources() []*lbv1.Resource {
	var out []*lbv1.Resource
	for _, at := range a.places() {
		useURLMap(a.view, a.gatewayRef, at.listener.Port, a.gw.Scope)
		for i := range a.bodies {
			matches := a.route.rules[i].matches
			for j := range matches {
				out = append(out, a.bodies[i].resource(a.route, at, &matches[j], i, j))
			}
		}
	}
	return out
}

func (a *attacher) tallies() []recompute.Tally {
	var out []recompute.Tally
	seen := map[string]bool{}
	for _, at := range a.places() {
		if key := attachedKey(a.gatewayRef, at.listener.Name); !seen[key] {
			seen[key] = true
			out = append(out, recompute.Tally{Index: tallyAttached, Key: key, Member: a.route.ref.String()})
		}
		out = append(out, a.hostTallies(at)...)
	}
	if len(out) == 0 {
		return nil
	}
	for _, service := range slices.Sorted(maps.Keys(a.services)) {
		out = append(out, recompute.Tally{Index: tallyBackends, Key: a.gatewayRef.String(), Member: service})
	}
	for target := range a.targets {
		out = append(out, recompute.Tally{Index: policy.TallyAncestors, Key: policy.TargetKey(target), Member: a.gatewayRef.String()})
	}
	return out
}

func attachedKey(gateway store.Ref, listener string) string { return gateway.String() + " " + listener }

// conditions are those of one parent reference, in GKE's order.
func (a *attacher) conditions(d verdict) []metav1.Condition {
	accepted := condition(a.route.generation, string(gatewayv1.RouteConditionAccepted), d.accepted(), string(d.reason), d.message)
	if d.accepted() && a.problem != nil {
		accepted.Status, accepted.Reason, accepted.Message = metav1.ConditionFalse, string(a.problem.reason), "Error GWCER104: "+a.problem.message
	}
	refs := condition(a.route.generation, string(gatewayv1.RouteConditionResolvedRefs), true, string(gatewayv1.RouteReasonResolvedRefs), "")
	if len(a.problems) > 0 {
		refs.Status = metav1.ConditionFalse
		refs.Reason, refs.Message = unresolved(a.problems)
	}
	reconciled := condition(a.route.generation, conditionReconciled, true, reasonReconciled, "")
	if accepted.Status != metav1.ConditionTrue {
		reconciled.Status, reconciled.Reason, reconciled.Message = metav1.ConditionFalse, reasonNotReconciled, accepted.Message
	}
	return []metav1.Condition{accepted, refs, reconciled}
}

// Reconciled is GKE's own condition of routes.
const (
	conditionReconciled = "Reconciled"
	reasonReconciled    = "ReconciliationSucceeded"
	reasonNotReconciled = "ReconciliationFailed"
)
