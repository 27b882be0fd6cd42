package extension

import (
	"fmt"
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/spillway-lb/spillway/internal/fact"
	"github.com/spillway-lb/spillway/internal/gateway"
	"github.com/spillway-lb/spillway/internal/kind"
	"github.com/spillway-lb/spillway/internal/recompute"
	"github.com/spillway-lb/spillway/internal/store"
)

// maxAncestors is how many a status may have.
const maxAncestors = 16

// The newer documentation says Programmed, the older Reconciled; both mean that proxies serve it as it is written.
const (
	conditionAccepted     = "Accepted"
	conditionResolvedRefs = "ResolvedRefs"
	conditionProgrammed   = "Programmed"
	conditionReconciled   = "Reconciled"

	programmingSucceeded    = "ProgrammingSucceeded"
	programmingFailed       = "ProgrammingFailed"
	reconciliationSucceeded = "ReconciliationSucceeded"
	reconciliationFailed    = "ReconciliationFailed"

	pendingText = "waiting for the proxies to serve it"
)

// verdict is what is said of an object on one Gateway.
type verdict struct {
	// who is the object, generation that of the version that is judged.
	who        store.Ref
	generation int64
	gateway    gatewayv1.ParentReference
	// controller is that of the Gateway's class.
	controller gatewayv1.GatewayController
	// accepted and references are why it is not, nil if it is.
	accepted, references *problem
	// waiting is what it waits for, nil if only for the proxies.
	waiting *problem
	// progress is that of the object's own resources, and of those that it names.
	progress []fact.Progress
	// gatewayRef is the Gateway, serving what its own status says, unnamed that none of its target proxies names the object.
	gatewayRef store.Ref
	serving    gateway.Serving
	unnamed    bool
	// notes are what users should know of what is accepted.
	notes string
}

func (a *verdict) status() gatewayv1.PolicyAncestorStatus {
	return gatewayv1.PolicyAncestorStatus{
		AncestorRef: a.gateway, ControllerName: a.controller, Conditions: a.conditions(),
	}
}

// conditions: what does not resolve is not said to be programmed or not, as GKE does not.
func (a *verdict) conditions() []metav1.Condition {
	out := []metav1.Condition{a.condition(conditionAccepted, reasonAccepted, a.accepted)}
	if a.accepted == nil {
		out[0].Message = a.notes
	}
	if a.accepted != nil && (a.accepted.Reason == reasonConflicted || a.accepted.Reason == reasonNoMatchingTarget) {
		return out
	}
	out = append(out, a.condition(conditionResolvedRefs, reasonResolvedRefs, a.references))
	if a.references != nil {
		return out
	}
	return append(out,
		a.inForce(conditionProgrammed, programmingSucceeded, programmingFailed),
		a.inForce(conditionReconciled, reconciliationSucceeded, reconciliationFailed))
}

func (a *verdict) condition(kind, reason string, p *problem) metav1.Condition {
	c := metav1.Condition{Type: kind, Status: metav1.ConditionTrue, Reason: reason, ObservedGeneration: a.generation}
	if p != nil {
		c.Status, c.Reason, c.Message = metav1.ConditionFalse, p.Reason, p.Message
	}
	return c
}

// inForce says what the proxies serve.
func (a *verdict) inForce(kind, succeeded, failed string) metav1.Condition {
	c := metav1.Condition{Type: kind, Status: metav1.ConditionTrue, Reason: succeeded, ObservedGeneration: a.generation}
	not := func(status metav1.ConditionStatus, reason, message string) metav1.Condition {
		c.Status, c.Reason, c.Message = status, reason, message
		return c
	}
	switch {
	case a.accepted != nil:
		return not(metav1.ConditionFalse, failed, a.accepted.Message)
	case a.waiting != nil:
		return not(metav1.ConditionFalse, failed, a.waiting.Message)
	case a.refused() != nil:
		return not(metav1.ConditionFalse, failed, a.refused().String())
	case a.serving.Programmed == metav1.ConditionFalse:
		return not(metav1.ConditionFalse, failed, fmt.Sprintf("Gateway %q is not programmed: %s", nameOf(a.gatewayRef), a.serving.Message))
	case len(a.progress) == 0 || a.unnamed:
		return not(metav1.ConditionUnknown, reasonWaiting, pendingText)
	case a.behind() != nil:
		return not(metav1.ConditionUnknown, reasonWaiting, a.behind().String())
	case a.serving.Programmed != metav1.ConditionTrue:
		return not(metav1.ConditionUnknown, reasonWaiting, fmt.Sprintf("Gateway %q: %s", nameOf(a.gatewayRef), a.serving.Message))
	}
	return c
}

