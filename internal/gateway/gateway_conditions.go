package gateway

import (
	"fmt"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/spillway-lb/spillway/internal/fact"
	"github.com/spillway-lb/spillway/internal/kind"
)

// Conditions that GKE has beyond the Gateway API's, with their texts.
const (
	// These three are deprecated in the Gateway API, so its package does not want them used.
	conditionScheduled, reasonScheduled = "Scheduled", "Scheduled"
	conditionReady, reasonReady         = "Ready", "Ready"
	conditionDetached                   = "Detached"

	conditionHealthy = "networking.gke.io/GatewayHealthy"

	scheduledText = "The OSS Gateway API has deprecated this condition, do not depend on it."
	readyText     = `The OSS Gateway API has altered the "Ready" condition semantics and reserved it for future use.  ` +
		`GKE Gateway will stop emitting it in a future update, use "Programmed" instead.`
	detachedText = "The Detached condition has been deprecated by the OSS API, use Accepted instead."

	badKindsText = "allowedRoutes.kinds names kinds other than HTTPRoute and GRPCRoute"

	reasonNotReady = "NotReady"
	pendingText    = "waiting for the proxies to serve it"
)

// conditions are the Gateway's, in GKE's order.
func (s *gatewayStatus) conditions() []metav1.Condition {
	programmed := s.programmedCondition()
	ready := condition(s.object.Generation, conditionReady, true, reasonReady, readyText)
	healthy := condition(s.object.Generation, conditionHealthy, true, "Healthy", "")
	if programmed.Status != metav1.ConditionTrue {
		ready.Status, ready.Reason = metav1.ConditionFalse, reasonNotReady
		healthy.Status, healthy.Reason = metav1.ConditionFalse, "Error"
		healthy.Message = fmt.Sprintf("Gateway: %s : %s", programmed.Reason, programmed.Message)
	}
	out := []metav1.Condition{
		condition(s.object.Generation, conditionScheduled, true, reasonScheduled, scheduledText),
		s.acceptedCondition(), programmed, ready, healthy,
	}
	return append(out, s.tlsConditions()...)
}

func (s *gatewayStatus) acceptedCondition() metav1.Condition {
	c := condition(s.object.Generation, string(gatewayv1.GatewayConditionAccepted), true, string(gatewayv1.GatewayReasonAccepted), "")
	switch {
	case s.badAddress != "":
		c.Status, c.Reason = metav1.ConditionFalse, string(gatewayv1.GatewayReasonUnsupportedAddress)
		c.Message = s.addressText()
	case hasParameters(s.object):
		r := s.object.Spec.Infrastructure.ParametersRef
		c.Status, c.Reason = metav1.ConditionFalse, string(gatewayv1.GatewayReasonInvalidParameters)
		c.Message = fmt.Sprintf("infrastructure.parametersRef: kind %q of group %q is not supported", r.Kind, r.Group)
	case len(s.invalid) == len(s.today):
		c.Status, c.Reason = metav1.ConditionFalse, string(gatewayv1.GatewayReasonListenersNotValid)
		c.Message = "no listener is accepted: " + strings.Join(s.invalid, ", ")
	case len(s.invalid) > 0:
		c.Reason, c.Message = string(gatewayv1.GatewayReasonListenersNotValid), "listeners that are not accepted: "+strings.Join(s.invalid, ", ")
	}
	if scope := s.object.Spec.DefaultScope; scope != "" && scope != gatewayv1.GatewayDefaultScopeNone {
		c.Message = join(c.Message, fmt.Sprintf(
			"defaultScope %q is not supported and changes nothing: only routes that name the Gateway attach to it", scope))
	}
	return c
}

func (s *gatewayStatus) addressText() string {
	return fmt.Sprintf("Error GWCER106: Gateway %q is invalid, err: unsupported address type %q", s.ref.Namespace+"/"+s.ref.Name, s.badAddress)
}

