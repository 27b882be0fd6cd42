// Package object reads an Ingress: what its user wrote, and the problems that were said of it. It knows nothing of how one is served, so
// that whoever checks or prints Ingresses can ask it, too.
//
//	name, field := object.Class(in)
//	object.EachBackend(&in.Spec, func(b *ingressv1.IngressBackend) { ... })
//	problems := object.ProblemsOf(written.Annotations)
package object
