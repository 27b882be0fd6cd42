package gateway

import (
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
	gatewayv1beta1 "sigs.k8s.io/gateway-api/apis/v1beta1"

	"github.com/spillway-lb/spillway/internal/recompute"
	"github.com/spillway-lb/spillway/internal/store"
)

// reference is from an object to another one, perhaps of another namespace.
type reference struct {
	cluster                  string
	fromKind, fromNamespace  string // of the Gateway API's group
	group, kind              string
	targetNamespace, toNamed string
}

// permitted tells whether the reference stays in its namespace or a ReferenceGrant of the target's namespace allows it.
func permitted(v *recompute.View, r reference) bool {
	if r.fromNamespace == r.targetNamespace {
		return true
	}
	for _, ref := range v.List(KindReferenceGrant, r.cluster, r.targetNamespace) {
		if spec := grantSpec(v, ref); spec != nil && grants(spec, r) {
			return true
		}
	}
	return false
}

// grantSpec reads a grant of either version; they are the same.
func grantSpec(v *recompute.View, ref store.Ref) *gatewayv1.ReferenceGrantSpec {
	switch grant := v.Get(ref).(type) {
	case *gatewayv1.ReferenceGrant:
		return &grant.Spec
	case *gatewayv1beta1.ReferenceGrant:
		return &grant.Spec
	}
	return nil
}

func grants(spec *gatewayv1.ReferenceGrantSpec, r reference) bool {
	from := false
	for _, f := range spec.From {
		from = from || string(f.Group) == groupGateway && string(f.Kind) == r.fromKind && string(f.Namespace) == r.fromNamespace
	}
	if !from {
		return false
	}
	for _, to := range spec.To {
		if string(to.Group) == r.group && string(to.Kind) == r.kind && (to.Name == nil || string(*to.Name) == r.toNamed) {
			return true
		}
	}
	return false
}
