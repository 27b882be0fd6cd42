package gateway

import (
	"fmt"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/spillway-lb/spillway/internal/backend"
	"github.com/spillway-lb/spillway/internal/fact"
	"github.com/spillway-lb/spillway/internal/finalizer"
	"github.com/spillway-lb/spillway/internal/fleet"
	"github.com/spillway-lb/spillway/internal/frontend"
	"github.com/spillway-lb/spillway/internal/recompute"
	"github.com/spillway-lb/spillway/internal/store"
)

const unitGateway = "gateway.gateway"

// gatewayUnit writes what users see of a Gateway. It is the root that makes the Gateway's frontends exist.
type gatewayUnit struct {
	options Options
}

func (u gatewayUnit) translate(v *recompute.View, key string) recompute.Result {
	ref, _ := store.ParseRef(key)
	gw, ok := recompute.Get[*gatewayv1.Gateway](v, ref)
	if !ok {
		return recompute.Result{}
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
	s := gatewayStatus{view: v, options: u.options, ref: ref, object: gw, gw: listeners}
	s.today = listeners.Listeners
	s.judge()
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
	view    *recompute.View
	options Options
	ref     store.Ref
	object  *gatewayv1.Gateway
	// gw is the Gateway as it is served, today what its spec says now.
	gw    *Listeners
	today []Listener

	// vips are what it is served at.
	vips []frontend.VIP
	// unusable is why an address that it asks for cannot be had, or "".
	unusable string
	// refs are the broken references of listeners, by index.
	refs map[int]*refProblem
	// client is that of the client certificate for backends.
	client *refProblem
	// badAddress is an address type that there is not, or "".
	badAddress string
	// invalid are the names of listeners that are not accepted.
	invalid []string
	// progress is how far the proxies are with what is published.
	progress fact.Progress
}

// judge reads everything that the status tells of, and makes the frontends exist.
func (s *gatewayStatus) judge() {
	s.badAddress = unsupportedAddress(s.object)
	if s.badAddress == "" {
		s.unusable = readAddresses(s.view, s.options, &s.object.Spec, s.ref, s.gw.Scope).Unusable
	}
	s.vips, _, _ = recompute.Value[[]frontend.VIP](s.view, unitAddresses, s.ref.String())
	s.refs = map[int]*refProblem{}
	for i, l := range s.today {
		if l.Problem == nil && l.TLS {
			problem := listenerProblem(s.view, &s.object.Spec, s.object.Annotations[certmap], s.ref, &s.object.Spec.Listeners[i])
			if problem != nil {
				s.refs[i] = problem
			}
		}
		if l.Problem != nil || s.refs[i] != nil && s.refs[i].client {
			s.invalid = append(s.invalid, l.Name)
		}
	}
	_, s.client = readClientCertificate(s.view, &s.object.Spec, s.ref)
	s.awaitReferences()
	s.view.Unit(unitPorts, s.ref.String())
	backend.Default(s.view, s.gw.Scope, s.gw.Namespace, 404)
	backend.Default(s.view, s.gw.Scope, s.gw.Namespace, 500)
	s.progress, _ = recompute.Fact[fact.Progress](s.view, fact.ProgressOf(s.ref))
}

// awaitReferences has the status wait for what is not listed yet; what can be served is, meanwhile.
func (s *gatewayStatus) awaitReferences() {
	pending := s.client != nil && s.client.pending
	for _, p := range s.refs {
		pending = pending || p.pending
	}
	if pending {
		s.view.Hold()
	}
}

func (s *gatewayStatus) writes(conditions []metav1.Condition) []recompute.Write {
	status := &gatewayv1.GatewayStatus{Conditions: conditions, Listeners: s.listeners()}
	for _, vip := range s.vips {
		kind := gatewayv1.IPAddressType
		status.Addresses = append(status.Addresses, gatewayv1.GatewayStatusAddress{Type: &kind, Value: vip.Address})
	}
	out := []recompute.Write{
		{Ref: s.ref, Part: recompute.PartStatus, Value: status},
		finalizer.Of(s.view, s.ref, s.object, finalizerName),
		{Ref: s.ref, Part: recompute.PartAnnotations, Value: s.annotations()},
	}
	return append(out, s.events(conditions)...)
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
	for i, l := range s.today {
		switch {
		case l.Problem != nil:
			texts = append(texts, fmt.Sprintf("listener %q: %s", l.Name, l.Problem.Message))
		case s.refs[i] != nil:
			texts = append(texts, fmt.Sprintf("listener %q: %s", l.Name, s.refs[i].message))
		case l.BadKinds:
			texts = append(texts, fmt.Sprintf("listener %q: %s", l.Name, badKindsText))
		}
	}
	if s.client != nil {
		texts = append(texts, s.client.message)
	}
	return strings.Join(texts, "; ")
}
