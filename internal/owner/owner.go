// Package owner says in the load balancer model which Kubernetes object a resource was made for.
//
// In: an object's store.Ref. Out: its lb.v1.Owner, and back. What is said of a resource (that proxies took it, that one
// refused it) is told to its owner; descriptions are for people and are never read back.
//
//	rule.Owner = owner.Of(gatewayRef)
//	ref, ok := owner.Ref(rule.GetOwner())
package owner

import (
	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
	"github.com/spillway-lb/spillway/internal/store"
)

// Of is the owner that an object is. It may be shared by any number of resources.
func Of(ref store.Ref) *lbv1.Owner {
	return &lbv1.Owner{Cluster: ref.Cluster, Kind: ref.Kind, Namespace: ref.Namespace, Name: ref.Name}
}

// Ref is the inverse of Of; ok is false for a resource without an owner.
func Ref(o *lbv1.Owner) (ref store.Ref, ok bool) {
	return store.Ref{Cluster: o.GetCluster(), Kind: o.GetKind(), Namespace: o.GetNamespace(), Name: o.GetName()}, o.GetKind() != ""
}