func (s *gatewayStatus) programmedCondition() metav1.Condition {
	c := condition(s.object.Generation, string(gatewayv1.GatewayConditionProgrammed), true, string(gatewayv1.GatewayReasonProgrammed), "")
	invalid := func(reason gatewayv1.GatewayConditionReason, message string) metav1.Condition {
		c.Status, c.Reason, c.Message = metav1.ConditionFalse, string(reason), message
		return c
	}
	switch accepted := s.acceptedCondition(); {
	case accepted.Status != metav1.ConditionTrue:
		return invalid(gatewayv1.GatewayReasonInvalid, accepted.Message)
	case s.unusable != "":
		return invalid(gatewayv1.GatewayReasonAddressNotUsable, "Error GWCER106: "+s.unusable)
	case len(s.vips) == 0:
		return invalid(gatewayv1.GatewayReasonAddressNotAssigned, "the Gateway has no location to be served in")
	case !s.anyServed():
		return invalid(gatewayv1.GatewayReasonInvalid, s.firstRefProblem())
	case len(s.progress.Refused) > 0:
		return invalid(gatewayv1.GatewayReasonInvalid, s.progress.String())
	case len(s.progress.Unbound) > 0:
		return invalid(gatewayv1.GatewayReasonAddressNotUsable, s.progress.String())
	case !s.progress.Done():
		c.Status, c.Reason, c.Message = metav1.ConditionUnknown, string(gatewayv1.GatewayReasonPending), s.progress.String()
	}
	return c
}

// tlsConditions are there only if the Gateway has spec.tls.
func (s *gatewayStatus) tlsConditions() []metav1.Condition {
	tls := s.object.Spec.TLS
	if tls == nil {
		return nil
	}
	var out []metav1.Condition
	if tls.Backend != nil && tls.Backend.ClientCertificateRef != nil {
		c := condition(s.object.Generation, string(gatewayv1.GatewayConditionResolvedRefs), true, string(gatewayv1.GatewayReasonResolvedRefs), "")
		if s.client != nil {
			c.Status, c.Reason, c.Message = metav1.ConditionFalse, s.client.reason, s.client.message
		}
		out = append(out, c)
	}
	for _, l := range s.today {
		if v := frontendValidation(&s.object.Spec, l.Port); l.TLS && v != nil && v.Mode == gatewayv1.AllowInsecureFallback {
			return append(out, condition(s.object.Generation, string(gatewayv1.GatewayConditionInsecureFrontendValidationMode), true,
				string(gatewayv1.GatewayReasonConfigurationChanged), "client certificates are validated in mode AllowInsecureFallback"))
		}
	}
	return out
}

// served tells whether a listener could be, as far as the Gateway's own spec and references go.
func (s *gatewayStatus) served(i int) bool {
	return s.today[i].Problem == nil && s.refs[i] == nil
}

func (s *gatewayStatus) anyServed() bool {
	for i := range s.today {
		if s.served(i) {
			return true
		}
	}
	return false
}

func (s *gatewayStatus) firstRefProblem() string {
	for i := range s.today {
		if s.refs[i] != nil {
			return s.refs[i].message
		}
	}
	return ""
}

// listeners are the statuses of the listeners, in the order of the spec.
func (s *gatewayStatus) listeners() []gatewayv1.ListenerStatus {
	var out []gatewayv1.ListenerStatus
	for i, l := range s.today {
		status := gatewayv1.ListenerStatus{
			Name: gatewayv1.SectionName(l.Name), SupportedKinds: []gatewayv1.RouteGroupKind{}, Conditions: s.listenerConditions(i),
			AttachedRoutes: int32(s.view.Count(tallyAttached, attachedKey(s.ref, l.Name))),
		}
		for _, k := range l.Kinds {
			group := gatewayv1.Group(kind.GroupGateway)
			status.SupportedKinds = append(status.SupportedKinds, gatewayv1.RouteGroupKind{Group: &group, Kind: gatewayv1.Kind(k)})
		}
		out = append(out, status)
	}
	return out
}

