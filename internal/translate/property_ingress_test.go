package translate_test

import (
	"fmt"
	"sync"

	corev1 "k8s.io/api/core/v1"
	ingressv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"pgregory.net/rapid"

	cloudv1 "github.com/spillway-lb/spillway/api/cloud/v1"
	networkingv1 "github.com/spillway-lb/spillway/api/networking/v1"
	networkingv1beta1 "github.com/spillway-lb/spillway/api/networking/v1beta1"
	"github.com/spillway-lb/spillway/internal/ingress/object"
	"github.com/spillway-lb/spillway/internal/neg/annotation"
	"github.com/spillway-lb/spillway/internal/store"
)

// ingress is an Ingress of a few names, classes, hosts, paths, backends, certificates and annotations.
func (e edits) ingress(t *rapid.T) store.Object {
	in := ingressOf(pick(t, "ingress", "i0", "i1"))
	in.Generation = int64(rapid.IntRange(1, 3).Draw(t, "generation"))
	in.Annotations = map[string]string{}
	for _, a := range [][]string{
		{object.ClassAnnotation, "", "", "gce", "gce-internal", "nginx"},
		{"kubernetes.io/ingress.allow-http", "", "true", "false", "perhaps"},
		{"kubernetes.io/ingress.global-static-ip-name", "", "", "name", "name2"},
		{"networking.gke.io/v1beta1.FrontendConfig", "", "f0", "absent"},
		{"ingress.gcp.kubernetes.io/pre-shared-cert", "", "", "t1", "t0,t1"},
		{"networking.gke.io/managed-certificates", "", "", "t0", "t1,t0", "t0,absent"},
		{"nginx.ingress.kubernetes.io/rewrite-target", "", "", "/"},
	} {
		if value := pick(t, a[0], a[1:]...); value != "" {
			in.Annotations[a[0]] = value
		}
	}
	if in.Annotations[object.ClassAnnotation] == "" && rapid.Bool().Draw(t, "class by field") {
		in.Spec.IngressClassName = ptr(pick(t, "class", "ours", "gce-internal", "unknown"))
	}
	if rapid.Bool().Draw(t, "default backend") {
		in.Spec.DefaultBackend = randomIngressBackend(t)
	}
	for _, host := range rapid.SliceOfN(rapid.SampledFrom([]string{"", "a.example.com", "*.example.com"}), 0, 3).Draw(t, "hosts") {
		in.Spec.Rules = append(in.Spec.Rules, ingressv1.IngressRule{Host: host, IngressRuleValue: ingressv1.IngressRuleValue{HTTP: e.ingressPaths(t)}})
	}
	for _, name := range rapid.SliceOfN(rapid.SampledFrom([]string{"t0", "t1"}), 0, 2).Draw(t, "certificates") {
		in.Spec.TLS = append(in.Spec.TLS, ingressv1.IngressTLS{SecretName: name})
	}
	return in
}

func (e edits) ingressPaths(t *rapid.T) *ingressv1.HTTPIngressRuleValue {
	out := &ingressv1.HTTPIngressRuleValue{}
	for range rapid.IntRange(1, 3).Draw(t, "paths") {
		p := ingressv1.HTTPIngressPath{
			Path: pick(t, "path", "/", "/a", "/a/b", "/a/"), PathType: ptr(pick(t, "path type",
				ingressv1.PathTypePrefix, ingressv1.PathTypeExact, ingressv1.PathTypeImplementationSpecific)),
			Backend: *randomIngressBackend(t),
		}
		if e.breaks(t) {
			p.Path = pick(t, "broken path", "a", "/a*", "/../b")
		}
		out.Paths = append(out.Paths, p)
	}
	return out
}

func randomIngressBackend(t *rapid.T) *ingressv1.IngressBackend {
	to := &ingressv1.IngressServiceBackend{Name: pick(t, "service", "s0", "s1", "s2")}
	if to.Port.Name = pick(t, "port name", "", "", "p80", "u80"); to.Port.Name == "" {
		to.Port.Number = pick[int32](t, "port", 80, 81)
	}
	return &ingressv1.IngressBackend{Service: to}
}

