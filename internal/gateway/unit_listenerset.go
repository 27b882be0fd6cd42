package gateway

import (
	"fmt"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/spillway-lb/spillway/internal/fact"
	"github.com/spillway-lb/spillway/internal/kind"
	"github.com/spillway-lb/spillway/internal/recompute"
	"github.com/spillway-lb/spillway/internal/store"
)

const (
	unitListenerSet = "gateway.listenerset"

	// tallySets has the ListenerSets of a Gateway that are accepted.
	tallySets = "gateway.sets"

	// reasonParentNotProgrammed is of a ListenerSet's condition Programmed; the Gateway API has no constant for it.
	reasonParentNotProgrammed = "ParentNotProgrammed"
)

// translateListenerSet writes the status of a ListenerSet whose Gateway is ours.
func translateListenerSet(v *recompute.View, key string) recompute.Result {
	ref, _ := store.ParseRef(key)
	set, ok := wantedSet(v, ref)
	if !ok {
		return recompute.Result{}
	}
	gateway, ok := parentOfSet(ref, set)
	if !ok {
		return recompute.Result{}
	}
	object, ok := wantedGateway(v, gateway)
	if !ok {
		return recompute.Result{State: recompute.Present, Writes: missingGateway(v, ref, set, gateway)}
	}
	listeners, ok, held := ListenersOf(v, gateway)
	if !ok {
		return heldOrAbsent(held)
	}
	s := setStatus{view: v, ref: ref, set: set, gateway: gateway, gw: listeners}
	if s.verdict, ok = verdictOf(v, gateway); !ok {
		return recompute.Result{State: recompute.Held}
	}
	s.progress, _ = recompute.Fact[fact.Progress](v, fact.ProgressOf(gateway))
	takes, known := allowsSet(v, gateway, object.Spec.AllowedListeners, ref)
	if !known {
		return recompute.Result{State: recompute.Held}
	}
	s.allowed = takes && !listeners.Strict.on
	s.tls = object.Spec.TLS
	return s.result()
}

// missingGateway tells of a Gateway that is not there. Whose ListenerSet it is nobody knows, so it has no status.
func missingGateway(v *recompute.View, ref store.Ref, set *gatewayv1.ListenerSet, gateway store.Ref) []recompute.Write {
	if v.Get(gateway) != nil || fact.Pending(v, gateway.Cluster, kind.Gateway) {
		return nil
	}
	return []recompute.Write{eventWrite(ref, "missing", recompute.Event{
		Type: "Warning", Reason: "SYNC", Source: EventSource(false), Cause: fmt.Sprint(set.Generation),
		Message: fmt.Sprintf("Error GWCER102: Gateway %q not found", gateway.Namespace+"/"+gateway.Name),
	})}
}

// setStatus gathers what is said of one ListenerSet.
type setStatus struct {
	*verdict
	view     *recompute.View
	ref      store.Ref
	set      *gatewayv1.ListenerSet
	gateway  store.Ref
	gw       *Listeners
	progress fact.Progress
	tls      *gatewayv1.GatewayTLSConfig
	// allowed: the Gateway takes it.
	allowed bool
}

func (s *setStatus) result() recompute.Result {
	listeners := s.listeners()
	accepted := s.acceptedCondition(listeners)
	programmed := s.programmedCondition(accepted, listeners)
	status := &gatewayv1.ListenerSetStatus{Conditions: []metav1.Condition{accepted, programmed}}
	for _, l := range listeners {
		status.Listeners = append(status.Listeners, gatewayv1.ListenerEntryStatus{
			Name: gatewayv1.SectionName(l.Name), SupportedKinds: l.supportedKinds(), Conditions: l.conditions(),
			AttachedRoutes: int32(s.view.Count(tallyAttached, attachedKey(s.gateway, l.ID()))),
		})
	}
	result := recompute.Result{State: recompute.Present, Writes: []recompute.Write{
		{Ref: s.ref, Part: recompute.PartStatus, Value: status}, s.event(accepted, programmed),
	}}
	if accepted.Status == metav1.ConditionTrue {
		result.Counts = []recompute.Tally{{Index: tallySets, Key: s.gateway.String(), Member: s.ref.String()}}
	}
	return result
}

// listeners are those of today's version, none as long as the Gateway does not take the ListenerSet.
func (s *setStatus) listeners() []listenerStatus {
	var out []listenerStatus
	for i := range s.gw.Listeners {
		l := &s.gw.Listeners[i]
		if l.Set != s.ref {
			continue
		}
		status := listenerStatus{
			verdict: s.verdict, progress: s.progress, Listener: l, generation: s.set.Generation, all: s.gw.Listeners,
		}
		at := slices.IndexFunc(s.set.Spec.Listeners, func(x gatewayv1.ListenerEntry) bool { return string(x.Name) == l.Name })
		if l.Problem == nil && l.TLS && at >= 0 {
			entry := gatewayv1.Listener(s.set.Spec.Listeners[at])
			source := listenerSource{listener: &entry, ref: s.gateway, tls: s.tls, holder: s.ref, certmap: s.set.Annotations[certmap]}
			if status.refs = source.problem(s.view); status.refs != nil && status.refs.pending {
				s.view.Hold()
			}
		}
		out = append(out, status)
	}
	return out
}

