package gateway

import (
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/spillway-lb/spillway/internal/recompute"
	"github.com/spillway-lb/spillway/internal/store"
)

// Serving is what a Gateway's status says of its being served, for those whose own being served depends on it.
type Serving struct {
	// Programmed is the status of the condition, Message why it is not True.
	Programmed metav1.ConditionStatus
	Message    string
	// Multi: it is a multi-cluster Gateway.
	Multi bool
	// Extensions are the resources that its target proxies name.
	Extensions []string
}

// Equal compares values.
func (s Serving) Equal(other any) bool {
	o, ok := other.(Serving)
	return ok && s.Programmed == o.Programmed && s.Message == o.Message && s.Multi == o.Multi && slices.Equal(s.Extensions, o.Extensions)
}

// ServingOf reads what a Gateway's status says; ok is false if it is not there or not ours.
func ServingOf(v *recompute.View, gateway store.Ref) (s Serving, ok bool) {
	s, ok, _ = recompute.Value[Serving](v, unitGateway, gateway.String())
	return s, ok
}

func (s *gatewayStatus) serving(conditions []metav1.Condition) Serving {
	c := find(conditions, string(gatewayv1.GatewayConditionProgrammed))
	out := Serving{Programmed: c.Status, Message: c.Message, Multi: s.gw.Scope.Multi}
	for _, l := range s.gw.Serving {
		if port, ok := s.servedPort(l); ok {
			out.Extensions = append(out.Extensions, port.Extensions...)
		}
	}
	slices.Sort(out.Extensions)
	out.Extensions = slices.Compact(out.Extensions)
	return out
}
