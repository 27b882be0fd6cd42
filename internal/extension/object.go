package extension

import (
	networkingv1 "github.com/spillway-lb/spillway/api/networking/v1"
	"github.com/spillway-lb/spillway/internal/kind"
	"github.com/spillway-lb/spillway/internal/recompute"
	"github.com/spillway-lb/spillway/internal/store"
)

// specOf is the spec of either kind, empty for anything else.
func specOf(o store.Object) *networkingv1.ExtensionSpec {
	switch o := o.(type) {
	case *networkingv1.GCPRoutingExtension:
		return &o.Spec
	case *networkingv1.GCPTrafficExtension:
		return &o.Spec
	}
	return &networkingv1.ExtensionSpec{}
}

// read reads an extension, nil if there is none.
func read(v *recompute.View, ref store.Ref) store.Object {
	switch o := v.Get(ref).(type) {
	case *networkingv1.GCPRoutingExtension, *networkingv1.GCPTrafficExtension:
		return o
	}
	return nil
}

// targetOf is the Gateway that a reference names; ok is false for one that names no Gateway.
func targetOf(extension store.Ref, t networkingv1.LocalPolicyTargetReference) (gateway store.Ref, ok bool) {
	gateway = store.Ref{Cluster: extension.Cluster, Kind: kind.Gateway, Namespace: extension.Namespace, Name: t.Name}
	return gateway, kind.Join(t.Kind, t.Group) == kind.Gateway
}

// nameOf is what messages call an object, NAMESPACE/NAME.
func nameOf(ref store.Ref) string { return ref.Namespace + "/" + ref.Name }

func value[T any](p *T) (v T) {
	if p != nil {
		v = *p
	}
	return v
}
