package gateway

import (
	"fmt"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/spillway-lb/spillway/internal/recompute"
	"github.com/spillway-lb/spillway/internal/store"
)

// unitVerdict is the unit kind of what is wrong with a Gateway, whatever its routes and the proxies do. Its key is the
// Gateway's Ref, its value a *verdict. It stands apart from the Gateway's status because those of its ListenerSets read it, too.
const unitVerdict = "gateway.verdict"

// verdict is what is wrong with a Gateway.
type verdict struct {
	// accepted is the Gateway's condition.
	accepted metav1.Condition
	// unusable is why an address that it asks for cannot be had, or "".
	unusable string
	// refs are the broken references of its own listeners, by their names.
	refs map[string]*refProblem
	// client is that of the client certificate for backends.
	client *refProblem
	// refused is why its class cannot have it, or nil: an address type or a mode of TLS.
	refused *gatewayProblem
	// parameters: it refers to parameters, of which there is no kind.
	parameters bool
	// pending: a reference leads to what is not listed yet.
	pending bool
}

func verdictOf(v *recompute.View, gateway store.Ref) (*verdict, bool) {
	value, ok, _ := recompute.Value[*verdict](v, unitVerdict, gateway.String())
	return value, ok
}

type verdictUnit struct {
	options Options
}

func (u verdictUnit) translate(v *recompute.View, key string) recompute.Result {
	ref, _ := store.ParseRef(key)
	gw, ok := wantedGateway(v, ref)
	if !ok {
		return recompute.Result{}
	}
	listeners, ok, held := ListenersOf(v, ref)
	if !ok {
		return heldOrAbsent(held)
	}
	value := &verdict{refs: map[string]*refProblem{}, parameters: hasParameters(gw)}
	if value.refused = refusedGateway(gw, listeners.Strict); value.refused == nil {
		value.unusable = readAddresses(v, u.options, &gw.Spec, ref, listeners.Scope).Unusable
	}
	var invalid []string
	own := listeners.own()
	for _, l := range own {
		// What is held may be of another version, which has other listeners.
		at := slices.IndexFunc(gw.Spec.Listeners, func(x gatewayv1.Listener) bool { return string(x.Name) == l.Name })
		if l.Problem == nil && l.TLS && at >= 0 {
			source := listenerSource{
				listener: &gw.Spec.Listeners[at], ref: ref, tls: gw.Spec.TLS, holder: ref, certmap: gw.Annotations[certmap],
			}
			if problem := source.problem(v); problem != nil {
				value.refs[l.Name] = problem
			}
		}
		if l.Problem != nil || value.refs[l.Name] != nil && value.refs[l.Name].client {
			invalid = append(invalid, l.Name)
		}
	}
	_, value.client = readClientCertificate(v, &gw.Spec, ref)
	value.pending = value.client != nil && value.client.pending
	for _, p := range value.refs {
		value.pending = value.pending || p.pending
	}
	value.accepted = value.judge(gw, invalid, len(own))
	return recompute.Result{State: recompute.Present, Value: value}
}

// judge is the condition Accepted of a Gateway of which some of its n listeners are invalid.
func (d *verdict) judge(gw *gatewayv1.Gateway, invalid []string, n int) metav1.Condition {
	c := condition(gw.Generation, string(gatewayv1.GatewayConditionAccepted), true, string(gatewayv1.GatewayReasonAccepted), "")
	switch {
	case d.refused != nil:
		c.Status, c.Reason, c.Message = metav1.ConditionFalse, d.refused.reason, d.refused.message
	case d.parameters:
		r := gw.Spec.Infrastructure.ParametersRef
		c.Status, c.Reason = metav1.ConditionFalse, string(gatewayv1.GatewayReasonInvalidParameters)
		c.Message = fmt.Sprintf("infrastructure.parametersRef: kind %q of group %q is not supported", r.Kind, r.Group)
	case len(invalid) == n:
		c.Status, c.Reason = metav1.ConditionFalse, string(gatewayv1.GatewayReasonListenersNotValid)
		c.Message = "no listener is accepted: " + strings.Join(invalid, ", ")
	case len(invalid) > 0:
		c.Reason, c.Message = string(gatewayv1.GatewayReasonListenersNotValid), "listeners that are not accepted: "+strings.Join(invalid, ", ")
	}
	if scope := gw.Spec.DefaultScope; scope != "" && scope != gatewayv1.GatewayDefaultScopeNone {
		c.Message = join(c.Message, fmt.Sprintf(
			"defaultScope %q is not supported and changes nothing: only routes that name the Gateway attach to it", scope))
	}
	return c
}
