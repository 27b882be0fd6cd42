package gateway

import (
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/spillway-lb/spillway/internal/fleet"
	"github.com/spillway-lb/spillway/internal/policy"
	"github.com/spillway-lb/spillway/internal/recompute"
	"github.com/spillway-lb/spillway/internal/scope"
	"github.com/spillway-lb/spillway/internal/store"
)

// Unit kinds whose values others may read.
const (
	UnitClass     = "gateway.class"
	UnitListeners = "gateway.listeners"

	unitGatewayClass = "gateway.gatewayclass"
)

// ListenersOf reads a Gateway as routes see it. ok is false if it is not there, not ours or ignored; held, that the
// reader must hold.
func ListenersOf(v *recompute.View, gateway store.Ref) (value *Listeners, ok, held bool) {
	return recompute.Value[*Listeners](v, UnitListeners, gateway.String())
}

// ControllerOf is who speaks of a Gateway: the controller of its class.
func ControllerOf(v *recompute.View, gateway store.Ref) gatewayv1.GatewayController {
	if gw, ok, _ := ListenersOf(v, gateway); ok {
		return gw.Controller
	}
	return policy.DefaultController(v)
}

// listenersUnit reads a Gateway as routes and frontends need it.
type listenersUnit struct {
	options Options
}

func (u listenersUnit) translate(v *recompute.View, key string) recompute.Result {
	ref, _ := store.ParseRef(key)
	gw, ok := wantedGateway(v, ref)
	if !ok {
		return recompute.Result{}
	}
	class, ok := classOf(v, gw, ref)
	if !ok {
		return recompute.Result{}
	}
	if class.Multi {
		switch config, held := fleet.ConfigCluster(v); {
		case held:
			return recompute.Result{State: recompute.Held}
		case config != ref.Cluster:
			return recompute.Result{}
		}
	}
	at, ok := servedOf(v, ref)
	if !ok {
		return recompute.Result{}
	}
	in := scope.Scope{Cluster: ref.Cluster, Multi: class.Multi, Scheme: class.Scheme, Client: clientOf(&at.Spec, ref)}
	if class.Reach == Regional {
		if in.Region, ok = regionOf(v, u.options, ref, class); !ok {
			return recompute.Result{}
		}
	}
	value := &Listeners{
		Scope: in, Class: string(gw.Spec.GatewayClassName), Controller: class.Controller, Strict: class.Strict, CrossRegional: class.Reach == CrossRegional, Namespace: ref.Namespace, Name: ref.Name, Project: fleet.MemberOf(v, ref.Cluster).ProjectNumber,
		Listeners: readListeners(gw.Spec.Listeners, judgeListeners(gw.Spec.Listeners), ref, in, class.Strict),
		Broken:    at.Broken || at.Held, Kept: at.Broken || at.Held || at.Kept,
	}
	value.Serving = value.Listeners
	switch {
	case at.Broken:
		value.Serving = nil
	case value.Kept:
		value.Serving = serving(readListeners(at.Spec.Listeners, at.Problems, ref, in, class.Strict), value.Listeners)
	}
	if class.Strict.on {
		return recompute.Result{State: recompute.Present, Value: value} // GKE has no ListenerSets
	}
	if sets := attachedSets(v, ref, gw.Spec.AllowedListeners); len(sets) > 0 {
		value.merge(ref, sets, at.Broken)
	}
	return recompute.Result{State: recompute.Present, Value: value}
}

func classOf(v *recompute.View, gw *gatewayv1.Gateway, ref store.Ref) (Class, bool) {
	return ClassOf(v, ref.Cluster, string(gw.Spec.GatewayClassName))
}

// clientOf names the Gateway if it presents a certificate to backends.
func clientOf(spec *gatewayv1.GatewaySpec, ref store.Ref) string {
	if spec.TLS != nil && spec.TLS.Backend != nil && spec.TLS.Backend.ClientCertificateRef != nil {
		return ref.Namespace + "/" + ref.Name
	}
	return ""
}

// hasParameters: there is no kind of parameters that a Gateway could refer to.
func hasParameters(gw *gatewayv1.Gateway) bool {
	return gw.Spec.Infrastructure != nil && gw.Spec.Infrastructure.ParametersRef != nil
}
