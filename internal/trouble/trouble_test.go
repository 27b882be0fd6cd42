package trouble_test

import (
	"slices"
	"testing"

	corev1 "k8s.io/api/core/v1"
	ingressv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	spillwayv1alpha1 "github.com/spillway-lb/spillway/api/spillway/v1alpha1"
	"github.com/spillway-lb/spillway/internal/condition"
	"github.com/spillway-lb/spillway/internal/fact"
	"github.com/spillway-lb/spillway/internal/kind"
	"github.com/spillway-lb/spillway/internal/store"
	"github.com/spillway-lb/spillway/internal/trouble"
)

func typeMeta(version, kind string) metav1.TypeMeta {
	return metav1.TypeMeta{APIVersion: version, Kind: kind}
}

func named(name string) metav1.ObjectMeta { return metav1.ObjectMeta{Namespace: "store", Name: name} }

const gatewayAPI = "gateway.networking.k8s.io/v1"

func TestParentsThatNoStatusSpeaksOf(t *testing.T) {
	ptr := func(s string) *gatewayv1.Namespace { n := gatewayv1.Namespace(s); return &n }
	wrongKind, wrongGroup, set := gatewayv1.Kind("gateway"), gatewayv1.Group("networking.k8s.io"), gatewayv1.Kind("ListenerSet")
	route := &gatewayv1.HTTPRoute{TypeMeta: typeMeta(gatewayAPI, "HTTPRoute"), ObjectMeta: named("r")}
	route.Spec.ParentRefs = []gatewayv1.ParentReference{
		{Name: "ours"},
		{Name: "theirs"},
		{Name: "nobody"},
		{Name: "nobody", SectionName: new(gatewayv1.SectionName)},
		{Name: "web", Namespace: ptr("nowhere")},
		{Name: "ours", Kind: &wrongKind},
		{Name: "ours", Group: &wrongGroup},
		{Name: "set", Kind: &set},
	}
	s := store.New()
	s.Commit(func(tx *store.Tx) {
		tx.Put("west", &corev1.Namespace{TypeMeta: typeMeta("v1", "Namespace"), ObjectMeta: metav1.ObjectMeta{Name: "store"}}, "implicit")
		tx.Put("west", &gatewayv1.Gateway{TypeMeta: typeMeta(gatewayAPI, "Gateway"), ObjectMeta: named("ours")}, "a.yaml:1")
		tx.Put("west", &gatewayv1.Gateway{TypeMeta: typeMeta(gatewayAPI, "Gateway"), ObjectMeta: named("theirs")}, "a.yaml:2")
		tx.Put("west", route, "a.yaml:3")
		tx.Write(store.RefTo("west", &gatewayv1.Gateway{TypeMeta: typeMeta(gatewayAPI, "Gateway"), ObjectMeta: named("ours")}), &store.Written{Status: &gatewayv1.GatewayStatus{}})
	})
	snapshot := s.Snapshot()
	var got []string
	for _, x := range trouble.Of(snapshot, snapshot.Get(store.RefTo("west", route))) {
		got = append(got, x.String())
	}
	want := []string{
		`spec.parentRefs[1]: Gateway "store/theirs" is of no class of Spillway's`,
		`spec.parentRefs[2]: Gateway "store/nobody" not found`,
		`spec.parentRefs[4]: Gateway "nowhere/web" not found: there is no namespace "nowhere"`,
		`spec.parentRefs[5].kind: no parent is of kind "gateway"; use Gateway`,
		`spec.parentRefs[6].group: there is no Gateway of group "networking.k8s.io"; use gateway.networking.k8s.io`,
		`spec.parentRefs[7]: ListenerSet "store/set" not found`,
	}
	if !slices.Equal(got, want) {
		t.Errorf("got %q\nwant %q", got, want)
	}
}