func randomIngressClass(t *rapid.T) store.Object {
	c := &ingressv1.IngressClass{
		TypeMeta:   metav1.TypeMeta{APIVersion: "networking.k8s.io/v1", Kind: "IngressClass"},
		ObjectMeta: meta("", pick(t, "class", "ours", "gce-internal")),
	}
	c.Spec.Controller = pick(t, "controller", object.Controller, object.Controller, "example.com/other")
	return c
}

// pairs are two certificates with their keys.
var pairs = sync.OnceValue(func() []map[string][]byte { return []map[string][]byte{newPair(panics{}), newPair(panics{})} })

// panics is for what no test waits for.
type panics struct{}

func (panics) Fatalf(format string, args ...any) { panic(fmt.Sprintf(format, args...)) }

// secret holds one of two certificates, so that two Secrets have the same at times.
func (e edits) secret(t *rapid.T) store.Object {
	s := &corev1.Secret{TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "Secret"}, ObjectMeta: meta("store", pick(t, "secret", "t0", "t1")), Type: corev1.SecretTypeTLS}
	s.Data = pairs()[rapid.IntRange(0, 1).Draw(t, "pair")]
	if e.breaks(t) {
		s.Data = map[string][]byte{corev1.TLSCertKey: s.Data[corev1.TLSCertKey]}
	}
	return s
}

func (e edits) backendConfig(t *rapid.T) store.Object {
	c := &cloudv1.BackendConfig{
		TypeMeta: metav1.TypeMeta{APIVersion: "cloud.google.com/v1", Kind: "BackendConfig"}, ObjectMeta: meta("store", pick(t, "config", "b0", "b1")),
	}
	c.Spec.TimeoutSec = ptr(int64(rapid.IntRange(1, 3).Draw(t, "timeout")))
	if rapid.Bool().Draw(t, "health check") {
		c.Spec.HealthCheck = &cloudv1.HealthCheckConfig{RequestPath: ptr(pick(t, "path", "/healthz", "/ready"))}
	}
	if e.breaks(t) {
		c.Spec.SessionAffinity = &cloudv1.SessionAffinityConfig{AffinityType: "NOBODY_KNOWS"}
	}
	return c
}

func (e edits) frontendConfig(t *rapid.T) store.Object {
	c := &networkingv1beta1.FrontendConfig{
		TypeMeta: metav1.TypeMeta{APIVersion: "networking.gke.io/v1beta1", Kind: "FrontendConfig"}, ObjectMeta: meta("store", "f0"),
	}
	c.Spec.SslPolicy = ptr(pick(t, "policy", "", "MODERN", "unknown"))
	c.Spec.RedirectToHttps = &networkingv1beta1.HttpsRedirectConfig{
		Enabled: rapid.Bool().Draw(t, "redirect"), ResponseCodeName: pick(t, "code", "", "FOUND", "TEAPOT"),
	}
	return c
}

// managedCertificate is for what newPair's certificates are for, and for what they are not.
func managedCertificate(t *rapid.T) store.Object {
	c := &networkingv1.ManagedCertificate{
		TypeMeta: metav1.TypeMeta{APIVersion: "networking.gke.io/v1", Kind: "ManagedCertificate"}, ObjectMeta: meta("store", pick(t, "managed", "t0", "t1")),
	}
	c.Spec.Domains = pick(t, "domains", nil, []string{"a.test"}, []string{"a.test", "b.test"})
	return c
}

// ingressAnnotations are what a Service says to Ingresses.
func (e edits) ingressAnnotations(t *rapid.T) map[string]string {
	out := map[string]string{}
	for _, a := range [][]string{
		{annotation.Name, "", "", `{"ingress":true}`, `{"ingress":false}`, `{"exposed_ports":{"80":{}}}`},
		{"cloud.google.com/backend-config", "", "", `{"default":"b0"}`, `{"ports":{"80":"b1"}}`, `{"default":"absent"}`},
		{"cloud.google.com/app-protocols", "", "", `{"p80":"HTTPS"}`},
	} {
		if value := pick(t, a[0], a[1:]...); value != "" {
			out[a[0]] = value
		}
		if e.breaks(t) {
			out[a[0]] = `{"`
		}
	}
	return out
}
