package gateway

import (
	"fmt"

	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
)

// gatewayProblem is why a Gateway is not accepted, none of its listeners either.
type gatewayProblem struct {
	// reason is that of the condition Accepted.
	reason, message string
}

// refusedGateway finds what the class of a Gateway does not have, or nil. It asks for nothing but the Gateway.
func refusedGateway(gw *gatewayv1.Gateway, strict strictness) *gatewayProblem {
	invalid := func(reason, text string) *gatewayProblem {
		return &gatewayProblem{reason, fmt.Sprintf("Error GWCER106: Gateway %q is invalid, err: %s", gw.Namespace+"/"+gw.Name, text)}
	}
	if kind := unsupportedAddress(gw, strict); kind != "" {
		return invalid(string(gatewayv1.GatewayReasonUnsupportedAddress), strict.address(kind))
	}
	if strict.on && fallsBack(gw) {
		return invalid(string(gatewayv1.GatewayReasonInvalid), "client certificate validation in mode AllowInsecureFallback is not supported")
	}
	return nil
}

// fallsBack tells whether a listener lets clients in whose certificate is not valid.
func fallsBack(gw *gatewayv1.Gateway) bool {
	for i := range gw.Spec.Listeners {
		l := &gw.Spec.Listeners[i]
		v := frontendValidation(gw.Spec.TLS, l.Port)
		if l.Protocol == gatewayv1.HTTPSProtocolType && v != nil && v.Mode == gatewayv1.AllowInsecureFallback {
			return true
		}
	}
	return false
}
