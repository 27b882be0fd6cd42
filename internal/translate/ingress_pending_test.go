package translate_test

import (
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	ingressv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	networkingv1beta1 "github.com/spillway-lb/spillway/api/networking/v1beta1"
	"github.com/spillway-lb/spillway/internal/fact"
	"github.com/spillway-lb/spillway/internal/ingress/object"
	"github.com/spillway-lb/spillway/internal/kind"
	"github.com/spillway-lb/spillway/internal/recompute"
	"github.com/spillway-lb/spillway/internal/store"
	"github.com/spillway-lb/spillway/internal/translate"
)

// TestANarrowedIngressDoesNotWait for lists after a restart: a path that it has no more goes at once, and what it had of the objects that are
// still to be listed stays, until it is known that they are not there.
func TestANarrowedIngressDoesNotWait(t *testing.T) {
	for _, pending := range []string{kind.Service, kind.Secret, kind.FrontendConfig, kind.IngressClass} {
		t.Run(pending, func(t *testing.T) {
			all, cert := newWorld(), tlsSecret(t, "cert")
			all.commit(t, func(tx *store.Tx) { ingressFleet(tx, cert, "/kept", "/gone") })
			config := translate.Config(options())
			config.Seq, config.Published = restored(t, all)
			w := newWorld()
			w.engine = recompute.New(config)
			w.commit(t, func(tx *store.Tx) {
				tx.SetFact(fact.Listed("c", pending), false)
				for _, k := range all.store.Snapshot().Kinds() {
					if k != pending {
						all.store.Snapshot().Walk(k, "", "", func(e *store.Entry) bool { tx.Put(e.Ref.Cluster, e.Object, e.Origin); return true })
					}
				}
			})
			if got, want := versions(w.engine), versions(all.engine); !slices.Equal(got, want) {
				t.Fatalf("after a restart:\n%s", difference(got, want))
			}
			for _, x := range []*world{w, all} {
				x.commit(t, func(tx *store.Tx) { tx.Put("c", narrowedIngress("/kept"), "") })
			}
			got, want := versions(w.engine), versions(all.engine)
			if !slices.Equal(got, want) {
				t.Errorf("narrowed:\n%s", difference(got, want))
			}
			if text := pathsOf(w.engine); strings.Contains(text, "/gone") || !strings.Contains(text, "/kept") {
				t.Errorf("the rules are %s", text)
			}
			w.commit(t, func(tx *store.Tx) { tx.SetFact(fact.Listed("c", pending), true) })
			all.commit(t, func(tx *store.Tx) {
				for _, ref := range all.store.Snapshot().List(pending, "", "") {
					tx.Delete(ref)
				}
			})
			if got, want := versions(w.engine), versions(all.engine); !slices.Equal(got, want) {
				t.Errorf("what is not in the list stays:\n%s", difference(got, want))
			}
		})
	}
}

func pathsOf(e *recompute.Engine) (text string) {
	for _, r := range e.Resources() {
		text += r.GetRouteRule().GetMatch().GetExact() + "\n"
	}
	return text
}

// ingressFleet has an Ingress with everything that one can name.
func ingressFleet(tx *store.Tx, cert *corev1.Secret, paths ...string) {
	tx.Put("c", cluster("c", "us-west1"), "")
	tx.Put("c", cert, "")
	uid := &corev1.ConfigMap{TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "ConfigMap"}, ObjectMeta: meta("kube-system", "ingress-uid")}
	uid.Data = map[string]string{"uid": "abcdef12"}
	tx.Put("c", uid, "")
	s := service("store", "web", 80)
	s.Spec.Type = corev1.ServiceTypeNodePort
	tx.Put("c", s, "")
	class := &ingressv1.IngressClass{TypeMeta: metav1.TypeMeta{APIVersion: "networking.k8s.io/v1", Kind: "IngressClass"}, ObjectMeta: meta("", "ours")}
	class.Spec.Controller = object.Controller
	tx.Put("c", class, "")
	settings := &networkingv1beta1.FrontendConfig{TypeMeta: metav1.TypeMeta{APIVersion: "networking.gke.io/v1beta1", Kind: "FrontendConfig"}, ObjectMeta: meta("store", "settings")}
	settings.Spec.RedirectToHttps = &networkingv1beta1.HttpsRedirectConfig{Enabled: true}
	tx.Put("c", settings, "")
	tx.Put("c", narrowedIngress(paths...), "")
}

func narrowedIngress(paths ...string) *ingressv1.Ingress {
	in := &ingressv1.Ingress{TypeMeta: metav1.TypeMeta{APIVersion: "networking.k8s.io/v1", Kind: "Ingress"}, ObjectMeta: meta("store", "in")}
	class := "ours"
	in.Generation = int64(10 - len(paths))
	in.Annotations = map[string]string{"networking.gke.io/v1beta1.FrontendConfig": "settings"}
	in.Spec.IngressClassName, in.Spec.TLS = &class, []ingressv1.IngressTLS{{SecretName: "cert"}}
	rule := ingressv1.IngressRule{Host: "a.test", IngressRuleValue: ingressv1.IngressRuleValue{HTTP: &ingressv1.HTTPIngressRuleValue{}}}
	exact := ingressv1.PathTypeExact
	for _, p := range paths {
		rule.HTTP.Paths = append(rule.HTTP.Paths, ingressv1.HTTPIngressPath{Path: p, PathType: &exact, Backend: ingressv1.IngressBackend{
			Service: &ingressv1.IngressServiceBackend{Name: "web", Port: ingressv1.ServiceBackendPort{Number: 80}},
		}})
	}
	in.Spec.Rules = []ingressv1.IngressRule{rule}
	return in
}
