package translate_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"pgregory.net/rapid"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
	gatewayv1beta1 "sigs.k8s.io/gateway-api/apis/v1beta1"

	netv1 "github.com/spillway-lb/spillway/api/net/v1"
	networkingv1 "github.com/spillway-lb/spillway/api/networking/v1"
	"github.com/spillway-lb/spillway/internal/kind"
	"github.com/spillway-lb/spillway/internal/recompute"
	"github.com/spillway-lb/spillway/internal/store"
	"github.com/spillway-lb/spillway/internal/translate"
)

// TestIncrementalEqualsScratch is the contract of every unit: after any edits of a fleet's objects, what is published and
// what is written is what a new engine makes of the same objects, given what was published before the last edit; a fork
// that is given the edit beforehand says what it will do; a restart from the persisted state changes nothing; and a proxy
// takes each transaction whole. Only where the last good version of a broken route or Gateway names what other edits have
// taken away does the publisher have to keep that.
func TestIncrementalEqualsScratch(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w, publisher, written := newWorld(), translate.NewPublisher(), map[string]string{}
		e := edits{broken: rapid.Bool().Draw(t, "broken objects")}
		for step := range rapid.IntRange(1, 10).Draw(t, "steps") {
			if rapid.IntRange(0, 4).Draw(t, "restart") == 0 {
				restart(t, w, written)
			}
			seq, published := w.engine.Published()
			candidate, touched := w.store.Candidate(w.store.Snapshot(), func(tx *store.Tx) {
				if step == 0 {
					firstFleet(tx)
				}
				for range rapid.IntRange(1, 4).Draw(t, "edits") {
					e.random(t, tx)
				}
			})
			foreseen := w.engine.Fork().Run(candidate, touched)
			w.store.Commit(func(tx *store.Tx) { become(tx, w.store.Snapshot(), candidate) })
			round := w.engine.Run(w.sub.Take())
			if len(round.Problems) > 0 {
				t.Fatalf("step %d: %v", step, round.Problems)
			}
			expectSame(t, fmt.Sprintf("step %d: the round, and as the fork foresaw it", step), roundText(round), roundText(foreseen))
			if _, refusals := publisher.Check(round.Tx); len(refusals) > 0 && !e.broken {
				t.Fatalf("step %d: refused: %v", step, refusals)
			}
			applyWrites(written, round)
			config := translate.Config(options())
			config.Published, config.Seq = published, seq
			scratch := recompute.New(config)
			anew := map[string]string{}
			applyWrites(anew, scratch.Run(w.store.Subscribe().Take()))
			expectSame(t, fmt.Sprintf("step %d: incremental, and from scratch", step), versions(w.engine), versions(scratch))
			expectSame(t, fmt.Sprintf("step %d: incremental writes, and from scratch", step), texts(written), texts(anew))
		}
	})
}

// restart goes on with a new engine, from the persisted state.
func restart(t *rapid.T, w *world, written map[string]string) {
	before := versions(w.engine)
	config := translate.Config(options())
	config.Seq, config.Published = restored(t, w)
	w.engine = recompute.New(config)
	w.sub = w.store.Subscribe()
	anew := map[string]string{}
	round := w.engine.Run(w.sub.Take())
	applyWrites(anew, round)
	expectSame(t, "after a restart, and before", versions(w.engine), before)
	expectSame(t, "writes after a restart, and before", texts(anew), texts(written))
	if round.Tx != nil {
		t.Fatalf("a restart publishes %v", round.Tx)
	}
}

func expectSame(t *rapid.T, what string, got, want []string) {
	if !slices.Equal(got, want) {
		t.Fatalf("%s, differ:\n%s", what, difference(got, want))
	}
}

// become makes a transaction's objects those of another snapshot.
func become(tx *store.Tx, from, to *store.Snapshot) {
	for _, kind := range from.Kinds() {
		for _, ref := range from.List(kind, "", "") {
			if to.Get(ref) == nil {
				tx.Delete(ref)
			}
		}
	}
	for _, kind := range to.Kinds() {
		to.Walk(kind, "", "", func(e *store.Entry) bool {
			tx.Put(e.Ref.Cluster, e.Object, e.Origin)
			return true
		})
	}
}

