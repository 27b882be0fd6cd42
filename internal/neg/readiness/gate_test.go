package readiness_test

import (
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/spillway-lb/spillway/internal/neg/readiness"
)

func service(annotation string) *corev1.Service {
	s := &corev1.Service{
		ObjectMeta: metav1.ObjectMeta{Namespace: "n", Name: "s"},
		Spec:       corev1.ServiceSpec{Selector: map[string]string{"run": "app"}, Ports: []corev1.ServicePort{{Port: 80}}},
	}
	if annotation != "" {
		s.Annotations = map[string]string{"cloud.google.com/neg": annotation}
	}
	return s
}

func pod() *corev1.Pod {
	return &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: "n", Name: "p", Labels: map[string]string{"run": "app", "v": "1"}}}
}

func TestWhichPodsGetTheGate(t *testing.T) {
	always := func(*corev1.Service) bool { return true }
	for name, c := range map[string]struct {
		service  *corev1.Service
		edit     func(*corev1.Pod, *corev1.Service)
		referred func(*corev1.Service) bool
		want     bool
	}{
		"asked for, for Ingresses":            {service: service(`{"ingress":true}`), want: true},
		"an exposed port":                     {service: service(`{"exposed_ports":{"80":{}}}`), want: true},
		"an exposed port that is not there":   {service: service(`{"exposed_ports":{"81":{}}}`)},
		"not asked for, no Ingress":           {service: service("")},
		"not asked for, an Ingress refers":    {service: service(""), referred: always, want: true},
		"declined, an Ingress refers":         {service: service(`{"ingress":false}`), referred: always},
		"no JSON":                             {service: service(`{"ingress":`), referred: always},
		"another label":                       {service: service(`{"ingress":true}`), edit: func(p *corev1.Pod, _ *corev1.Service) { p.Labels["run"] = "other" }},
		"no selector":                         {service: service(`{"ingress":true}`), edit: func(_ *corev1.Pod, s *corev1.Service) { s.Spec.Selector = nil }},
		"another namespace":                   {service: service(`{"ingress":true}`), edit: func(p *corev1.Pod, _ *corev1.Service) { p.Namespace = "m" }},
		"the namespace of the cluster itself": {service: service(`{"ingress":true}`), edit: func(p *corev1.Pod, s *corev1.Service) { p.Namespace, s.Namespace = "kube-system", "kube-system" }},
		"a gate written by hand": {service: service(`{"ingress":true}`), edit: func(p *corev1.Pod, _ *corev1.Service) {
			p.Spec.ReadinessGates = []corev1.PodReadinessGate{{ConditionType: readiness.Gate}}
		}},
	} {
		p := pod()
		if c.edit != nil {
			c.edit(p, c.service)
		}
		if got := readiness.Injects(p, []*corev1.Service{c.service}, c.referred); got != c.want {
			t.Errorf("%s: injects %t", name, got)
		}
	}
	if readiness.Injects(pod(), nil, nil) {
		t.Error("no Service, and a gate")
	}
}
