// Package refgrant says which objects may refer to what in another namespace.
//
// In: a reference, from an object of any group and kind to another one, and the ReferenceGrants of the target's namespace.
// Out: whether it is permitted. Deciding is pure; Permitted reads the grants through a view, so that a grant that goes
// wakes whoever relied on it.
//
//	ok := refgrant.Permitted(view, cluster,
//		refgrant.From{Group: "gateway.networking.k8s.io", Kind: "HTTPRoute", Namespace: "store"},
//		refgrant.To{Kind: "Service", Namespace: "other", Name: "backend"})
package refgrant

import (
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
	gatewayv1beta1 "sigs.k8s.io/gateway-api/apis/v1beta1"

	"github.com/spillway-lb/spillway/internal/fact"
	"github.com/spillway-lb/spillway/internal/kind"
	"github.com/spillway-lb/spillway/internal/recompute"
	"github.com/spillway-lb/spillway/internal/store"
)

// From is what refers.
type From struct {
	Group, Kind, Namespace string
}

// To is what is referred to. The core group is "".
type To struct {
	Group, Kind, Namespace, Name string
}

// Permitted tells whether the reference stays in its namespace or a ReferenceGrant of the target's namespace allows it. As long as
// grants are not listed yet, what none of those that are there allows has the unit held.
func Permitted(v *recompute.View, cluster string, from From, to To) bool {
	permitted, known := Permits(v, cluster, from, to)
	if !known {
		v.Hold()
	}
	return permitted
}

// Permits is Permitted for who must not be held: known is false where a grant that is not listed yet may allow the reference.
func Permits(v *recompute.View, cluster string, from From, to To) (permitted, known bool) {
	if from.Namespace == to.Namespace {
		return true, true
	}
	for _, ref := range v.List(kind.ReferenceGrant, cluster, to.Namespace) {
		if spec := specOf(v.Get(ref)); spec != nil && Allows(spec, from, to) {
			return true, true
		}
	}
	return false, !fact.Pending(v, cluster, kind.ReferenceGrant)
}

// specOf reads a grant of either version; they are the same.
func specOf(o store.Object) *gatewayv1.ReferenceGrantSpec {
	switch grant := o.(type) {
	case *gatewayv1.ReferenceGrant:
		return &grant.Spec
	case *gatewayv1beta1.ReferenceGrant:
		return &grant.Spec
	}
	return nil
}

// Allows tells whether a grant in the target's namespace is for the reference.
func Allows(spec *gatewayv1.ReferenceGrantSpec, from From, to To) bool {
	granted := false
	for _, f := range spec.From {
		granted = granted || string(f.Group) == from.Group && string(f.Kind) == from.Kind && string(f.Namespace) == from.Namespace
	}
	if !granted {
		return false
	}
	for _, t := range spec.To {
		if string(t.Group) == to.Group && string(t.Kind) == to.Kind && (t.Name == nil || string(*t.Name) == to.Name) {
			return true
		}
	}
	return false
}
