package neg

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
	spillwayv1alpha1 "github.com/spillway-lb/spillway/api/spillway/v1alpha1"
	"github.com/spillway-lb/spillway/internal/fleet"
	"github.com/spillway-lb/spillway/internal/names"
	"github.com/spillway-lb/spillway/internal/recompute"
	"github.com/spillway-lb/spillway/internal/store"
)

// world runs the units over a store and holds what they publish.
type world struct {
	t         *testing.T
	store     *store.Store
	sub       *store.Subscription
	engine    *recompute.Engine
	resources map[string]*lbv1.Resource
	groups    *Groups
	reads     int
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{t: t, resources: map[string]*lbv1.Resource{}}
	units := Units()
	maps.Copy(units, fleet.Units())
	units[UnitIngressPorts] = func(*recompute.View, string) recompute.Result { return recompute.Result{} }
	// A root of the test reads the groups of store/store as a backend service would.
	units["test"] = func(v *recompute.View, _ string) recompute.Result {
		w.reads++
		w.groups, _, _ = recompute.Value[*Groups](v, UnitGroups, Key("c", "store", "store", 80))
		return recompute.Result{State: recompute.Present}
	}
	w.store = store.New(fleet.Indexes()...)
	w.sub = w.store.Subscribe()
	w.engine = recompute.New(recompute.Config{
		Units: units, Roots: append(fleet.Roots(), recompute.Root{Kind: "Cluster.spillway.dev", Unit: "test"}),
	})
	w.put(&spillwayv1alpha1.Cluster{
		TypeMeta:   metav1.TypeMeta{APIVersion: "spillway.dev/v1alpha1", Kind: "Cluster"},
		ObjectMeta: metav1.ObjectMeta{Name: "c"},
		Spec:       spillwayv1alpha1.ClusterSpec{Region: "us-west1", Zones: []string{"us-west1-a", "us-west1-b"}},
	})
	return w
}

func (w *world) put(objects ...store.Object) {
	w.store.Commit(func(tx *store.Tx) {
		for _, o := range objects {
			tx.Put("c", o, "test")
		}
	})
}

func (w *world) remove(o store.Object) {
	w.store.Commit(func(tx *store.Tx) { tx.Delete(store.RefTo("c", o)) })
}

// run returns the keys of the resources that changed, deletes with a minus.
func (w *world) run() []string {
	w.t.Helper()
	round := w.engine.Run(w.sub.Take())
	for _, p := range round.Problems {
		w.t.Fatalf("%s: %s", p.Unit, p.Text)
	}
	var changed []string
	for _, r := range round.Tx.GetUpserts() {
		k := lbv1.KeyOf(r)
		changed = append(changed, k.GetKind()+" "+k.GetName())
		w.resources[k.GetKind()+" "+k.GetName()] = r
	}
	for _, k := range round.Tx.GetDeletes() {
		changed = append(changed, "-"+k.GetKind()+" "+k.GetName())
		delete(w.resources, k.GetKind()+" "+k.GetName())
	}
	return changed
}

// endpoints shows the members of a zone's group as ADDRESS:PORT, with what is special about them.
func (w *world) endpoints(zone string) string {
	var all []string
	for _, key := range slices.Sorted(maps.Keys(w.resources)) {
		s := w.resources[key].GetEndpointShard()
		if z, _ := names.SplitGroup(s.GetGroup()); z != zone {
			continue
		}
		for _, e := range s.GetEndpoints() {
			text := fmt.Sprintf("%s:%d", e.GetAddress(), e.GetPort())
			if e.GetDraining() {
				text += " draining"
			}
			all = append(all, text)
		}
	}
	slices.Sort(all)
	return strings.Join(all, ", ")
}

func (w *world) expect(zone, want string) {
	w.t.Helper()
	if got := w.endpoints(zone); got != want {
		w.t.Errorf("endpoints in %s:\n got %s\nwant %s", zone, got, want)
	}
}

func meta(name string) metav1.ObjectMeta {
	return metav1.ObjectMeta{Namespace: "store", Name: name}
}

func service() *corev1.Service {
	return &corev1.Service{
		TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "Service"}, ObjectMeta: meta("store"),
		Spec: corev1.ServiceSpec{Ports: []corev1.ServicePort{{Name: "http", Port: 80, TargetPort: intstr.FromString("web")}}},
	}
}