// follow adds the progress of an owner's resources; what was never published has come nowhere.
func (a *verdict) follow(v *recompute.View, owner store.Ref) {
	progress, _ := recompute.Fact[fact.Progress](v, fact.ProgressOf(owner))
	a.progress = append(a.progress, progress)
}

// refused is what proxies refuse, behind what they have not taken; nil if there is none.
func (a *verdict) refused() *fact.Progress {
	return firstProgress(a.progress, func(p fact.Progress) bool { return len(p.Refused) > 0 })
}

func (a *verdict) behind() *fact.Progress {
	return firstProgress(a.progress, func(p fact.Progress) bool { return !p.Taken() })
}

func firstProgress(all []fact.Progress, is func(fact.Progress) bool) *fact.Progress {
	if i := slices.IndexFunc(all, is); i >= 0 {
		return &all[i]
	}
	return nil
}

// served takes what the Gateway says of itself. names are the object's resources, of which a target proxy has to name one.
func (a *verdict) served(v *recompute.View, gw store.Ref, names []string) {
	a.gatewayRef = gw
	a.serving, _ = gateway.ServingOf(v, gw)
	a.unnamed = !slices.ContainsFunc(names, func(name string) bool { return slices.Contains(a.serving.Extensions, name) })
}

// events tell each condition once, keyed by the Gateway.
func (a *verdict) events() []recompute.Write {
	steps := []struct{ kind, success, failure string }{
		{conditionAccepted, `Attachment of %s to %s was a success`, `Attachment of %s to %s failed: %s`},
		{conditionResolvedRefs, `All the object references were able to be resolved for %s bound to %s`, `Object references of %s bound to %s were not resolved: %s`},
		{conditionProgrammed, `Programming of %s to %s was a success`, `Programming of %s to %s failed: %s`},
		{conditionReconciled, `Reconciliation of %s to %s was a success`, `Reconciliation of %s to %s failed: %s`},
	}
	var out []recompute.Write
	conditions := a.conditions()
	for i, c := range conditions {
		who := fmt.Sprintf("%s %q", eventKind(a.who), nameOf(a.who))
		e := recompute.Event{
			Type: "Normal", Reason: "SYNC", Source: gateway.EventSource(a.serving.Multi), Cause: fmt.Sprint(a.generation, c.Status),
			Message: fmt.Sprintf(steps[i].success, who, ancestorText(a.gateway)),
		}
		switch c.Status {
		case metav1.ConditionUnknown:
			continue
		case metav1.ConditionFalse:
			e.Type, e.Cause = "Warning", e.Cause+c.Message
			e.Message = fmt.Sprintf(steps[i].failure, who, ancestorText(a.gateway), c.Message)
			if i == 3 { // says what the one before says
				continue
			}
		}
		out = append(out, recompute.Write{
			Ref: a.who, Part: recompute.PartEvent, Key: fmt.Sprintf("SYNC/%d/%s", i, a.gateway.Name), Value: e,
		})
	}
	return out
}

// eventKind is what GKE's controller calls a kind in its events.
func eventKind(ref store.Ref) string {
	if name := kind.Bare(ref.Kind); name != kindPlugin {
		return name
	}
	return "WasmPlugin"
}

func ancestorText(r gatewayv1.ParentReference) string {
	return fmt.Sprintf("AncestorRef {Group: %q, Kind: %q, Namespace: %q, Name: %q, SectionName: nil, Port: nil}",
		value(r.Group), value(r.Kind), value(r.Namespace), r.Name)
}

func ancestorOf(ref store.Ref) gatewayv1.ParentReference {
	name, in := kind.Split(ref.Kind)
	group, of, namespace := gatewayv1.Group(in), gatewayv1.Kind(name), gatewayv1.Namespace(ref.Namespace)
	return gatewayv1.ParentReference{Group: &group, Kind: &of, Namespace: &namespace, Name: gatewayv1.ObjectName(ref.Name)}
}

// objectEvents are those that have nothing to do with a Gateway.
func objectEvents(ref store.Ref, o store.Object, source string) []recompute.Write {
	event := func(reason, cause string) recompute.Write {
		return recompute.Write{Ref: ref, Part: recompute.PartEvent, Key: reason, Value: recompute.Event{
			Type: "Normal", Reason: reason, Message: nameOf(ref), Source: source, Cause: cause,
		}}
	}
	out := []recompute.Write{event("ADD", string(o.GetUID()))}
	if o.GetGeneration() > 1 {
		out = append(out, event("UPDATE", fmt.Sprint(o.GetGeneration())))
	}
	return out
}
