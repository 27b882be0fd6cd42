package gateway

import (
	"fmt"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
	"github.com/spillway-lb/spillway/internal/configuration"
	"github.com/spillway-lb/spillway/internal/fact"
	"github.com/spillway-lb/spillway/internal/kind"
	"github.com/spillway-lb/spillway/internal/recompute"
	"github.com/spillway-lb/spillway/internal/store"
	"github.com/spillway-lb/spillway/internal/unitkey"
)

// Reach says where a Gateway of a class is served.
type Reach uint8

const (
	// Global: one address in every region of the fleet.
	Global Reach = iota
	// CrossRegional: an address of its own in each region.
	CrossRegional
	// Regional: one region.
	Regional
)

// Class is what a class name means.
type Class struct {
	Name string
	// Controller is what statuses of its Gateways' routes and policies say who wrote them.
	Controller gatewayv1.GatewayController
	// Multi classes read the Gateways of the config cluster only, the others those of every cluster.
	Multi  bool
	Reach  Reach
	Scheme lbv1.LoadBalancingScheme
	// Strict is what GKE refuses to Gateways of the class.
	Strict strictness
	// Extends says which extensions Google's load balancers of the class run.
	Extends Extends
}

// Extends are the extensions that a class has.
type Extends struct {
	// Routing and Traffic are GCPRoutingExtensions and GCPTrafficExtensions, Wasm GCPWasmPlugins in the latter.
	Routing, Traffic, Wasm bool
}

// Superset is the class that makes no difference between Google's products: it takes Gateways of any cluster.
const Superset = "spillway"

// classes are Google's nine and ours. Each offers all features of routes; what they differ in is where they are served, and
// what extends them.
func classes() map[string]Class {
	all := map[string]Class{}
	regional := Extends{Routing: true, Traffic: true}
	for _, c := range []Class{
		{Name: "gke-l7-global-external-managed", Reach: Global, Scheme: lbv1.LoadBalancingScheme_EXTERNAL_MANAGED, Extends: Extends{Traffic: true, Wasm: true}},
		{Name: "gke-l7-regional-external-managed", Reach: Regional, Scheme: lbv1.LoadBalancingScheme_EXTERNAL_MANAGED, Extends: regional},
		{Name: "gke-l7-rilb", Reach: Regional, Scheme: lbv1.LoadBalancingScheme_INTERNAL_MANAGED, Extends: regional},
		{Name: "gke-l7-gxlb", Reach: Global, Scheme: lbv1.LoadBalancingScheme_EXTERNAL},
	} {
		c.Controller = kind.GKEController
		all[c.Name] = c
		c.Name, c.Multi, c.Extends.Wasm = c.Name+"-mc", true, false
		all[c.Name] = c
	}
	cross := Class{
		Name: "gke-l7-cross-regional-internal-managed-mc", Controller: kind.GKEController, Multi: true,
		Reach: CrossRegional, Scheme: lbv1.LoadBalancingScheme_INTERNAL_MANAGED, Extends: regional,
	}
	all[cross.Name] = cross
	all[Superset] = Class{
		Name: Superset, Controller: kind.GatewayController, Reach: Global, Scheme: lbv1.LoadBalancingScheme_EXTERNAL_MANAGED,
		Extends: Extends{Routing: true, Traffic: true, Wasm: true},
	}
	return all
}

// claimed tells whether GatewayClasses of a controller are ours.
func claimed(v *recompute.View, controller gatewayv1.GatewayController) bool {
	return fact.Claims(v, string(controller))
}

// classUnit finds out what a class name means in a cluster. The classes of GKE exist without a GatewayClass object, as
// they do on GKE, unless those are left to GKE; an object of ours with another name is the superset; one of another
// controller is not ours.
type classUnit struct {
	builtIn map[string]Class
}

func classKey(cluster, name string) string { return unitkey.Join(cluster, name) }

// ClassOf is what a class name means in a cluster; ok is false for one that is not ours.
func ClassOf(v *recompute.View, cluster, name string) (Class, bool) {
	return recompute.Known[Class](v, UnitClass, classKey(cluster, name)) // held until it is known whether it is strict
}

func (u classUnit) translate(v *recompute.View, key string) recompute.Result {
	parts, ok := unitkey.Split(key, 2)
	if !ok {
		return recompute.Result{}
	}
	cluster, name := parts[0], parts[1]
	class, known := u.builtIn[name]
	object, ok := recompute.Get[*gatewayv1.GatewayClass](v, store.Ref{Cluster: cluster, Kind: kind.GatewayClass, Name: name})
	if ok {
		if !claimed(v, object.Spec.ControllerName) {
			return recompute.Result{}
		}
		if !known {
			class = u.builtIn[Superset]
			class.Name = name
		}
		class.Controller = object.Spec.ControllerName
	} else if !known || !claimed(v, class.Controller) {
		return heldOrAbsent(fact.Pending(v, cluster, kind.GatewayClass))
	}
	if known && name != Superset && configuration.Strict(v) {
		class.Strict = strictnessOf(class)
	}
	return recompute.Result{State: recompute.Present, Value: class}
}

// translateGatewayClass writes the status of a GatewayClass of ours.
func translateGatewayClass(v *recompute.View, key string) recompute.Result {
	ref, _ := store.ParseRef(key)
	class, ok := recompute.Get[*gatewayv1.GatewayClass](v, ref)
	if !ok || !claimed(v, class.Spec.ControllerName) {
		return recompute.Result{}
	}
	accepted := condition(class.Generation, string(gatewayv1.GatewayClassConditionStatusAccepted), true, string(gatewayv1.GatewayClassReasonAccepted), "")
	if r := class.Spec.ParametersRef; r != nil {
		accepted.Status, accepted.Reason = metav1.ConditionFalse, string(gatewayv1.GatewayClassReasonInvalidParameters)
		accepted.Message = fmt.Sprintf("parametersRef: kind %q of group %q is not supported; the class's Gateways are served without it", r.Kind, r.Group)
	}
	kind, _ := ClassOf(v, ref.Cluster, ref.Name)
	status := &gatewayv1.GatewayClassStatus{
		Conditions: []metav1.Condition{accepted}, SupportedFeatures: kind.Strict.features(supportedFeatures()),
	}
	return recompute.Result{State: recompute.Present, Writes: []recompute.Write{{Ref: ref, Part: recompute.PartStatus, Value: status}}}
}
