package controller_test

import (
	"testing"

	corev1 "k8s.io/api/core/v1"
	ingressv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/spillway-lb/spillway/internal/ingress"
	"github.com/spillway-lb/spillway/internal/neg/controller"
	"github.com/spillway-lb/spillway/internal/store"
)

// TestGatesOfWhatAnIngressNames: a Service that says nothing of groups has them as soon as an Ingress of ours names it, and so its
// Pods get the gate; an Ingress of another controller, or one that names another Service, changes nothing.
func TestGatesOfWhatAnIngressNames(t *testing.T) {
	named := func(name string) metav1.ObjectMeta { return metav1.ObjectMeta{Namespace: "store", Name: name} }
	service := func(annotation string) *corev1.Service {
		s := &corev1.Service{TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "Service"}, ObjectMeta: named("web")}
		s.Spec.Selector, s.Spec.Ports = map[string]string{"run": "web"}, []corev1.ServicePort{{Name: "http", Port: 80}}
		if annotation != "" {
			s.Annotations = map[string]string{"cloud.google.com/neg": annotation}
		}
		return s
	}
	naming := func(class, service string) *ingressv1.Ingress {
		in := &ingressv1.Ingress{TypeMeta: metav1.TypeMeta{APIVersion: "networking.k8s.io/v1", Kind: "Ingress"}, ObjectMeta: named("in")}
		in.Annotations = map[string]string{"kubernetes.io/ingress.class": class}
		in.Spec.DefaultBackend = &ingressv1.IngressBackend{Service: &ingressv1.IngressServiceBackend{
			Name: service, Port: ingressv1.ServiceBackendPort{Name: "http"},
		}}
		return in
	}
	pod := &corev1.Pod{ObjectMeta: named("p")}
	pod.Labels = map[string]string{"run": "web"}
	for name, c := range map[string]struct {
		service *corev1.Service
		in      *ingressv1.Ingress
		want    int
	}{
		"no Ingress":                      {service(""), nil, 0},
		"an Ingress names it":             {service(""), naming("gce", "web"), 1},
		"an internal Ingress names it":    {service(""), naming("gce-internal", "web"), 1},
		"an Ingress of another":           {service(""), naming("nginx", "web"), 0},
		"an Ingress names another":        {service(""), naming("gce", "other"), 0},
		"declined":                        {service(`{"ingress":false}`), naming("gce", "web"), 0},
		"asked for without an Ingress":    {service(`{"ingress":true}`), nil, 1},
		"a broken annotation, an Ingress": {service(`{`), naming("gce", "web"), 0},
	} {
		s := store.New(ingress.Indexes()...)
		s.Commit(func(tx *store.Tx) {
			tx.Put("c", c.service, "")
			if c.in != nil {
				tx.Put("c", c.in, "")
			}
		})
		if got := len(controller.Gates(s.Snapshot(), "c", pod)); got != c.want {
			t.Errorf("%s: %d gates, want %d", name, got, c.want)
		}
	}
}
