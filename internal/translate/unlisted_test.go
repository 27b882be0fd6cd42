package translate_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	networkingv1 "github.com/spillway-lb/spillway/api/networking/v1"
	spillwayv1alpha1 "github.com/spillway-lb/spillway/api/spillway/v1alpha1"
	"github.com/spillway-lb/spillway/internal/fact"
	"github.com/spillway-lb/spillway/internal/kind"
	"github.com/spillway-lb/spillway/internal/recompute"
	"github.com/spillway-lb/spillway/internal/store"
	"github.com/spillway-lb/spillway/internal/translate"
)

// nothingChangesWithout restarts a world whose objects of a kind are not listed yet, and lists them.
func nothingChangesWithout(t *testing.T, w *world, pending store.Fact, listed string) {
	t.Helper()
	want := versions(w.engine)
	seq, published := restored(t, w)
	config := translate.Config(options())
	config.Published, config.Seq = published, seq
	restarted := &world{store: store.New(translate.Indexes()...), engine: recompute.New(config)}
	restarted.sub = restarted.store.Subscribe()
	put := func(tx *store.Tx, kinds ...string) {
		for _, k := range kinds {
			w.store.Snapshot().Walk(k, "", "", func(e *store.Entry) bool {
				tx.Put(e.Ref.Cluster, e.Object, e.Origin)
				return true
			})
		}
	}
	others := slices.DeleteFunc(w.store.Snapshot().Kinds(), func(k string) bool { return k == listed })
	if len(others) == len(w.store.Snapshot().Kinds()) {
		t.Fatalf("there is no %s", listed)
	}
	round := restarted.commit(t, func(tx *store.Tx) {
		tx.SetFact(pending, false)
		put(tx, others...)
	})
	if got := versions(restarted.engine); round.Tx != nil || !slices.Equal(got, want) {
		t.Errorf("without %s: %v\n%s", listed, round.Tx, difference(got, want))
	}
	round = restarted.commit(t, func(tx *store.Tx) {
		tx.SetFact(pending, true)
		put(tx, listed)
	})
	if got := versions(restarted.engine); round.Tx != nil || !slices.Equal(got, want) {
		t.Errorf("with %s: %v\n%s", listed, round.Tx, difference(got, want))
	}
}

// TestWhatIsReferredToAndNotListedIsNotGone: a reference whose target, or whose permission, is not listed yet is neither broken nor
// forbidden.
func TestWhatIsReferredToAndNotListedIsNotGone(t *testing.T) {
	w := newWorld()
	w.commit(t, func(tx *store.Tx) { referringFleet(t, tx) })
	for _, listed := range []string{kind.ReferenceGrant, kind.Secret, kind.ConfigMap, kind.Service, kind.ListenerSet, kind.Namespace} {
		nothingChangesWithout(t, w, fact.Listed("c", listed), listed)
	}
	nothingChangesWithout(t, w, fact.Listed("", kind.Configuration), kind.Configuration)
}

// TestNothingIsSaidOfWhatIsNotListed: a first start, with lists on their way.
func TestNothingIsSaidOfWhatIsNotListed(t *testing.T) {
	w := newWorld()
	pending := []store.Fact{fact.Listed("c", kind.ReferenceGrant), fact.Listed("c", kind.Secret), fact.Listed("c", kind.ConfigMap), fact.Listed("c", kind.Service), fact.Listed("c", kind.ListenerSet), fact.Listed("c", kind.Namespace), fact.Listed("", kind.Configuration)}
	kinds := []string{kind.ReferenceGrant, kind.Secret, kind.ConfigMap, kind.Service, kind.ListenerSet, kind.Namespace, kind.Configuration}
	all := newWorld()
	all.commit(t, func(tx *store.Tx) { referringFleet(t, tx) })
	put := func(tx *store.Tx, which func(string) bool) {
		for _, k := range all.store.Snapshot().Kinds() {
			if which(k) {
				all.store.Snapshot().Walk(k, "", "", func(e *store.Entry) bool {
					tx.Put(e.Ref.Cluster, e.Object, e.Origin)
					return true
				})
			}
		}
	}
	said := func(round recompute.Round) (text string) {
		for _, c := range round.Writes {
			text += fmt.Sprintf("%s: %v\n", c.Ref, c.Value)
		}
		return text
	}
	first := w.commit(t, func(tx *store.Tx) {
		for _, f := range pending {
			tx.SetFact(f, false)
		}
		put(tx, func(k string) bool { return !slices.Contains(kinds, k) })
	})
	for _, wrong := range []string{"RefNotPermitted", "no Secret of namespace", "not found", "no Configuration maps", "does not exist", "no listener takes", "does not take"} {
		if text := said(first); strings.Contains(text, wrong) {
			t.Errorf("before the lists it says %q:\n%s", wrong, text)
		}
	}
	w.commit(t, func(tx *store.Tx) {
		for _, f := range pending {
			tx.SetFact(f, true)
		}
		put(tx, func(k string) bool { return slices.Contains(kinds, k) })
	})
	if got, want := versions(w.engine), versions(all.engine); !slices.Equal(got, want) {
		t.Errorf("with the lists:\n%s", difference(got, want))
	}
}