// applyWrites keeps what is wanted, as text, by object, part and event.
func applyWrites(all map[string]string, r recompute.Round) {
	for _, c := range r.Writes {
		key := c.Ref.String() + " " + string(c.Part) + " " + c.Key
		if c.Removed {
			delete(all, key)
			continue
		}
		b, err := json.Marshal(c.Value)
		if err != nil {
			panic(err)
		}
		all[key] = string(b)
	}
}

func texts(writes map[string]string) []string {
	var out []string
	for _, key := range slices.Sorted(maps.Keys(writes)) {
		out = append(out, key+": "+writes[key])
	}
	return out
}

func roundText(r recompute.Round) []string {
	var out []string
	for _, u := range r.Tx.GetUpserts() {
		out = append(out, fmt.Sprint(u))
	}
	for _, k := range r.Tx.GetDeletes() {
		out = append(out, "delete "+k.GetName())
	}
	writes := map[string]string{}
	applyWrites(writes, r)
	return append(out, texts(writes)...)
}

func options() translate.Options { return translate.Options{Traffic: translate.Proximity()} }

func versions(e *recompute.Engine) []string {
	var out []string
	for _, r := range e.Resources() {
		out = append(out, fmt.Sprintf("%s %v", r.GetName(), r))
	}
	return out
}

func difference(got, want []string) string {
	text := ""
	for _, x := range got {
		if !slices.Contains(want, x) {
			text += "incremental only: " + x + "\n"
		}
	}
	for _, x := range want {
		if !slices.Contains(got, x) {
			text += "scratch only: " + x + "\n"
		}
	}
	return text
}

func clusters() []string { return []string{"east", "west"} }

func firstFleet(tx *store.Tx) {
	west := cluster("west", "us-west1")
	west.Spec.ConfigCluster = true
	tx.Put("west", west, "")
	tx.Put("east", cluster("east", "us-east1"), "")
	for _, c := range clusters() {
		tx.Put(c, service("store", "s0", 80, 81), "")
		tx.Put(c, export("s0"), "")
		tx.Put(c, gatewayOf("gke-l7-global-external-managed-mc", httpListener("http", "", 80)), "")
		tx.Put(c, route("r0", nil, "s0", "s1"), "")
	}
}

func export(name string) *netv1.ServiceExport {
	return &netv1.ServiceExport{
		TypeMeta: metav1.TypeMeta{APIVersion: "net.gke.io/v1", Kind: "ServiceExport"}, ObjectMeta: meta("store", name),
	}
}

// edits are random edits.
type edits struct {
	// broken: some objects are, so that units hold.
	broken bool
}

func (e edits) breaks(t *rapid.T) bool { return e.broken && rapid.IntRange(0, 4).Draw(t, "break") == 0 }

// random puts or deletes one object. Names are few, so that edits meet.
func (e edits) random(t *rapid.T, tx *store.Tx) {
	cluster := rapid.SampledFrom(clusters()).Draw(t, "cluster")
	o := rapid.SampledFrom([]func(*rapid.T) store.Object{
		e.service, randomExport, e.gateway, e.listenerSet, e.route, e.route, randomGRPCRoute, randomHealthCheckPolicy,
		randomBackendPolicy, randomGatewayPolicy, randomBackendTLSPolicy, randomBackendTLSPolicy, randomGrant, randomNamespace,
		e.extension, e.extension, randomPlugin, randomConfiguration,
		e.ingress, e.ingress, randomIngressClass, e.secret, e.backendConfig, e.frontendConfig, managedCertificate,
	}).Draw(t, "kind")(t)
	if store.RefTo(cluster, o).Kind == kind.Configuration {
		cluster = ""
	}
	if rapid.IntRange(0, 3).Draw(t, "delete") == 0 {
		tx.Delete(store.RefTo(cluster, o))
		return
	}
	tx.Put(cluster, o, "")
}

func pick[T any](t *rapid.T, label string, of ...T) T { return rapid.SampledFrom(of).Draw(t, label) }

