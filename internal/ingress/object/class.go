package object

import (
	ingressv1 "k8s.io/api/networking/v1"

	"github.com/spillway-lb/spillway/internal/kind"
	"github.com/spillway-lb/spillway/internal/store"
)

// Controller stands in IngressClasses that are ours. GKE knows no IngressClasses; other tools expect one.
const Controller = "spillway.dev/ingress"

// The classes, as the annotation names them.
const (
	ClassExternal = "gce"
	ClassInternal = "gce-internal"
)

// ClassAnnotation is the older way to name a class; an API server takes one of the two.
const ClassAnnotation = "kubernetes.io/ingress.class"

// The fields that name a class, as paths.
const (
	FieldAnnotation = "metadata.annotations[" + ClassAnnotation + "]"
	FieldClassName  = "spec.ingressClassName"
)

// Class is what an Ingress says of its class, and where; field is "" if it says nothing. As in GKE the annotation is all that counts.
func Class(in *ingressv1.Ingress) (name, field string) {
	if named := in.Annotations[ClassAnnotation]; named != "" {
		return named, FieldAnnotation
	}
	if in.Spec.IngressClassName != nil {
		return *in.Spec.IngressClassName, FieldClassName
	}
	return "", ""
}

// Getter returns an object, nil if it is not there: a View's, or that of InSnapshot.
type Getter func(store.Ref) store.Object

// InSnapshot reads the objects of a snapshot.
func InSnapshot(s *store.Snapshot) Getter {
	return func(ref store.Ref) store.Object {
		if e := s.Get(ref); e != nil {
			return e.Object
		}
		return nil
	}
}

// ClassOf is the class that an Ingress is served as, one of the two; ok is false for one of another controller. One with neither
// annotation nor class is external, as in GKE; an IngressClass whose controller is ours is one of the two by its name.
func ClassOf(get Getter, cluster string, in *ingressv1.Ingress) (class string, ok bool) {
	name, field := Class(in)
	switch {
	case field == "":
		return ClassExternal, true
	case field == FieldAnnotation && (name == ClassExternal || name == ClassInternal):
		return name, true
	}
	o, ok := get(store.Ref{Cluster: cluster, Kind: kind.IngressClass, Name: name}).(*ingressv1.IngressClass)
	switch {
	case !ok || o.Spec.Controller != Controller:
		return "", false
	case name == ClassInternal:
		return ClassInternal, true
	}
	return ClassExternal, true
}
