package translate_test

import (
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	networkingv1 "github.com/spillway-lb/spillway/api/networking/v1"
	"github.com/spillway-lb/spillway/internal/fact"
	"github.com/spillway-lb/spillway/internal/kind"
	"github.com/spillway-lb/spillway/internal/recompute"
	"github.com/spillway-lb/spillway/internal/store"
	"github.com/spillway-lb/spillway/internal/translate"
)

// TestAPermissionThatIsGoneIsNotHeld: while ReferenceGrants are on their way, a route whose listener takes it no more goes all the same.
func TestAPermissionThatIsGoneIsNotHeld(t *testing.T) {
	w := newWorld()
	other, all := gatewayv1.Namespace("other"), gatewayv1.NamespacesFromAll
	listener := httpListener("plain", "", 80)
	listener.AllowedRoutes = &gatewayv1.AllowedRoutes{Namespaces: &gatewayv1.RouteNamespaces{From: &all}}
	store1 := gatewayv1.Namespace("store")
	r := route("r", nil, "far")
	r.Namespace = "team"
	r.Spec.ParentRefs[0].Namespace = &store1
	r.Spec.Rules[0].BackendRefs[0].Namespace = &other
	grant := &gatewayv1.ReferenceGrant{
		TypeMeta: metav1.TypeMeta{APIVersion: "gateway.networking.k8s.io/v1", Kind: "ReferenceGrant"}, ObjectMeta: meta("other", "grant"),
		Spec: gatewayv1.ReferenceGrantSpec{
			From: []gatewayv1.ReferenceGrantFrom{{Group: gatewayv1.GroupName, Kind: "HTTPRoute", Namespace: "team"}},
			To:   []gatewayv1.ReferenceGrantTo{{Kind: "Service"}},
		},
	}
	w.commit(t, func(tx *store.Tx) {
		tx.Put("c", cluster("c", "us-west1"), "")
		tx.Put("c", gatewayOf("gke-l7-global-external-managed", listener), "")
		tx.Put("c", service("other", "far", 80), "")
		tx.Put("c", grant, "")
		tx.Put("c", r, "")
	})
	served := func() bool { return strings.Contains(strings.Join(versions(w.engine), "\n"), "route_rule") }
	if !served() {
		t.Fatalf("the route is not served: %s", versions(w.engine))
	}
	w.commit(t, func(tx *store.Tx) {
		tx.SetFact(fact.Listed("c", kind.ReferenceGrant), false)
		tx.Delete(store.RefTo("c", grant))
	})
	narrow := *listener.DeepCopy()
	same := gatewayv1.NamespacesFromSame
	narrow.AllowedRoutes.Namespaces.From = &same
	g := gatewayOf("gke-l7-global-external-managed", narrow)
	g.Generation = 2
	w.commit(t, func(tx *store.Tx) { tx.Put("c", g, "") })
	if served() {
		t.Error("the listener takes no routes of other namespaces, and the route is served")
	}
}

// TestAGrantThatIsHereCountsAsItIs: a grant that is narrowed while others are on their way permits no more than it says.
func TestAGrantThatIsHereCountsAsItIs(t *testing.T) {
	w := newWorld()
	other := gatewayv1.Namespace("other")
	r := route("r", nil, "far")
	r.Spec.Rules[0].BackendRefs[0].Namespace = &other
	grant := &gatewayv1.ReferenceGrant{
		TypeMeta: metav1.TypeMeta{APIVersion: "gateway.networking.k8s.io/v1", Kind: "ReferenceGrant"}, ObjectMeta: meta("other", "grant"),
		Spec: gatewayv1.ReferenceGrantSpec{
			From: []gatewayv1.ReferenceGrantFrom{{Group: gatewayv1.GroupName, Kind: "HTTPRoute", Namespace: "store"}},
			To:   []gatewayv1.ReferenceGrantTo{{Kind: "Service"}},
		},
	}
	w.commit(t, func(tx *store.Tx) {
		tx.Put("c", cluster("c", "us-west1"), "")
		tx.Put("c", gatewayOf("gke-l7-global-external-managed", httpListener("plain", "", 80)), "")
		tx.Put("c", service("other", "far", 80), "")
		tx.Put("c", grant, "")
		tx.Put("c", r, "")
	})
	if got := rulesOf(w.engine); !strings.Contains(got, "far") {
		t.Fatalf("the route is not served: %s", got)
	}
	narrow := grant.DeepCopy()
	narrow.Generation, narrow.Spec.From[0].Namespace = 2, "somebody"
	w.commit(t, func(tx *store.Tx) {
		tx.SetFact(fact.Listed("c", kind.ReferenceGrant), false)
		tx.Put("c", narrow, "")
	})
	if got := rulesOf(w.engine); strings.Contains(got, "far") {
		t.Errorf("a grant permits what it does not say any more: %s", got)
	}
}

