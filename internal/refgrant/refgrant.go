// Package refgrant says which objects may refer to what in another namespace.
//
// In: a reference, from an object of any group and kind to another one, and the ReferenceGrants of the target's namespace.
// Out: whether it is permitted, or that it is not known yet. Deciding is pure; Of reads the grants through a view, so that a
// grant that goes wakes whoever relied on it.
//
//	permission := refgrant.Of(view, cluster,
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
	"github.com/spillway-lb/spillway/internal/unitkey"
)

// From is what refers.
type From struct {
	Group, Kind, Namespace string
}

// To is what is referred to. The core group is "".
type To struct {
	Group, Kind, Namespace, Name string
}

// Permission is what ReferenceGrants make of a reference.
type Permission uint8

const (
	// Forbidden: no grant allows it.
	Forbidden Permission = iota
	// Permitted: it stays in its namespace, or a grant allows it.
	Permitted
	// Pending: the grants are on their way, and one of them may allow it.
	Pending
)

// Of tells whether the reference may be followed. It is of one reference: whoever has several goes on with the others.
func Of(v *recompute.View, cluster string, from From, to To) Permission {
	if from.Namespace == to.Namespace {
		return Permitted
	}
	p, ok := recompute.Known[Permission](v, unitPermission, permissionKey(cluster, from, to))
	if !ok {
		return Pending
	}
	return p
}

// unitPermission is the permission of references across namespaces. Its key is permissionKey's, its value a Permission.
const unitPermission = "refgrant.permission"

// Units returns the translators of this package by unit kind.
func Units() map[string]recompute.Translator {
	return map[string]recompute.Translator{unitPermission: translatePermission}
}

func permissionKey(cluster string, from From, to To) string {
	return unitkey.Join(cluster, from.Group, from.Kind, from.Namespace, to.Group, to.Kind, to.Namespace, to.Name)
}

// translatePermission remembers the grant that allowed the reference: after a restart it does so until the list of grants is there.
// A grant that was here and went allows nothing any more, list or no list.
func translatePermission(v *recompute.View, key string) recompute.Result {
	part, ok := unitkey.Split(key, 8)
	if !ok {
		return recompute.Result{}
	}
	from, to := From{part[1], part[2], part[3]}, To{part[4], part[5], part[6], part[7]}
	here := map[string]bool{}
	for _, ref := range v.List(kind.ReferenceGrant, part[0], to.Namespace) {
		here[ref.Name] = true
		if grant := v.Get(ref); allows(grant, from, to) {
			return recompute.Result{State: recompute.Present, Value: Permitted, Good: grant}
		}
	}
	if !fact.Pending(v, part[0], kind.ReferenceGrant) {
		return recompute.Result{State: recompute.Present, Value: Forbidden}
	}
	// A grant that is here says what it says today: what it allowed before counts no more.
	if grant := v.Unseen(); allows(grant, from, to) && !here[grant.GetName()] {
		return recompute.Result{State: recompute.Present, Value: Permitted, Good: grant}
	}
	return recompute.Result{State: recompute.Present, Value: Pending}
}

func allows(grant store.Object, from From, to To) bool {
	spec := specOf(grant)
	return spec != nil && Allows(spec, from, to)
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