// TestOneUnknownReferenceHoldsNothingElse: what depends on a list that is on its way is as it was, or is answered with 500 if it never
// was; all else moves on.
func TestOneUnknownReferenceHoldsNothingElse(t *testing.T) {
	for name, before := range map[string]bool{"known before": true, "never known": false} {
		t.Run(name, func(t *testing.T) {
			w := newWorld()
			all := newWorld()
			all.commit(t, func(tx *store.Tx) { referringFleet(t, tx) })
			if before {
				config := translate.Config(options())
				config.Seq, config.Published = restored(t, all)
				w.engine = recompute.New(config)
			}
			w.commit(t, func(tx *store.Tx) {
				for _, k := range all.store.Snapshot().Kinds() {
					if k == kind.ReferenceGrant || k == kind.Namespace {
						tx.SetFact(fact.Listed("c", k), false)
						continue
					}
					all.store.Snapshot().Walk(k, "", "", func(e *store.Entry) bool {
						tx.Put(e.Ref.Cluster, e.Object, e.Origin)
						return true
					})
				}
				// The edit of the restart: one more rule, and one more certificate.
				other := gatewayv1.Namespace("other")
				r := route("r", nil, "far", "near")
				r.Generation = 2
				r.Spec.Rules[0].BackendRefs[0].Namespace = &other
				tx.Put("c", r, "")
			})
			got := rulesOf(w.engine)
			for backend, served := range map[string]bool{"far": before, "near": true, "selected": before} {
				if strings.Contains(got, backend) != served {
					t.Errorf("a rule to %s: %t, in\n%s", backend, !served, got)
				}
			}
			if strings.Contains(got, "gw-serve500") == before {
				t.Errorf("500: %t, in\n%s", before, got)
			}
		})
	}
}

