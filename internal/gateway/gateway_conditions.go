package gateway

import (
	"fmt"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
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
		s.accepted, programmed, ready, healthy,
	}
	return append(out, s.tlsConditions()...)
}

func (s *gatewayStatus) programmedCondition() metav1.Condition {
	c := condition(s.object.Generation, string(gatewayv1.GatewayConditionProgrammed), true, string(gatewayv1.GatewayReasonProgrammed), "")
	invalid := func(reason gatewayv1.GatewayConditionReason, message string) metav1.Condition {
		c.Status, c.Reason, c.Message = metav1.ConditionFalse, string(reason), message
		return c
	}
	switch {
	case s.accepted.Status != metav1.ConditionTrue:
		return invalid(gatewayv1.GatewayReasonInvalid, s.accepted.Message)
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
		if v := frontendValidation(s.object.Spec.TLS, l.Port); l.TLS && v != nil && v.Mode == gatewayv1.AllowInsecureFallback {
			return append(out, condition(s.object.Generation, string(gatewayv1.GatewayConditionInsecureFrontendValidationMode), true,
				string(gatewayv1.GatewayReasonConfigurationChanged), "client certificates are validated in mode AllowInsecureFallback"))
		}
	}
	return out
}

// served tells whether a listener could be, as far as the Gateway's own spec and references go.
func (s *gatewayStatus) served(i int) bool {
	return s.today[i].Problem == nil && s.refs[s.today[i].Name] == nil
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
		if p := s.refs[s.today[i].Name]; p != nil {
			return p.message
		}
	}
	return ""
}

// listeners are the statuses of the listeners, in the order of the spec.
func (s *gatewayStatus) listeners() []gatewayv1.ListenerStatus {
	var out []gatewayv1.ListenerStatus
	for i := range s.today {
		l := listenerStatus{
			verdict: s.verdict, generation: s.object.Generation, progress: s.progress, Listener: &s.today[i], refs: s.refs[s.today[i].Name], all: s.gw.Listeners,
		}
		out = append(out, gatewayv1.ListenerStatus{
			Name: gatewayv1.SectionName(l.Name), SupportedKinds: l.supportedKinds(), Conditions: l.conditionsOfGKE(),
			AttachedRoutes: int32(s.view.Count(tallyAttached, attachedKey(s.ref, l.ID()))),
		})
	}
	return out
}

// join puts texts behind each other, of which some may be empty.
func join(texts ...string) string {
	return strings.Join(slices.DeleteFunc(texts, func(t string) bool { return t == "" }), "; ")
}
