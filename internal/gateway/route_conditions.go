package gateway

import (
	"fmt"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/spillway-lb/spillway/internal/fact"
	"github.com/spillway-lb/spillway/internal/recompute"
)

// Reconciled is GKE's own condition of routes: what is written is what is served.
const (
	conditionReconciled = "Reconciled"
	reasonReconciled    = "ReconciliationSucceeded"
	reasonNotReconciled = "ReconciliationFailed"
	reasonPending       = "Pending"
)

// conditions are those of one parent reference, in GKE's order.
func (a *attacher) conditions(d acceptance) []metav1.Condition {
	accepted := a.acceptedCondition(d)
	out := []metav1.Condition{accepted, a.resolvedCondition()}
	partial := d.accepted() && len(a.problems) > 0 && !a.hopeless()
	if partial {
		out = append(out, condition(a.today.generation, string(gatewayv1.RouteConditionPartiallyInvalid), true, string(a.problems[0].reason), a.partialText()))
	}
	return append(out, a.reconciledCondition(accepted, partial))
}

func (a *attacher) acceptedCondition(d acceptance) metav1.Condition {
	c := condition(a.today.generation, string(gatewayv1.RouteConditionAccepted), d.accepted(), string(d.reason), d.message)
	switch {
	case d.reason == gatewayv1.RouteReasonPending:
		c.Status = metav1.ConditionUnknown
	case !d.accepted() || len(a.problems) == 0:
	case a.hopeless():
		c.Status, c.Reason, c.Message = metav1.ConditionFalse, string(a.problems[0].reason), "Error GWCER104: "+problemTexts(a.problems)+a.instead()
	case a.fallback:
		// By the Gateway API: the generation of the version that is served.
		c.ObservedGeneration = a.route.generation
	}
	return c
}

// instead says what is served of a route without a rule that can be obeyed.
func (a *attacher) instead() string {
	if a.fallback {
		return fmt.Sprintf("; generation %d is served instead", a.route.generation)
	}
	return ""
}

// partialText has the words that the Gateway API asks for.
func (a *attacher) partialText() string {
	if a.fallback {
		return fmt.Sprintf("Fall Back to generation %d: %s", a.route.generation, problemTexts(a.problems))
	}
	var texts []string
	for i := range a.problems {
		texts = append(texts, "Dropped Rule"+strings.TrimPrefix(a.problems[i].String(), "rule"))
	}
	return strings.Join(texts, "; ") + "; requests that such a rule matches are answered with 500"
}

// resolvedCondition is about the references of what is served.
func (a *attacher) resolvedCondition() metav1.Condition {
	c := condition(a.route.generation, string(gatewayv1.RouteConditionResolvedRefs), true, string(gatewayv1.RouteReasonResolvedRefs), "")
	switch {
	case len(a.refProblems) > 0:
		c.Status = metav1.ConditionFalse
		c.Reason, c.Message = unresolved(a.refProblems)
	case !a.followed && len(a.route.rules) > 0:
		c.Status, c.Reason = metav1.ConditionUnknown, reasonPending
		c.Message = "nothing of the route is served, so its references are not followed"
	}
	return c
}

// reconciledCondition tells whether proxies do what is written.
func (a *attacher) reconciledCondition(accepted metav1.Condition, partial bool) metav1.Condition {
	c := condition(a.today.generation, conditionReconciled, true, reasonReconciled, "")
	failed := func(text string) metav1.Condition {
		c.Status, c.Reason, c.Message = metav1.ConditionFalse, reasonNotReconciled, text
		return c
	}
	switch {
	case accepted.Status == metav1.ConditionUnknown:
		c.Status, c.Reason, c.Message = metav1.ConditionUnknown, reasonPending, accepted.Message
	case accepted.Status != metav1.ConditionTrue:
		return failed(accepted.Message)
	case partial:
		return failed(a.partialText())
	case a.gw.Broken && len(a.places) == 0:
		return failed(fmt.Sprintf("Gateway %q is not accepted, and the route is not served", a.gatewayRef.Namespace+"/"+a.gatewayRef.Name))
	case a.gw.Broken:
		return failed(fmt.Sprintf("Gateway %q is not accepted; the route is served on the listeners of its last good version", a.gatewayRef.Namespace+"/"+a.gatewayRef.Name))
	}
	progress, known := recompute.Fact[fact.Progress](a.view, fact.RouteProgressOf(a.today.ref, a.gatewayRef))
	switch {
	case known && len(progress.Refused) > 0:
		return failed(progress.String())
	case !known || !progress.Taken():
		c.Status, c.Reason, c.Message = metav1.ConditionUnknown, reasonPending, pendingText
		if known {
			c.Message = progress.String()
		}
	}
	return c
}