func node(name, zone string) *corev1.Node {
	return &corev1.Node{
		TypeMeta:   metav1.TypeMeta{APIVersion: "v1", Kind: "Node"},
		ObjectMeta: metav1.ObjectMeta{Name: name, Labels: map[string]string{corev1.LabelTopologyZone: zone}},
	}
}

type endpoint struct {
	address, node, zone, pod string
	unready, terminating     bool
}

func slice(name string, port int32, endpoints ...endpoint) *discoveryv1.EndpointSlice {
	s := &discoveryv1.EndpointSlice{
		TypeMeta:   metav1.TypeMeta{APIVersion: "discovery.k8s.io/v1", Kind: "EndpointSlice"},
		ObjectMeta: meta(name), AddressType: discoveryv1.AddressTypeIPv4,
		Ports: []discoveryv1.EndpointPort{{Name: new("http"), Port: &port}},
	}
	s.Labels = map[string]string{discoveryv1.LabelServiceName: "store"}
	for _, e := range endpoints {
		x := discoveryv1.Endpoint{Addresses: []string{e.address}}
		x.Conditions.Ready = new(!e.unready && !e.terminating)
		x.Conditions.Terminating = &e.terminating
		if e.node != "" {
			x.NodeName = &e.node
		}
		if e.zone != "" {
			x.Zone = &e.zone
		}
		if e.pod != "" {
			x.TargetRef = &corev1.ObjectReference{Kind: "Pod", Name: e.pod}
		}
		s.Endpoints = append(s.Endpoints, x)
	}
	return s
}

func TestNames(t *testing.T) {
	for _, tc := range []struct {
		uid, namespace, service string
		port                    int32
		want                    string
	}{
		{"01234567", "namespace", "name", 80, "k8s1-01234567-namespace-name-80-5104b449"},
		{"0123456789abcdef", "namespace", "name", 80, "k8s1-01234567-namespace-name-80-5104b449"},
	} {
		if got := Name(tc.uid, tc.namespace, tc.service, tc.port); got != tc.want {
			t.Errorf("Name(%q, %q, %q, %d) = %s, want %s", tc.uid, tc.namespace, tc.service, tc.port, got, tc.want)
		}
	}
	long := Name("01234567", strings.Repeat("n", 63), strings.Repeat("s", 63), 65535)
	if len(long) != 63-1 && len(long) != 63 {
		t.Errorf("%s has %d characters", long, len(long))
	}
	if !strings.HasPrefix(long, "k8s1-01234567-nnnn") || strings.Count(long, "n")+strings.Count(long, "s") < 30 {
		t.Errorf("trimmed to %s", long)
	}
}

func TestTrimEvenly(t *testing.T) {
	for _, tc := range []struct {
		fields, want []string
	}{
		{[]string{"abc", "def", "80"}, []string{"abc", "def", "80"}},
		// 40 characters for 38: each field of length l becomes l - l*2/40 - 1, and what is left over goes to the first.
		{
			[]string{strings.Repeat("a", 18), strings.Repeat("b", 18), "8080"},
			[]string{strings.Repeat("a", 18), strings.Repeat("b", 17), "808"},
		},
	} {
		if got := names.TrimEvenly(maxFields, tc.fields...); !slices.Equal(got, tc.want) {
			t.Errorf("TrimEvenly(%q) = %q, want %q", tc.fields, got, tc.want)
		}
	}
}

func TestGroupInEveryZoneWithNodes(t *testing.T) {
	w := newWorld(t)
	w.put(service(), node("n1", "us-west1-a"), node("n2", "us-west1-c"))
	w.run()
	if got := fmt.Sprint(zonesOf(w.groups)); got != "[us-west1-a us-west1-c]" {
		t.Errorf("zones are %s", got)
	}
	if g := w.groups.Groups[0]; g.Region != "us-west1" || g.Cluster != "c" || !strings.HasPrefix(g.Name, "us-west1-a/k8s1-") {
		t.Errorf("group is %+v", g)
	}
	r := w.resources["network_endpoint_group "+w.groups.Groups[0].Name].GetNetworkEndpointGroup()
	want := `{"cluster-uid":"2e7d2c03","namespace":"store","service-name":"store","port":"80"}`
	if r.GetDescription() != want || r.GetShards() != 1 {
		t.Errorf("resource is %v", r)
	}
	cordoned := node("n2", "us-west1-c")
	cordoned.Labels[corev1.LabelNodeExcludeBalancers] = ""
	w.put(cordoned)
	w.run()
	if got := fmt.Sprint(zonesOf(w.groups)); got != "[us-west1-a]" {
		t.Errorf("zones are %s after a Node was excluded", got)
	}
}