func TestLeadingKeepsWhatExplainsMost(t *testing.T) {
	of := func(where, kind, status, message string) trouble.Trouble {
		return trouble.Trouble{Condition: &condition.Condition{Where: where, Type: kind, Status: status, Reason: "X", Message: message}}
	}
	all := []trouble.Trouble{
		{Field: "spec.parentRefs", Text: "none"},
		of("", "Programmed", "False", "second"), of("", "Accepted", "False", "first"), of("", "Ready", "False", "third"),
		of("listener a", "Programmed", "False", "first"),
		of("listener b", "Conflicted", "True", "own"),
	}
	var got []string
	for _, x := range trouble.Leading(all) {
		got = append(got, x.String())
	}
	want := []string{"spec.parentRefs: none", "Accepted=False X: first", "listener b: Conflicted=True X: own"}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

// TestIngressesOfOthers: whose an Ingress is, its class says, not whether something has been written to it.
func TestIngressesOfOthers(t *testing.T) {
	of := func(name, class string) *ingressv1.Ingress {
		in := &ingressv1.Ingress{TypeMeta: typeMeta("networking.k8s.io/v1", "Ingress"), ObjectMeta: named(name)}
		if class != "" {
			in.Spec.IngressClassName = &class
		}
		return in
	}
	class := &ingressv1.IngressClass{TypeMeta: typeMeta("networking.k8s.io/v1", "IngressClass"), ObjectMeta: metav1.ObjectMeta{Name: "ours"}}
	class.Spec.Controller = "spillway.dev/ingress"
	s := store.New()
	all := []*ingressv1.Ingress{of("none", ""), of("ours", "ours"), of("theirs", "nginx")}
	s.Commit(func(tx *store.Tx) {
		tx.Put("west", class, "")
		for _, in := range all {
			tx.Put("west", in, "")
		}
	})
	count := func() (out []int) {
		snapshot := s.Snapshot()
		for _, in := range all {
			out = append(out, len(trouble.Of(snapshot, snapshot.Get(store.RefTo("west", in)))))
		}
		return out
	}
	if got := count(); !slices.Equal(got, []int{0, 0, 1}) {
		t.Errorf("before anything is written: %v", got)
	}
	s.Commit(func(tx *store.Tx) {
		tx.Write(store.RefTo("west", all[2]), &store.Written{Status: &ingressv1.IngressStatus{}})
	})
	if got := count(); !slices.Equal(got, []int{0, 0, 1}) {
		t.Errorf("after it was ours once: %v", got)
	}
	s.Commit(func(tx *store.Tx) { tx.SetFact(fact.Listed("west", kind.IngressClass), false) })
	if got := count(); !slices.Equal(got, []int{0, 0, 0}) {
		t.Errorf("while IngressClasses are not known: %v", got)
	}
}

// TestOfWhichGatewaysNobodyLooksAfter: a Gateway that nothing was written about yet is no other controller's for that.
func TestOfWhichGatewaysNobodyLooksAfter(t *testing.T) {
	s := store.New()
	put := func(cluster string, o store.Object) { s.Commit(func(tx *store.Tx) { tx.Put(cluster, o, "") }) }
	class := func(name, controller string) {
		c := &gatewayv1.GatewayClass{TypeMeta: metav1.TypeMeta{Kind: "GatewayClass", APIVersion: "gateway.networking.k8s.io/v1"}, ObjectMeta: metav1.ObjectMeta{Name: name}}
		c.Spec.ControllerName = gatewayv1.GatewayController(controller)
		put("west", c)
	}
	class("ours", kind.GatewayController)
	class("ours-mc", kind.GKEController)
	class("theirs", "example.com/other")
	config := &spillwayv1alpha1.Cluster{TypeMeta: metav1.TypeMeta{Kind: "Cluster", APIVersion: "spillway.dev/v1alpha1"}, ObjectMeta: metav1.ObjectMeta{Name: "east"}}
	config.Spec.ConfigCluster = true
	put("east", config)
	rules := func(class string) string {
		gw := &gatewayv1.Gateway{TypeMeta: metav1.TypeMeta{Kind: "Gateway", APIVersion: "gateway.networking.k8s.io/v1"}, ObjectMeta: metav1.ObjectMeta{Namespace: "n", Name: class}}
		gw.Spec.GatewayClassName = gatewayv1.ObjectName(class)
		put("west", gw)
		text := ""
		for _, found := range trouble.Of(s.Snapshot(), s.Snapshot().Get(store.RefTo("west", gw))) {
			text += found.Rule
		}
		return text
	}
	for class, want := range map[string]string{
		"ours": "", "ours-mc": "NotConfigCluster", "theirs": "OtherController", "nginx": "OtherController", "gke-l7-none": "NoSuchClass",
	} {
		if got := rules(class); got != want {
			t.Errorf("%s: %q, want %q", class, got, want)
		}
	}
	s.Commit(func(tx *store.Tx) { tx.SetFact(fact.Listed("west", kind.GatewayClass), false) })
	if got := rules("unread"); got != "" {
		t.Errorf("a class that is not listed yet: %q", got)
	}
	s.Commit(func(tx *store.Tx) { tx.SetFact(fact.GKEClasses(), false) })
	if ours, gke := rules("ours"), rules("ours-mc"); ours != "" || gke != "OtherController" {
		t.Errorf("beside GKE: %q of ours, %q of GKE's", ours, gke)
	}
}