// listenerConditions are those of one listener, in GKE's order.
func (s *gatewayStatus) listenerConditions(i int) []metav1.Condition {
	l, refs, generation := &s.today[i], s.refs[i], s.object.Generation
	resolved := condition(generation, string(gatewayv1.ListenerConditionResolvedRefs), true, string(gatewayv1.ListenerReasonResolvedRefs), "")
	accepted := condition(generation, string(gatewayv1.ListenerConditionAccepted), true, string(gatewayv1.ListenerReasonAccepted), "")
	programmed := condition(generation, string(gatewayv1.ListenerConditionProgrammed), true, string(gatewayv1.ListenerReasonProgrammed), "")
	ready := condition(generation, conditionReady, true, reasonReady, readyText)
	switch {
	case refs != nil:
		resolved.Status, resolved.Reason, resolved.Message = metav1.ConditionFalse, refs.reason, refs.message
	case l.BadKinds:
		resolved.Status, resolved.Reason = metav1.ConditionFalse, string(gatewayv1.ListenerReasonInvalidRouteKinds)
		resolved.Message = badKindsText
	}
	switch {
	case s.badAddress != "":
		accepted.Status, accepted.Reason, accepted.Message = metav1.ConditionFalse, string(gatewayv1.GatewayReasonUnsupportedAddress), s.addressText()
	case l.Problem != nil:
		accepted.Status, accepted.Reason, accepted.Message = metav1.ConditionFalse, string(l.Problem.Reason), l.Problem.Message
	case refs != nil && refs.client:
		accepted.Status, accepted.Reason = metav1.ConditionFalse, string(gatewayv1.ListenerReasonNoValidCACertificate)
		accepted.Message = refs.message
	}
	s.setProgrammed(&programmed, i, accepted)
	if programmed.Status != metav1.ConditionTrue {
		ready.Status, ready.Reason = metav1.ConditionFalse, reasonNotReady
	}
	out := []metav1.Condition{resolved, accepted, programmed, ready}
	if l.Problem != nil && l.Problem.Conflicted {
		out = append(out, condition(generation, string(gatewayv1.ListenerConditionConflicted), true, string(l.Problem.Reason), l.Problem.Message))
	}
	if other := s.overlap(i); other != "" {
		out = append(out, condition(generation, string(gatewayv1.ListenerConditionOverlappingTLSConfig), true,
			string(gatewayv1.ListenerReasonOverlappingHostnames), "the hostname overlaps with that of listener "+other+
				" on the same port; a request on the other one's connection is answered with 421"))
	}
	if accepted.Status != metav1.ConditionTrue {
		out = append(out, condition(generation, conditionDetached, true, accepted.Reason, detachedText))
	}
	return out
}

// overlap is another TLS listener of the port whose hosts are also those of listener i, or "".
func (s *gatewayStatus) overlap(i int) string {
	l := &s.today[i]
	for j := range s.today {
		other := &s.today[j]
		if i != j && l.TLS && other.TLS && l.Port == other.Port && (covers(l.Host, other.Host) || covers(other.Host, l.Host)) {
			return other.Name
		}
	}
	return ""
}

// setProgrammed says whether a listener is served as it is written. One that a proxy does not listen for says so itself,
// its neighbours on other ports do not.
func (s *gatewayStatus) setProgrammed(c *metav1.Condition, i int, accepted metav1.Condition) {
	not := func(status metav1.ConditionStatus, reason gatewayv1.ListenerConditionReason, message string) {
		c.Status, c.Reason, c.Message = status, string(reason), message
	}
	unbound := s.unbound(s.today[i].Port)
	switch {
	case accepted.Status != metav1.ConditionTrue:
		not(metav1.ConditionFalse, gatewayv1.ListenerReasonInvalid, accepted.Message)
	case s.refs[i] != nil:
		not(metav1.ConditionFalse, gatewayv1.ListenerReasonInvalid, s.refs[i].message)
	case s.unusable != "":
		not(metav1.ConditionFalse, gatewayv1.ListenerReasonInvalid, s.unusable)
	case hasParameters(s.object):
		not(metav1.ConditionFalse, gatewayv1.ListenerReasonInvalid, "the Gateway is not accepted")
	case len(s.progress.Refused) > 0:
		not(metav1.ConditionFalse, gatewayv1.ListenerReasonInvalid, fact.Progress{Refused: s.progress.Refused}.String())
	case unbound != "":
		not(metav1.ConditionFalse, gatewayv1.ListenerReasonPortUnavailable, unbound)
	case !s.progress.Taken():
		not(metav1.ConditionUnknown, gatewayv1.ListenerReasonPending, fact.Progress{Ready: s.progress.Ready, Total: s.progress.Total}.String())
	default:
		c.Message = s.elsewhere(s.today[i].Port)
	}
}

// elsewhere are the addresses that took the place of a port, or "".
func (s *gatewayStatus) elsewhere(port int32) string {
	var texts []string
	for _, e := range s.progress.Elsewhere {
		if e.Port == uint32(port) {
			texts = append(texts, e.String())
		}
	}
	return strings.Join(texts, "; ")
}

// unbound are the addresses of a port that proxies do not listen on, or "".
func (s *gatewayStatus) unbound(port int32) string {
	var texts []string
	for _, u := range s.progress.Unbound {
		if u.Port == uint32(port) {
			texts = append(texts, u.String())
		}
	}
	return strings.Join(texts, "; ")
}

// join puts texts behind each other, of which some may be empty.
func join(texts ...string) string {
	return strings.Join(slices.DeleteFunc(texts, func(t string) bool { return t == "" }), "; ")
}