func (e edits) service(t *rapid.T) store.Object {
	s := service("store", pick(t, "service", "s0", "s1", "s2"), pick(t, "ports", []int32{80}, []int32{81}, []int32{80, 81})...)
	s.Namespace = pick(t, "namespace", "store", "store", "other")
	s.Annotations = e.ingressAnnotations(t)
	protocol := pick(t, "protocol", "", "kubernetes.io/h2c", "HTTPS")
	s.Spec.Ports[0].AppProtocol = &protocol
	if rapid.Bool().Draw(t, "udp") {
		// HTTP/3 has one number for both.
		udp := corev1.ServicePort{Name: "u80", Port: 80, Protocol: corev1.ProtocolUDP}
		s.Spec.Ports = slices.Insert(s.Spec.Ports, rapid.IntRange(0, len(s.Spec.Ports)).Draw(t, "place"), udp)
	}
	return s
}

func randomExport(t *rapid.T) store.Object { return export(pick(t, "export", "s0", "s1")) }

func (e edits) gateway(t *rapid.T) store.Object {
	gw := gatewayOf(pick(t, "class", "gke-l7-global-external-managed-mc", "gke-l7-rilb", "spillway", "unknown"))
	for i := range rapid.IntRange(1, 3).Draw(t, "listeners") {
		hosts := []string{"", "a.example.com", "*.example.com"}
		l := httpListener(fmt.Sprint("l", i), hosts[i], pick[int32](t, "port", 80, 81))
		from := pick(t, "from", gatewayv1.NamespacesFromAll, gatewayv1.NamespacesFromSame, gatewayv1.NamespacesFromSelector)
		l.AllowedRoutes = &gatewayv1.AllowedRoutes{Namespaces: &gatewayv1.RouteNamespaces{
			From: &from, Selector: &metav1.LabelSelector{MatchLabels: map[string]string{"team": "a"}},
		}}
		if e.breaks(t) {
			l.Hostname = nil
		}
		if e.breaks(t) {
			l.Protocol = gatewayv1.ProtocolType(pick(t, "protocol", "UDP", "HTTPS"))
		}
		gw.Spec.Listeners = append(gw.Spec.Listeners, l)
	}
	if from := pick(t, "sets", "", gatewayv1.NamespacesFromAll, gatewayv1.NamespacesFromSame, gatewayv1.NamespacesFromSelector); from != "" {
		gw.Spec.AllowedListeners = &gatewayv1.AllowedListeners{Namespaces: &gatewayv1.ListenerNamespaces{
			From: &from, Selector: &metav1.LabelSelector{MatchLabels: map[string]string{"team": "b"}},
		}}
	}
	kind := gatewayv1.AddressType(pick(t, "address", "", "", "IPAddress", "NamedAddress"))
	if e.breaks(t) {
		kind = "example.com/none"
	}
	if kind != "" && (e.broken || kind != "IPAddress") {
		gw.Spec.Addresses = []gatewayv1.GatewaySpecAddress{{Type: &kind, Value: pick(t, "value", "192.0.2.1", "name")}}
		if rapid.Bool().Draw(t, "two addresses") {
			gw.Spec.Addresses = append(gw.Spec.Addresses, gatewayv1.GatewaySpecAddress{Type: &kind, Value: pick(t, "value", "192.0.2.2", "name2")})
		}
	}
	return gw
}

// listenerSet is one of two sets of each namespace, whose listeners may conflict with the Gateway's and with each other's.
func (e edits) listenerSet(t *rapid.T) store.Object {
	set := &gatewayv1.ListenerSet{
		TypeMeta:   metav1.TypeMeta{APIVersion: "gateway.networking.k8s.io/v1", Kind: "ListenerSet"},
		ObjectMeta: meta(pick(t, "namespace", "store", "other"), pick(t, "set", "set0", "set1")),
	}
	set.CreationTimestamp = metav1.NewTime(time.Unix(int64(rapid.IntRange(0, 2).Draw(t, "created")), 0))
	set.Spec.ParentRef = gatewayv1.ParentGatewayReference{Name: "web", Namespace: ptr(gatewayv1.Namespace("store"))}
	for i := range rapid.IntRange(1, 2).Draw(t, "listeners") {
		l := httpListener(fmt.Sprint("l", i), pick(t, "host", "", "a.example.com", "b.example.com"), int32(80+i))
		if e.breaks(t) {
			l.Protocol = gatewayv1.ProtocolType(pick(t, "protocol", "UDP", "HTTPS"))
		}
		set.Spec.Listeners = append(set.Spec.Listeners, gatewayv1.ListenerEntry(l))
	}
	return set
}