// TestAPermissionThatWasHereAndWentIsGone at once, though its list is on its way: only what nobody has seen since the restart may
// still come.
func TestAPermissionThatWasHereAndWentIsGone(t *testing.T) {
	for name, gone := range map[string]store.Ref{
		"a grant":                       {Cluster: "c", Kind: kind.ReferenceGrant, Namespace: "other", Name: "grant"},
		"the labels of a route's":       {Cluster: "c", Kind: kind.Namespace, Name: "store"},
		"the labels of a ListenerSet's": {Cluster: "c", Kind: kind.Namespace, Name: "other"},
	} {
		t.Run(name, func(t *testing.T) {
			all := newWorld()
			all.commit(t, func(tx *store.Tx) { referringFleet(t, tx) })
			config := translate.Config(options())
			config.Seq, config.Published = restored(t, all)
			w := newWorld()
			w.engine = recompute.New(config)
			put := func(tx *store.Tx, which func(store.Ref) bool) {
				for _, k := range all.store.Snapshot().Kinds() {
					all.store.Snapshot().Walk(k, "", "", func(e *store.Entry) bool {
						if which(e.Ref) {
							tx.Put(e.Ref.Cluster, e.Object, e.Origin)
						}
						return true
					})
				}
			}
			w.commit(t, func(tx *store.Tx) {
				tx.SetFact(fact.Listed("c", gone.Kind), false)
				put(tx, func(ref store.Ref) bool { return ref != gone })
			})
			if got, want := versions(w.engine), versions(all.engine); !slices.Equal(got, want) {
				t.Fatalf("what may still come is gone:\n%s", difference(got, want))
			}
			w.commit(t, func(tx *store.Tx) { put(tx, func(ref store.Ref) bool { return ref == gone }) })
			w.commit(t, func(tx *store.Tx) { tx.Delete(gone) })
			got := versions(w.engine)
			w.commit(t, func(tx *store.Tx) { tx.SetFact(fact.Listed("c", gone.Kind), true) })
			want := versions(w.engine)
			if slices.Equal(want, versions(all.engine)) {
				t.Fatal("nothing depends on it")
			}
			if !slices.Equal(got, want) {
				t.Errorf("what went is there until the list is:\n%s", difference(got, want))
			}
		})
	}
}

// TestANarrowedGatewayDoesNotWait for lists: what it says itself counts at once, and what it had of ListenerSets and policies stays.
func TestANarrowedGatewayDoesNotWait(t *testing.T) {
	for _, pending := range []string{kind.ListenerSet, kind.GCPGatewayPolicy} {
		for name, class := range map[string]string{"global": "gke-l7-global-external-managed", "regional": "gke-l7-regional-external-managed"} {
			t.Run(pending+" "+name, func(t *testing.T) { narrowWhilePending(t, pending, class) })
		}
	}
}

func narrowWhilePending(t *testing.T, pending, class string) {
	all, cert := newWorld(), tlsSecret(t, "cert")
	all.commit(t, func(tx *store.Tx) { narrowingFleet(tx, cert, class, gatewayv1.NamespacesFromAll) })
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
		x.commit(t, func(tx *store.Tx) { narrowingFleet(tx, cert, class, gatewayv1.NamespacesFromSame, pending) })
	}
	got, want := versions(w.engine), versions(all.engine)
	if !slices.Equal(got, want) {
		t.Errorf("narrowed:\n%s", difference(got, want))
	}
	if text := strings.Join(got, "\n"); strings.Contains(text, "team/r") || !strings.Contains(text, "other/by-set") {
		t.Error("a route that the listener takes no more is served, or that of a ListenerSet is not")
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
}

// narrowingFleet has a Gateway with a ListenerSet and a policy, and a route of another namespace, but for objects of a kind.
func narrowingFleet(tx *store.Tx, cert *corev1.Secret, class string, from gatewayv1.FromNamespaces, without ...string) {
	put := func(o store.Object) {
		if ref := store.RefTo("c", o); !slices.Contains(without, ref.Kind) {
			tx.Put("c", o, "")
		}
	}
	put(cluster("c", "us-west1"))
	put(cert)
	secure, plain, all := httpListener("https", "", 443), httpListener("plain", "", 80), gatewayv1.NamespacesFromAll
	secure.Protocol = gatewayv1.HTTPSProtocolType
	secure.TLS = &gatewayv1.ListenerTLSConfig{CertificateRefs: []gatewayv1.SecretObjectReference{{Name: "cert"}}}
	plain.AllowedRoutes = &gatewayv1.AllowedRoutes{Namespaces: &gatewayv1.RouteNamespaces{From: &from}}
	g := gatewayOf(class, secure, plain)
	g.Generation = int64(len(from))
	g.Spec.AllowedListeners = &gatewayv1.AllowedListeners{Namespaces: &gatewayv1.ListenerNamespaces{From: &all}}
	put(g)
	put(service("team", "near", 80))
	put(service("other", "far", 80))
	store1 := gatewayv1.Namespace("store")
	r := route("r", nil, "near")
	r.Namespace, r.Spec.ParentRefs[0].Namespace = "team", &store1
	section := gatewayv1.SectionName("plain")
	r.Spec.ParentRefs[0].SectionName = &section
	put(r)
	put(&gatewayv1.ListenerSet{
		TypeMeta: metav1.TypeMeta{APIVersion: "gateway.networking.k8s.io/v1", Kind: "ListenerSet"}, ObjectMeta: meta("other", "set"),
		Spec: gatewayv1.ListenerSetSpec{
			ParentRef: gatewayv1.ParentGatewayReference{Name: "web", Namespace: &store1},
			Listeners: []gatewayv1.ListenerEntry{gatewayv1.ListenerEntry(httpListener("more", "", 81))},
		},
	})
	bySet := route("by-set", nil, "far")
	bySet.Namespace = "other"
	bySet.Spec.ParentRefs = []gatewayv1.ParentReference{{Kind: ptr(gatewayv1.Kind("ListenerSet")), Name: "set"}}
	put(bySet)
	modern := "MODERN"
	p := &networkingv1.GCPGatewayPolicy{TypeMeta: metav1.TypeMeta{APIVersion: "networking.gke.io/v1", Kind: "GCPGatewayPolicy"}, ObjectMeta: meta("store", "p")}
	p.Spec.TargetRef = networkingv1.PolicyTargetReference{Group: gatewayv1.GroupName, Kind: "Gateway", Name: "web"}
	p.Spec.Default = &networkingv1.GCPGatewayPolicyConfig{SSLPolicy: &modern}
	put(p)
}
