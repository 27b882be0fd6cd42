package gateway

import (
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/spillway-lb/spillway/internal/fact"
	"github.com/spillway-lb/spillway/internal/kind"
	"github.com/spillway-lb/spillway/internal/store"
)

// listenerStatus gathers what is said of one listener, a Gateway's own or a ListenerSet's.
type listenerStatus struct {
	// verdict and progress are the Gateway's.
	*verdict
	progress fact.Progress
	*Listener
	// generation is that of the object that it stands in, refs what is wrong with its references.
	generation int64
	refs       *refProblem
	// all are the Gateway's listeners.
	all []Listener
}

// valid: it is served, or will be, as far as its own spec and references go.
func (s *listenerStatus) valid() bool { return s.Problem == nil && s.refs == nil }

func (s *listenerStatus) supportedKinds() []gatewayv1.RouteGroupKind {
	out := []gatewayv1.RouteGroupKind{}
	for _, k := range s.Kinds {
		group := gatewayv1.Group(kind.GroupGateway)
		out = append(out, gatewayv1.RouteGroupKind{Group: &group, Kind: gatewayv1.Kind(k)})
	}
	return out
}

func (s *listenerStatus) condition(kind, reason string) metav1.Condition {
	return condition(s.generation, kind, true, reason, "")
}

// resolved is the condition ResolvedRefs.
func (s *listenerStatus) resolved() metav1.Condition {
	c := s.condition(string(gatewayv1.ListenerConditionResolvedRefs), string(gatewayv1.ListenerReasonResolvedRefs))
	switch {
	case s.refs != nil:
		c.Status, c.Reason, c.Message = metav1.ConditionFalse, s.refs.reason, s.refs.message
	case s.BadKinds != "":
		c.Status, c.Reason, c.Message = metav1.ConditionFalse, string(gatewayv1.ListenerReasonInvalidRouteKinds), s.BadKinds
	}
	return c
}

// accepting is the condition Accepted.
func (s *listenerStatus) accepting() metav1.Condition {
	c := s.condition(string(gatewayv1.ListenerConditionAccepted), string(gatewayv1.ListenerReasonAccepted))
	switch {
	case s.refused != nil:
		c.Status, c.Reason, c.Message = metav1.ConditionFalse, s.refused.reason, s.refused.message
	case s.Problem != nil:
		c.Status, c.Reason, c.Message = metav1.ConditionFalse, string(s.Problem.Reason), s.Problem.Message
	case s.refs != nil && s.refs.client:
		c.Status, c.Reason, c.Message = metav1.ConditionFalse, string(gatewayv1.ListenerReasonNoValidCACertificate), s.refs.message
	}
	return c
}

// conditions are those of the Gateway API.
func (s *listenerStatus) conditions() []metav1.Condition {
	accepted := s.accepting()
	return append([]metav1.Condition{s.resolved(), accepted, s.programmed(accepted)}, s.neighbours()...)
}

// conditionsOfGKE are all that GKE has, in its order.
func (s *listenerStatus) conditionsOfGKE() []metav1.Condition {
	accepted := s.accepting()
	programmed := s.programmed(accepted)
	ready := condition(s.generation, conditionReady, true, reasonReady, readyText)
	if programmed.Status != metav1.ConditionTrue {
		ready.Status, ready.Reason = metav1.ConditionFalse, reasonNotReady
	}
	out := append([]metav1.Condition{s.resolved(), accepted, programmed, ready}, s.neighbours()...)
	if accepted.Status != metav1.ConditionTrue {
		out = append(out, condition(s.generation, conditionDetached, true, accepted.Reason, detachedText))
	}
	return out
}