func (e edits) route(t *rapid.T) store.Object {
	var hosts []gatewayv1.Hostname
	if host := pick(t, "host", "", "a.example.com", "b.example.com", "*.example.com"); host != "" {
		hosts = append(hosts, gatewayv1.Hostname(host))
	}
	r := route(pick(t, "route", "r0", "r1", "r2"), hosts, pick(t, "backend", "s0", "s1", "s2"), pick(t, "backend", "s0", "s1"))
	if rapid.IntRange(0, 2).Draw(t, "elsewhere") == 0 {
		r.Namespace, r.Spec.ParentRefs[0].Namespace = "other", ptr(gatewayv1.Namespace("store"))
	}
	if rapid.IntRange(0, 2).Draw(t, "by set") == 0 {
		parent := gatewayv1.ParentReference{
			Kind: ptr(gatewayv1.Kind("ListenerSet")), Name: gatewayv1.ObjectName(pick(t, "set", "set0", "set1")),
			Namespace: ptr(gatewayv1.Namespace(pick(t, "set's namespace", "store", "other"))),
		}
		r.Spec.ParentRefs = append(r.Spec.ParentRefs[:rapid.IntRange(0, 1).Draw(t, "by Gateway")], parent)
	}
	r.CreationTimestamp = metav1.NewTime(time.Unix(int64(rapid.IntRange(0, 2).Draw(t, "created")), 0))
	for i := range r.Spec.Rules {
		ref := &r.Spec.Rules[i].BackendRefs[0]
		if rapid.Bool().Draw(t, "import") {
			group, kind := gatewayv1.Group("net.gke.io"), gatewayv1.Kind("ServiceImport")
			ref.Group, ref.Kind = &group, &kind
		}
		port := pick[int32](t, "port", 80, 81)
		ref.Port = &port
		if rapid.IntRange(0, 2).Draw(t, "across") == 0 {
			ref.Namespace = ptr(gatewayv1.Namespace(pick(t, "namespace", "store", "other")))
		}
	}
	// A regular expression that does not compile holds the route.
	if e.breaks(t) {
		kind, value := gatewayv1.PathMatchRegularExpression, "("
		r.Spec.Rules[0].Matches[0].Path = &gatewayv1.HTTPPathMatch{Type: &kind, Value: &value}
	}
	if section := pick(t, "section", "", "", "l0", "l1"); section != "" {
		name := gatewayv1.SectionName(section)
		r.Spec.ParentRefs[0].SectionName = &name
	}
	return r
}

func ptr[T any](v T) *T { return &v }

// randomGrant lets routes of one namespace have backends of the other.
func randomGrant(t *rapid.T) store.Object {
	from, to := "other", "store"
	if rapid.Bool().Draw(t, "direction") {
		from, to = to, from
	}
	return &gatewayv1beta1.ReferenceGrant{
		TypeMeta: metav1.TypeMeta{APIVersion: "gateway.networking.k8s.io/v1beta1", Kind: "ReferenceGrant"}, ObjectMeta: meta(to, "grant"),
		Spec: gatewayv1beta1.ReferenceGrantSpec{
			From: []gatewayv1beta1.ReferenceGrantFrom{{Group: "gateway.networking.k8s.io", Kind: "HTTPRoute", Namespace: gatewayv1.Namespace(from)}},
			To: []gatewayv1beta1.ReferenceGrantTo{{
				Group: gatewayv1.Group(pick(t, "group", "", "net.gke.io")), Kind: gatewayv1.Kind(pick(t, "kind", "Service", "ServiceImport")),
			}},
		},
	}
}

func randomNamespace(t *rapid.T) store.Object {
	n := &corev1.Namespace{TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "Namespace"}, ObjectMeta: meta("", pick(t, "namespace", "store", "other"))}
	n.Labels = map[string]string{"team": pick(t, "team", "a", "b")}
	return n
}