// referringFleet has references into other namespaces and by labels, and to what a Configuration defines.
func referringFleet(t *testing.T, tx *store.Tx) {
	tx.Put("c", cluster("c", "us-west1"), "")
	secure, plain := httpListener("https", "", 443), httpListener("plain", "", 80)
	secure.Protocol = gatewayv1.HTTPSProtocolType
	mapped := gatewayOf("gke-l7-global-external-managed", secure, plain)
	selector := gatewayv1.NamespacesFromSelector
	mapped.Spec.AllowedListeners = &gatewayv1.AllowedListeners{Namespaces: &gatewayv1.ListenerNamespaces{
		From: &selector, Selector: &metav1.LabelSelector{MatchLabels: map[string]string{"team": "a"}},
	}}
	tx.Put("c", &corev1.Namespace{
		TypeMeta:   metav1.TypeMeta{APIVersion: "v1", Kind: "Namespace"},
		ObjectMeta: metav1.ObjectMeta{Name: "other", Labels: map[string]string{"team": "a"}},
	}, "")
	set := &gatewayv1.ListenerSet{
		TypeMeta: metav1.TypeMeta{APIVersion: "gateway.networking.k8s.io/v1", Kind: "ListenerSet"}, ObjectMeta: meta("other", "set"),
		Spec: gatewayv1.ListenerSetSpec{
			ParentRef: gatewayv1.ParentGatewayReference{Name: "web", Namespace: ptr(gatewayv1.Namespace("store"))},
			Listeners: []gatewayv1.ListenerEntry{gatewayv1.ListenerEntry(httpListener("more", "", 81))},
		},
	}
	tx.Put("c", set, "")
	bySet := route("by-set", nil, "far")
	bySet.Namespace = "other"
	bySet.Spec.ParentRefs = []gatewayv1.ParentReference{{Kind: ptr(gatewayv1.Kind("ListenerSet")), Name: "set"}}
	tx.Put("c", bySet, "")
	mapped.Annotations = map[string]string{"networking.gke.io/certmap": "map"}
	tx.Put("c", mapped, "")
	labelled := tlsSecret(t, "mapped")
	labelled.Labels = map[string]string{"networking.gke.io/certmap": "map"}
	tx.Put("c", labelled, "")

	other := gatewayv1.Namespace("other")
	granted := gatewayOf("gke-l7-global-external-managed", secure)
	granted.Name = "granted"
	granted.Spec.Listeners[0].TLS = &gatewayv1.ListenerTLSConfig{CertificateRefs: []gatewayv1.SecretObjectReference{{Namespace: &other, Name: "far"}}}
	granted.Spec.TLS = &gatewayv1.GatewayTLSConfig{Frontend: &gatewayv1.FrontendTLSConfig{Default: gatewayv1.TLSConfig{Validation: &gatewayv1.FrontendTLSValidation{
		CACertificateRefs: []gatewayv1.ObjectReference{{Kind: "ConfigMap", Namespace: &other, Name: "far"}},
	}}}}
	tx.Put("c", granted, "")
	far := tlsSecret(t, "far")
	far.Namespace = "other"
	tx.Put("c", far, "")
	authorities := &corev1.ConfigMap{TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "ConfigMap"}, ObjectMeta: meta("other", "far")}
	authorities.Data = map[string]string{"ca.crt": string(far.Data[corev1.TLSCertKey])}
	tx.Put("c", authorities, "")
	tx.Put("c", service("other", "far", 80), "")
	r := route("r", nil, "far")
	r.Spec.Rules[0].BackendRefs[0].Namespace = &other
	tx.Put("c", r, "")
	tx.Put("c", service("store", "near", 80), "")
	tx.Put("c", service("store", "selected", 80), "")
	from := gatewayv1.NamespacesFromSelector
	chosen := httpListener("chosen", "", 81)
	chosen.AllowedRoutes = &gatewayv1.AllowedRoutes{Namespaces: &gatewayv1.RouteNamespaces{
		From: &from, Selector: &metav1.LabelSelector{MatchLabels: map[string]string{"team": "a"}},
	}}
	selecting := gatewayOf("gke-l7-global-external-managed", chosen)
	selecting.Name = "selecting"
	tx.Put("c", selecting, "")
	namespace := &corev1.Namespace{TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "Namespace"}, ObjectMeta: meta("", "store")}
	namespace.Labels = map[string]string{"team": "a"}
	tx.Put("c", namespace, "")
	selected := route("selected", nil, "selected")
	selected.Spec.ParentRefs[0].Name = "selecting"
	tx.Put("c", selected, "")
	nowhere := route("nowhere", nil, "near")
	section := gatewayv1.SectionName("none")
	nowhere.Spec.ParentRefs[0].SectionName = &section
	tx.Put("c", nowhere, "")
	grant := &gatewayv1.ReferenceGrant{
		TypeMeta: metav1.TypeMeta{APIVersion: "gateway.networking.k8s.io/v1", Kind: "ReferenceGrant"}, ObjectMeta: meta("other", "grant"),
	}
	for _, of := range []gatewayv1.Kind{"Gateway", "HTTPRoute"} {
		grant.Spec.From = append(grant.Spec.From, gatewayv1.ReferenceGrantFrom{Group: gatewayv1.GroupName, Kind: of, Namespace: "store"})
	}
	grant.Spec.To = []gatewayv1.ReferenceGrantTo{{Kind: "Secret"}, {Kind: "ConfigMap"}, {Kind: "Service"}}
	tx.Put("c", grant, "")

	tx.Put("", &spillwayv1alpha1.Configuration{
		TypeMeta: metav1.TypeMeta{APIVersion: "spillway.dev/v1alpha1", Kind: "Configuration"}, ObjectMeta: meta("", "default"),
		Spec: spillwayv1alpha1.ConfigurationSpec{
			SSLPolicies: []spillwayv1alpha1.SSLPolicy{{Name: "ours", Profile: "MODERN"}},
			GoogleAPIs:  []spillwayv1alpha1.GoogleAPI{{Host: "dlp.googleapis.com", Address: "127.0.0.1:9"}},
			Addresses:   []spillwayv1alpha1.NamedAddress{{Name: "front", Address: "127.0.0.7"}},
		},
	}, "")
	ours, host := "ours", "dlp.googleapis.com"
	settings := &networkingv1.GCPGatewayPolicy{TypeMeta: metav1.TypeMeta{APIVersion: "networking.gke.io/v1", Kind: "GCPGatewayPolicy"}, ObjectMeta: meta("store", "p")}
	settings.Spec.TargetRef = networkingv1.PolicyTargetReference{Group: gatewayv1.GroupName, Kind: "Gateway", Name: "web"}
	settings.Spec.Default = &networkingv1.GCPGatewayPolicyConfig{SSLPolicy: &ours}
	tx.Put("c", settings, "")
	x := &networkingv1.GCPTrafficExtension{TypeMeta: metav1.TypeMeta{APIVersion: "networking.gke.io/v1", Kind: "GCPTrafficExtension"}, ObjectMeta: meta("store", "x")}
	x.Spec.TargetRefs = []networkingv1.LocalPolicyTargetReference{{Group: gatewayv1.GroupName, Kind: "Gateway", Name: "web"}}
	x.Spec.ExtensionChains = []networkingv1.ExtensionChain{{Name: "c", Extensions: []networkingv1.Extension{{Name: "e", GoogleAPIServiceName: &host}}}}
	tx.Put("c", x, "")
	named := gatewayv1.NamedAddressType
	asking := gatewayOf("gke-l7-global-external-managed", plain)
	asking.Name = "asking"
	asking.Spec.Addresses = []gatewayv1.GatewaySpecAddress{{Type: &named, Value: "front"}}
	tx.Put("c", asking, "")
}