// neighbours are the conditions about other listeners of the port, of which there may be none.
func (s *listenerStatus) neighbours() []metav1.Condition {
	var out []metav1.Condition
	if s.Problem != nil && s.Problem.Conflicted {
		out = append(out, condition(s.generation, string(gatewayv1.ListenerConditionConflicted), true, string(s.Problem.Reason), s.Problem.Message))
	}
	if other := s.overlap(); other != "" {
		out = append(out, condition(s.generation, string(gatewayv1.ListenerConditionOverlappingTLSConfig), true,
			string(gatewayv1.ListenerReasonOverlappingHostnames), "the hostname overlaps with that of "+other+
				" on the same port; a request on the other one's connection is answered with 421"))
	}
	return out
}

// overlap is another TLS listener of the port whose hosts are also those of this one, or "". Whose a listener of another object
// is, is not told to all who may read this one.
func (s *listenerStatus) overlap() string {
	l := s.Listener
	for i := range s.all {
		other := &s.all[i]
		if other.ID() == l.ID() || !l.TLS || !other.TLS || l.Port != other.Port || !covers(l.Host, other.Host) && !covers(other.Host, l.Host) {
			continue
		}
		switch {
		case other.Set == l.Set:
			return "listener " + other.Name
		case other.Problem != nil: // it has given way
		case other.Set == (store.Ref{}):
			return "a listener of the Gateway"
		default:
			return "a listener of another ListenerSet"
		}
	}
	return ""
}

// programmed says whether the listener is served as it is written. One that a proxy does not listen for says so itself,
// its neighbours on other ports do not.
func (s *listenerStatus) programmed(accepted metav1.Condition) metav1.Condition {
	c := s.condition(string(gatewayv1.ListenerConditionProgrammed), string(gatewayv1.ListenerReasonProgrammed))
	not := func(status metav1.ConditionStatus, reason gatewayv1.ListenerConditionReason, message string) metav1.Condition {
		c.Status, c.Reason, c.Message = status, string(reason), message
		return c
	}
	unbound := unbound(s.progress, s.Port)
	switch {
	case s.Problem != nil && s.Problem.Conflicted && s.Set != (store.Ref{}):
		return not(metav1.ConditionFalse, s.Problem.Reason, accepted.Message) // as the conformance suite has it
	case accepted.Status != metav1.ConditionTrue:
		return not(metav1.ConditionFalse, gatewayv1.ListenerReasonInvalid, accepted.Message)
	case s.refs != nil:
		return not(metav1.ConditionFalse, gatewayv1.ListenerReasonInvalid, s.refs.message)
	case s.unusable != "":
		return not(metav1.ConditionFalse, gatewayv1.ListenerReasonInvalid, s.unusable)
	case s.parameters, s.Set != (store.Ref{}) && s.accepted.Status != metav1.ConditionTrue:
		return not(metav1.ConditionFalse, gatewayv1.ListenerReasonInvalid, "the Gateway is not accepted")
	case len(s.progress.Refused) > 0:
		return not(metav1.ConditionFalse, gatewayv1.ListenerReasonInvalid, fact.Progress{Refused: s.progress.Refused}.String())
	case unbound != "":
		return not(metav1.ConditionFalse, gatewayv1.ListenerReasonPortUnavailable, unbound)
	case !s.progress.Taken():
		return not(metav1.ConditionUnknown, gatewayv1.ListenerReasonPending, fact.Progress{Ready: s.progress.Ready, Total: s.progress.Total}.String())
	}
	c.Message = elsewhere(s.progress, s.Port)
	return c
}

// elsewhere are the addresses that took the place of a port, or "".
func elsewhere(progress fact.Progress, port int32) string {
	var texts []string
	for _, e := range progress.Elsewhere {
		if e.Port == uint32(port) {
			texts = append(texts, e.String())
		}
	}
	return strings.Join(texts, "; ")
}

// unbound are the addresses of a port that proxies do not listen on, or "".
func unbound(progress fact.Progress, port int32) string {
	var texts []string
	for _, u := range progress.Unbound {
		if u.Port == uint32(port) {
			texts = append(texts, u.String())
		}
	}
	return strings.Join(texts, "; ")
}
