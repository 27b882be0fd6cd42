package ingress

import (
	ingressv1 "k8s.io/api/networking/v1"

	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
	"github.com/spillway-lb/spillway/internal/ingress/object"
	"github.com/spillway-lb/spillway/internal/kind"
	"github.com/spillway-lb/spillway/internal/store"
)

// Controller stands in IngressClasses that are ours. GKE knows no IngressClasses; other tools expect one.
const Controller = "spillway.dev/ingress"

// The classes, as the annotation names them.
const (
	classExternal = "gce"
	classInternal = "gce-internal"
)

// getter returns an object, nil if it is not there: a View's, or a snapshot's.
type getter func(store.Ref) store.Object

// classOf is the class of an Ingress; ok is false for one of another controller. As in GKE an annotation is all that counts,
// and an Ingress with neither annotation nor class is external; an IngressClass whose controller is ours is one of the two by
// its name.
func classOf(get getter, cluster string, in *ingressv1.Ingress) (class string, ok bool) {
	name, field := object.Class(in)
	switch {
	case field == "":
		return classExternal, true
	case field == object.FieldAnnotation && (name == classExternal || name == classInternal):
		return name, true
	}
	return classObject(get, cluster, name)
}

func classObject(get getter, cluster, name string) (class string, ok bool) {
	o, ok := get(store.Ref{Cluster: cluster, Kind: kind.IngressClass, Name: name}).(*ingressv1.IngressClass)
	if !ok || o.Spec.Controller != Controller {
		return "", false
	}
	if name == classInternal {
		return classInternal, true
	}
	return classExternal, true
}

func schemeOf(class string) lbv1.LoadBalancingScheme {
	if class == classInternal {
		return lbv1.LoadBalancingScheme_INTERNAL_MANAGED
	}
	return lbv1.LoadBalancingScheme_EXTERNAL
}