// rulesOf are the backend services that rules lead to.
func rulesOf(e *recompute.Engine) (text string) {
	for _, r := range e.Resources() {
		for _, b := range r.GetRouteRule().GetForward().GetBackends() {
			text += b.GetBackendService() + "\n"
		}
	}
	return text
}

// TestAnIngressThatIsNotListedAtARestartIsServedOn until the list is there and lacks it.
func TestAnIngressThatIsNotListedAtARestartIsServedOn(t *testing.T) {
	all := newWorld()
	all.commit(t, func(tx *store.Tx) {
		tx.Put("c", cluster("c", "us-west1"), "")
		tx.Put("c", service("store", "web", 80), "")
		tx.Put("c", ingressOf("in"), "")
	})
	rules := func(w *world) bool {
		return strings.Contains(strings.Join(versions(w.engine), "\n"), "forwarding_rule")
	}
	if !rules(all) {
		t.Fatalf("the Ingress has no forwarding rule: %s", versions(all.engine))
	}
	w := newWorld()
	config := translate.Config(options())
	config.Seq, config.Published = restored(t, all)
	w.engine = recompute.New(config)
	w.commit(t, func(tx *store.Tx) {
		tx.Put("c", cluster("c", "us-west1"), "")
		tx.Put("c", service("store", "web", 80), "")
		tx.SetFact(fact.Listed("c", kind.Ingress), false)
	})
	if !rules(w) {
		t.Error("what is not listed yet is gone")
	}
	w.commit(t, func(tx *store.Tx) { tx.SetFact(fact.Listed("c", kind.Ingress), true) })
	if rules(w) {
		t.Error("what is gone is served")
	}
}
