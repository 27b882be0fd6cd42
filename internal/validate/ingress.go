package validate

import (
	corev1 "k8s.io/api/core/v1"
	ingressv1 "k8s.io/api/networking/v1"

	"github.com/spillway-lb/spillway/internal/ingress/object"
	"github.com/spillway-lb/spillway/internal/kind"
	"github.com/spillway-lb/spillway/internal/store"
)

// ingressBackends calls f for the Service ports that Ingresses of ours name and that are there: their problems say which
// are not.
func (w *world) ingressBackends(f func(target)) {
	w.snapshot.Walk(kind.Ingress, "", "", func(e *store.Entry) bool {
		in, ok := e.Object.(*ingressv1.Ingress)
		if !ok || e.Written == nil {
			return true
		}
		object.EachBackend(&in.Spec, func(b *ingressv1.IngressBackend) {
			if b.Service == nil {
				return
			}
			to := store.Ref{Cluster: e.Ref.Cluster, Kind: kind.Service, Namespace: e.Ref.Namespace, Name: b.Service.Name}
			if port, ok := w.portOf(to, &b.Service.Port); ok {
				f(target{service: to, port: port})
			}
		})
		return true
	})
}

// portOf is the number of a Service's port.
func (w *world) portOf(service store.Ref, want *ingressv1.ServiceBackendPort) (int32, bool) {
	e := w.snapshot.Get(service)
	if e == nil {
		return 0, false
	}
	s, ok := e.Object.(*corev1.Service)
	if !ok {
		return 0, false
	}
	i := object.PortIndex(s, want)
	if i < 0 {
		return 0, false
	}
	return s.Spec.Ports[i].Port, true
}