func zonesOf(g *Groups) []string {
	var zones []string
	for _, x := range g.Groups {
		zones = append(zones, x.Zone)
	}
	return zones
}

func TestWithoutNodesTheClustersZonesCount(t *testing.T) {
	w := newWorld(t)
	w.put(service())
	w.run()
	if got := fmt.Sprint(zonesOf(w.groups)); got != "[us-west1-a us-west1-b]" {
		t.Errorf("zones are %s", got)
	}
}

func TestZoneOfAnEndpoint(t *testing.T) {
	w := newWorld(t)
	byProvider := node("n3", "")
	byProvider.Spec.ProviderID = "gce://demo/us-west1-c/n3"
	w.put(service(), node("n1", "us-west1-a"), node("n2", "us-west1-b"), byProvider)
	w.put(slice("s", 8080,
		endpoint{address: "10.0.0.1", node: "n1", zone: "elsewhere"},
		endpoint{address: "10.0.0.2", node: "gone", zone: "us-west1-b"},
		endpoint{address: "127.0.0.3"},
		endpoint{address: "10.0.0.4", node: "n3"},
		endpoint{address: "10.0.0.5", pod: "p"},
		endpoint{address: "10.0.0.6", zone: "europe-west4-b"},
	))
	w.put(&corev1.Pod{
		TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "Pod"}, ObjectMeta: meta("p"),
		Spec: corev1.PodSpec{NodeName: "n2"},
	})
	w.run()
	w.expect("us-west1-a", "10.0.0.1:8080, 127.0.0.3:8080")
	w.expect("us-west1-b", "10.0.0.2:8080, 10.0.0.5:8080")
	w.expect("us-west1-c", "10.0.0.4:8080")
	w.expect("europe-west4-b", "10.0.0.6:8080")
	if g := w.groups.Groups[0]; g.Zone != "europe-west4-b" || g.Region != "europe-west4" {
		t.Errorf("a zone that nobody declared is %+v", g)
	}
}

func TestConditionsOfEndpoints(t *testing.T) {
	w := newWorld(t)
	w.put(service(), node("n", "us-west1-a"), slice("s", 8080,
		endpoint{address: "10.0.0.1", node: "n", unready: true},
		endpoint{address: "10.0.0.2", node: "n", terminating: true},
		endpoint{address: "10.0.0.3", node: "n"},
	))
	w.run()
	w.expect("us-west1-a", "10.0.0.1:8080, 10.0.0.2:8080 draining, 10.0.0.3:8080")
}

func TestPortsOfSlices(t *testing.T) {
	w := newWorld(t)
	other := slice("other", 9090, endpoint{address: "10.0.0.9", node: "n"})
	other.Ports[0].Name = new("admin")
	w.put(service(), node("n", "us-west1-a"), other,
		slice("s1", 8080, endpoint{address: "10.0.0.1", node: "n"}),
		slice("s2", 8081, endpoint{address: "10.0.0.2", node: "n"}),
	)
	w.run()
	w.expect("us-west1-a", "10.0.0.1:8080, 10.0.0.2:8081")
	if got := w.resources["network_endpoint_group "+w.groups.Groups[0].Name].GetNetworkEndpointGroup().GetDefaultPort(); got != 8080 {
		t.Errorf("default port of a named target port is %d", got)
	}
}