func randomGRPCRoute(t *rapid.T) store.Object {
	port := int32(80)
	ref := gatewayv1.BackendObjectReference{Name: gatewayv1.ObjectName(pick(t, "backend", "s0", "s1")), Port: &port}
	return &gatewayv1.GRPCRoute{
		TypeMeta:   metav1.TypeMeta{APIVersion: "gateway.networking.k8s.io/v1", Kind: "GRPCRoute"},
		ObjectMeta: meta("store", "g0"),
		Spec: gatewayv1.GRPCRouteSpec{
			CommonRouteSpec: gatewayv1.CommonRouteSpec{ParentRefs: []gatewayv1.ParentReference{{Name: "web"}}},
			Rules:           []gatewayv1.GRPCRouteRule{{BackendRefs: []gatewayv1.GRPCBackendRef{{BackendRef: gatewayv1.BackendRef{BackendObjectReference: ref}}}}},
		},
	}
}

func randomTarget(t *rapid.T) networkingv1.PolicyTargetReference {
	return pick(t, "target",
		networkingv1.PolicyTargetReference{Kind: "Service", Name: "s0"},
		networkingv1.PolicyTargetReference{Group: "net.gke.io", Kind: "ServiceImport", Name: "s0"},
		networkingv1.PolicyTargetReference{Group: "gateway.networking.k8s.io", Kind: "Gateway", Name: "web"},
	)
}

func typeMeta(kind string) metav1.TypeMeta {
	return metav1.TypeMeta{APIVersion: "networking.gke.io/v1", Kind: kind}
}

func randomHealthCheckPolicy(t *rapid.T) store.Object {
	interval := int64(rapid.IntRange(1, 3).Draw(t, "interval"))
	return &networkingv1.HealthCheckPolicy{
		TypeMeta: typeMeta("HealthCheckPolicy"), ObjectMeta: meta("store", pick(t, "policy", "p0", "p1")),
		Spec: networkingv1.HealthCheckPolicySpec{
			TargetRef: randomTarget(t), Default: &networkingv1.HealthCheckPolicyConfig{CheckIntervalSec: &interval},
		},
	}
}

func randomBackendPolicy(t *rapid.T) store.Object {
	timeout := int64(rapid.IntRange(1, 3).Draw(t, "timeout"))
	return &networkingv1.GCPBackendPolicy{
		TypeMeta: typeMeta("GCPBackendPolicy"), ObjectMeta: meta("store", pick(t, "policy", "p0", "p1")),
		Spec: networkingv1.GCPBackendPolicySpec{
			TargetRef: randomTarget(t), Default: &networkingv1.GCPBackendPolicyConfig{TimeoutSec: &timeout},
		},
	}
}

func randomGatewayPolicy(t *rapid.T) store.Object {
	region := pick(t, "region", "us-west1", "us-east1")
	return &networkingv1.GCPGatewayPolicy{
		TypeMeta: typeMeta("GCPGatewayPolicy"), ObjectMeta: meta("store", pick(t, "policy", "p0", "p1")),
		Spec: networkingv1.GCPGatewayPolicySpec{
			TargetRef: randomTarget(t), Default: &networkingv1.GCPGatewayPolicyConfig{Region: &region},
		},
	}
}

func randomBackendTLSPolicy(t *rapid.T) store.Object {
	system := gatewayv1.WellKnownCACertificatesSystem
	p := &gatewayv1.BackendTLSPolicy{
		TypeMeta:   metav1.TypeMeta{APIVersion: "gateway.networking.k8s.io/v1", Kind: "BackendTLSPolicy"},
		ObjectMeta: meta("store", pick(t, "policy", "b0", "b1")),
		Spec: gatewayv1.BackendTLSPolicySpec{
			TargetRefs: []gatewayv1.LocalPolicyTargetReferenceWithSectionName{{
				LocalPolicyTargetReference: gatewayv1.LocalPolicyTargetReference{Kind: "Service", Name: "s0"},
			}},
			Validation: gatewayv1.BackendTLSPolicyValidation{Hostname: "a.example.com"},
		},
	}
	if section := pick(t, "section", "", "", "p80", "u80"); section != "" {
		p.Spec.TargetRefs[0].SectionName = ptr(gatewayv1.SectionName(section))
	}
	if rapid.Bool().Draw(t, "valid") {
		p.Spec.Validation.WellKnownCACertificates = &system
	}
	return p
}
