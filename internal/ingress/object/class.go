package object

import ingressv1 "k8s.io/api/networking/v1"

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