func (s *setStatus) acceptedCondition(listeners []listenerStatus) metav1.Condition {
	c := condition(s.set.Generation, string(gatewayv1.ListenerSetConditionAccepted), true, string(gatewayv1.ListenerSetReasonAccepted), "")
	not := func(reason gatewayv1.ListenerSetConditionReason, message string) metav1.Condition {
		c.Status, c.Reason, c.Message = metav1.ConditionFalse, string(reason), message
		return c
	}
	var invalid []string
	for i := range listeners {
		if l := &listeners[i]; !l.valid() {
			invalid = append(invalid, l.Name)
		}
	}
	name := s.gateway.Namespace + "/" + s.gateway.Name
	switch {
	case s.gw.Strict.on:
		return not(gatewayv1.ListenerSetReasonNotAllowed, fmt.Sprintf(
			"Gateway %q is of class %s, which takes no ListenerSets: gatewayAPI.strict of the Configuration", name, s.gw.Class))
	case !s.allowed:
		return not(gatewayv1.ListenerSetReasonNotAllowed, fmt.Sprintf(
			"allowedListeners of Gateway %q does not take ListenerSets of namespace %s", name, s.ref.Namespace))
	case s.accepted.Status != metav1.ConditionTrue:
		return not(gatewayv1.ListenerSetReasonParentNotAccepted, fmt.Sprintf("Gateway %q is not accepted", name))
	case len(invalid) == len(listeners):
		return not(gatewayv1.ListenerSetReasonListenersNotValid, "no listener is valid: "+strings.Join(invalid, ", "))
	case len(invalid) > 0:
		c.Reason, c.Message = string(gatewayv1.ListenerSetReasonListenersNotValid), "listeners that are not valid: "+strings.Join(invalid, ", ")
	}
	return c
}

func (s *setStatus) programmedCondition(accepted metav1.Condition, listeners []listenerStatus) metav1.Condition {
	c := condition(s.set.Generation, string(gatewayv1.ListenerSetConditionProgrammed), true, string(gatewayv1.ListenerSetReasonProgrammed), "")
	not := func(status metav1.ConditionStatus, reason, message string) metav1.Condition {
		c.Status, c.Reason, c.Message = status, reason, message
		return c
	}
	switch {
	case accepted.Reason == string(gatewayv1.ListenerSetReasonParentNotAccepted):
		return not(metav1.ConditionFalse, reasonParentNotProgrammed, accepted.Message)
	case accepted.Status != metav1.ConditionTrue:
		return not(metav1.ConditionFalse, accepted.Reason, accepted.Message)
	case s.unusable != "":
		return not(metav1.ConditionFalse, reasonParentNotProgrammed, s.unusable)
	}
	// The worst of the listeners that are valid speaks for all.
	for i := range listeners {
		l := &listeners[i]
		if !l.valid() {
			continue
		}
		p := l.programmed(l.accepting())
		if p.Status == metav1.ConditionFalse || p.Status == metav1.ConditionUnknown && c.Status == metav1.ConditionTrue {
			not(p.Status, p.Reason, fmt.Sprintf("listener %q: %s", l.Name, p.Message))
		}
		if p.Status == metav1.ConditionFalse {
			break
		}
	}
	return c
}

// event tells whether the listeners are served.
func (s *setStatus) event(accepted, programmed metav1.Condition) recompute.Write {
	name, cause := s.ref.Namespace+"/"+s.ref.Name, fmt.Sprint(s.set.Generation)
	e := recompute.Event{Type: "Normal", Reason: "SYNC", Message: "SYNC on " + name + " was a success", Source: EventSource(s.gw.Scope.Multi), Cause: cause}
	problem := accepted.Message // of listeners that are not valid, too
	if problem == "" && programmed.Status == metav1.ConditionFalse {
		problem = programmed.Message
	}
	if problem != "" {
		e.Type, e.Message, e.Cause = "Warning", fmt.Sprintf("failed to translate ListenerSet %q: %s", name, problem), cause+problem
	}
	return eventWrite(s.ref, "", e)
}

// parentListenerSet is the ListenerSet that a parent reference names; ok is false for other kinds of parents.
func parentListenerSet(route store.Ref, parent gatewayv1.ParentReference) (set store.Ref, ok bool) {
	if parent.Group != nil && *parent.Group != kind.GroupGateway || parent.Kind == nil || *parent.Kind != "ListenerSet" {
		return store.Ref{}, false
	}
	set = store.Ref{Cluster: route.Cluster, Kind: kind.ListenerSet, Namespace: route.Namespace, Name: string(parent.Name)}
	if parent.Namespace != nil {
		set.Namespace = string(*parent.Namespace)
	}
	return set, true
}
