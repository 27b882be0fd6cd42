package gateway

import (
	"fmt"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/spillway-lb/spillway/internal/backend"
	"github.com/spillway-lb/spillway/internal/fact"
	"github.com/spillway-lb/spillway/internal/finalizer"
	"github.com/spillway-lb/spillway/internal/fleet"
	"github.com/spillway-lb/spillway/internal/frontend"
	"github.com/spillway-lb/spillway/internal/kind"
	"github.com/spillway-lb/spillway/internal/recompute"
	"github.com/spillway-lb/spillway/internal/store"
)

const unitGateway = "gateway.gateway"

// translateGateway writes what users see of a Gateway. It is the root that makes the Gateway's frontends exist.
func translateGateway(v *recompute.View, key string) recompute.Result {
	ref, _ := store.ParseRef(key)
	gw, ok := recompute.Get[*gatewayv1.Gateway](v, ref)
	if !ok {
		return heldOrAbsent(fact.Pending(v, ref.Cluster, kind.Gateway))
	}
	class, ok := classOf(v, gw, ref)
	if !ok {
		return recompute.Result{}
	}
	if finalizer.Deleted(gw) {
		return recompute.Result{State: recompute.Present, Writes: leavingWrites(v, gw, ref)}
	}
	listeners, ok, held := ListenersOf(v, ref)
	if held {
		return recompute.Result{State: recompute.Held}
	}
	if !ok {
		return recompute.Result{State: recompute.Present, Value: Serving{}, Writes: ignoredWrites(v, gw, ref, class)}
	}
	verdict, ok := verdictOf(v, ref)
	if !ok {
		return recompute.Result{State: recompute.Held}
	}
	s := gatewayStatus{view: v, ref: ref, object: gw, gw: listeners, today: listeners.own(), verdict: verdict}
	s.read()
	conditions := s.conditions()
	return recompute.Result{State: recompute.Present, Value: s.serving(conditions), Writes: s.writes(conditions)}
}

// ignoredWrites tell that a multi-cluster Gateway is not in the config cluster.
func ignoredWrites(v *recompute.View, gw *gatewayv1.Gateway, ref store.Ref, class Class) []recompute.Write {
	config, _ := fleet.ConfigCluster(v)
	text := fmt.Sprintf("Gateways of class %s are read from the config cluster %q only; this one, in %q, is ignored",
		class.Name, config, ref.Cluster)
	status := &gatewayv1.GatewayStatus{Conditions: []metav1.Condition{
		condition(gw.Generation, string(gatewayv1.GatewayConditionAccepted), false, string(gatewayv1.GatewayReasonInvalid), text),
		condition(gw.Generation, string(gatewayv1.GatewayConditionProgrammed), false, string(gatewayv1.GatewayReasonInvalid), text),
	}}
	return []recompute.Write{
		{Ref: ref, Part: recompute.PartStatus, Value: status},
		eventWrite(ref, "", recompute.Event{
			Type: "Warning", Reason: "SYNC", Message: text, Source: EventSource(class.Multi), Cause: fmt.Sprint(gw.Generation),
		}),
	}
}

// gatewayStatus gathers what is said of one Gateway.
type gatewayStatus struct {
	*verdict
	view   *recompute.View
	ref    store.Ref
	object *gatewayv1.Gateway
	// gw is the Gateway as it is served, today what its own spec says now.
	gw    *Listeners
	today []Listener
	// vips are what it is served at.
	vips []frontend.VIP
	// progress is how far the proxies are with what is published.
	progress fact.Progress
}

// read reads everything that the status tells of beyond the verdict, and makes the frontends exist.
func (s *gatewayStatus) read() {
	s.vips, _, _ = recompute.Value[[]frontend.VIP](s.view, unitAddresses, s.ref.String())
	if s.pending || allowsSets(s.object.Spec.AllowedListeners) && fact.Pending(s.view, s.ref.Cluster, kind.ListenerSet) {
		s.view.Hold() // what is not listed yet is neither there nor gone; what can be served is, meanwhile
	}
	s.view.Unit(unitPorts, s.ref.String())
	backend.Default(s.view, s.gw.Scope, s.gw.Namespace, 404)
	backend.Default(s.view, s.gw.Scope, s.gw.Namespace, 500)
	s.progress, _ = recompute.Fact[fact.Progress](s.view, fact.ProgressOf(s.ref))
}

func (s *gatewayStatus) writes(conditions []metav1.Condition) []recompute.Write {
	status := &gatewayv1.GatewayStatus{Conditions: conditions, Listeners: s.listeners()}
	if n := int32(s.view.Count(tallySets, s.ref.String())); s.object.Spec.AllowedListeners != nil {
		status.AttachedListenerSets = &n
	}
	for _, vip := range s.vips {
		of := gatewayv1.IPAddressType
		status.Addresses = append(status.Addresses, gatewayv1.GatewayStatusAddress{Type: &of, Value: vip.Address})
	}
	out := []recompute.Write{
		{Ref: s.ref, Part: recompute.PartStatus, Value: status},
		finalizer.Of(s.view, s.ref, s.object, Finalizer),
		{Ref: s.ref, Part: recompute.PartAnnotations, Value: s.annotations()},
	}
	return slices.Concat(out, s.infrastructureWrites(), s.events(conditions))
}

func (s *gatewayStatus) events(conditions []metav1.Condition) []recompute.Write {
	name := s.ref.Namespace + "/" + s.ref.Name
	cause := fmt.Sprint(s.object.Generation)
	event := func(kind, reason, message, cause string) recompute.Write {
		return eventWrite(s.ref, "", recompute.Event{
			Type: kind, Reason: reason, Message: message, Source: EventSource(s.gw.Scope.Multi), Cause: cause,
		})
	}
	out := []recompute.Write{event("Normal", "ADD", name, string(s.object.UID))}
	if s.object.Generation > 1 {
		out = append(out, event("Normal", "UPDATE", name, cause))
	}
	if problem := s.problem(conditions); problem != "" {
		text := fmt.Sprintf("failed to translate Gateway %q: %s", name, problem)
		return append(out, event("Warning", "SYNC", text, cause+problem))
	}
	return append(out, event("Normal", "SYNC", "SYNC on "+name+" was a success", cause))
}

// problem is what keeps the Gateway, or one of its listeners, from being served as it is written.
func (s *gatewayStatus) problem(conditions []metav1.Condition) string {
	if c := find(conditions, string(gatewayv1.GatewayConditionAccepted)); c.Status != metav1.ConditionTrue {
		return c.Message
	}
	if c := find(conditions, string(gatewayv1.GatewayConditionProgrammed)); c.Status == metav1.ConditionFalse {
		return c.Message
	}
	var texts []string
	for _, l := range s.today {
		switch {
		case l.Problem != nil:
			texts = append(texts, fmt.Sprintf("listener %q: %s", l.Name, l.Problem.Message))
		case s.refs[l.Name] != nil:
			texts = append(texts, fmt.Sprintf("listener %q: %s", l.Name, s.refs[l.Name].message))
		case l.BadKinds != "":
			texts = append(texts, fmt.Sprintf("listener %q: %s", l.Name, l.BadKinds))
		}
	}
	if s.client != nil {
		texts = append(texts, s.client.message)
	}
	return strings.Join(texts, "; ")
}
