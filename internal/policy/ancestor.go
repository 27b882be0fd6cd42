package policy

import (
	"cmp"

	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/spillway-lb/spillway/internal/fact"
	"github.com/spillway-lb/spillway/internal/recompute"
	"github.com/spillway-lb/spillway/internal/store"
	"github.com/spillway-lb/spillway/internal/unitkey"
)

const (
	// tallyAncestors has the Gateways that use a target, with the controllers of their classes.
	tallyAncestors = "policy.ancestors"
	// tallyControllers has the controllers of these classes alone.
	tallyControllers = "policy.controllers"
)

// ancestor is a Gateway that uses a target. The controller of its class is who speaks of it.
type ancestor struct {
	gateway    store.Ref
	controller gatewayv1.GatewayController
}

// AncestorTallies tell the policies of a target that a Gateway uses it.
func AncestorTallies(t Target, gateway store.Ref, controller gatewayv1.GatewayController) []recompute.Tally {
	return []recompute.Tally{
		{Index: tallyAncestors, Key: t.key(), Member: unitkey.Join(gateway.String(), string(controller))},
		{Index: tallyControllers, Key: t.key(), Member: string(controller)},
	}
}

func ancestorOf(member string) ancestor {
	parts, ok := unitkey.Split(member, 2)
	if !ok {
		return ancestor{}
	}
	gateway, _ := store.ParseRef(parts[0])
	return ancestor{gateway, gatewayv1.GatewayController(parts[1])}
}

func compareAncestors(a, b ancestor) int {
	return cmp.Or(cmp.Compare(a.gateway.String(), b.gateway.String()), cmp.Compare(a.controller, b.controller))
}

// DefaultController is who speaks of what no Gateway of a class is concerned with.
func DefaultController(v *recompute.View) gatewayv1.GatewayController {
	return gatewayv1.GatewayController(fact.Controllers(v)[0])
}

// controllersOf are those who speak of a target itself: the controllers of the classes whose Gateways use it.
func controllersOf(v *recompute.View, t Target) []gatewayv1.GatewayController {
	var out []gatewayv1.GatewayController
	for _, name := range v.First(tallyControllers, t.key(), len(fact.Controllers(v))) {
		out = append(out, gatewayv1.GatewayController(name))
	}
	if len(out) == 0 {
		return []gatewayv1.GatewayController{DefaultController(v)}
	}
	return out
}