func TestDuplicatesAndFamilies(t *testing.T) {
	w := newWorld(t)
	six := slice("six", 8080, endpoint{address: "::1", node: "n"})
	six.AddressType = discoveryv1.AddressTypeIPv6
	names := slice("names", 8080, endpoint{address: "example.com", node: "n"})
	names.AddressType = discoveryv1.AddressTypeFQDN
	w.put(service(), node("n", "us-west1-a"), six, names)
	w.run()
	w.expect("us-west1-a", "::1:8080")
	w.put(slice("s1", 8080, endpoint{address: "10.0.0.1", node: "n", pod: "b"}),
		slice("s2", 8080, endpoint{address: "10.0.0.1", node: "n", pod: "a"}))
	w.run()
	w.expect("us-west1-a", "10.0.0.1:8080")
	for _, r := range w.resources {
		if s := r.GetEndpointShard(); len(s.GetEndpoints()) > 0 && s.GetEndpoints()[0].GetPod() != "store/a" {
			t.Errorf("of two Pods with one address %s was kept", s.GetEndpoints()[0].GetPod())
		}
	}
}

func TestAbsentWithoutServiceOrPort(t *testing.T) {
	w := newWorld(t)
	w.run()
	if w.groups != nil {
		t.Error("groups without a Service")
	}
	s := service()
	s.Spec.Ports[0].Port = 81
	w.put(s)
	w.run()
	if w.groups != nil {
		t.Error("groups of a port that is not there")
	}
	s = service()
	s.Spec.Ports[0].AppProtocol = new("kubernetes.io/h2c")
	w.put(s)
	w.run()
	if w.groups == nil || w.groups.AppProtocol != "kubernetes.io/h2c" {
		t.Errorf("groups are %+v", w.groups)
	}
	w.remove(s)
	w.run()
	if w.groups != nil || len(w.resources) != 0 {
		t.Errorf("%d resources outlive the Service", len(w.resources))
	}
}

func TestUIDFromConfigMap(t *testing.T) {
	w := newWorld(t)
	w.put(service(), &corev1.ConfigMap{
		TypeMeta:   metav1.TypeMeta{APIVersion: "v1", Kind: "ConfigMap"},
		ObjectMeta: metav1.ObjectMeta{Namespace: "kube-system", Name: "ingress-uid"},
		Data:       map[string]string{"uid": "89f6839e-1234"},
	})
	w.run()
	if got := w.groups.Groups[0].Name; !strings.HasPrefix(got, "us-west1-a/k8s1-89f6839e-store-store-80-") {
		t.Errorf("name is %s", got)
	}
}

func TestEndpointChangeWakesNoReaderAndTouchesOneShard(t *testing.T) {
	w := newWorld(t)
	var endpoints []endpoint
	for i := range 1500 {
		endpoints = append(endpoints, endpoint{address: fmt.Sprintf("10.0.%d.%d", i/250, i%250+1), node: "n"})
	}
	w.put(service(), node("n", "us-west1-a"), slice("s", 8080, endpoints...))
	w.run()
	seen := 0
	for key, r := range w.resources {
		if n := len(r.GetEndpointShard().GetEndpoints()); n > maxShard {
			t.Errorf("%s has %d endpoints", key, n)
		} else {
			seen += n
		}
	}
	if seen != len(endpoints) {
		t.Errorf("shards hold %d endpoints, want %d", seen, len(endpoints))
	}
	before := w.reads
	for i := range 10 {
		endpoints[i*100].terminating = true
		w.put(slice("s", 8080, endpoints...))
		changed := w.run()
		if len(changed) != 1 || !strings.HasPrefix(changed[0], "endpoint_shard ") {
			t.Errorf("one endpoint changed %v", changed)
		}
	}
	if w.reads != before {
		t.Error("an endpoint change woke a reader of the groups")
	}
	// Growing splits shards now and then, and moves nothing else.
	touched := 0
	for i := range 60 {
		endpoints = append(endpoints, endpoint{address: fmt.Sprintf("10.1.0.%d", i+1), node: "n"})
		w.put(slice("s", 8080, endpoints...))
		touched += len(w.run())
	}
	if touched > 120 {
		t.Errorf("60 new endpoints changed %d resources", touched)
	}
}

func TestNodeHeartbeatRunsNoGroup(t *testing.T) {
	w := newWorld(t)
	w.put(service(), node("n", "us-west1-a"), slice("s", 8080, endpoint{address: "10.0.0.1", node: "n"}))
	w.run()
	beat := node("n", "us-west1-a")
	beat.Annotations = map[string]string{"beat": "1"}
	w.put(beat)
	if changed := w.run(); len(changed) != 0 {
		t.Errorf("a heartbeat changed %v", changed)
	}
}
