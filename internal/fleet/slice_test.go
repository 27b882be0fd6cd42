package fleet

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	mcsv1beta1 "sigs.k8s.io/mcs-api/pkg/apis/v1beta1"

	"github.com/spillway-lb/spillway/internal/kind"
)

// endpointSlice is one of the Service store/store.
func endpointSlice(name string, ports []string, addresses ...string) *discoveryv1.EndpointSlice {
	s := &discoveryv1.EndpointSlice{
		TypeMeta: metav1.TypeMeta{APIVersion: "discovery.k8s.io/v1", Kind: "EndpointSlice"}, ObjectMeta: meta("store", name, 0),
		AddressType: discoveryv1.AddressTypeIPv4,
	}
	s.Labels = map[string]string{
		discoveryv1.LabelServiceName: "store", discoveryv1.LabelManagedBy: "endpointslice-controller.k8s.io",
	}
	for _, p := range ports {
		s.Ports = append(s.Ports, discoveryv1.EndpointPort{Name: new(p), Port: new(int32(8080))})
	}
	for _, a := range addresses {
		s.Endpoints = append(s.Endpoints, discoveryv1.Endpoint{
			Addresses: []string{a}, NodeName: new("node"), Zone: new("zone"), TargetRef: &corev1.ObjectReference{Kind: "Pod", Name: a},
		})
	}
	return s
}

// imported shows the imported slices of a cluster as SOURCE PORTS ADDRESSES.
func (w *world) imported(cluster string) string {
	var all []string
	for _, ref := range w.store.Snapshot().List(kind.EndpointSlice, cluster, "store") {
		s := w.store.Snapshot().Get(ref).Object.(*discoveryv1.EndpointSlice)
		if s.Labels[mcsv1beta1.LabelServiceName] != "store" {
			continue
		}
		var ports, addresses []string
		for _, p := range s.Ports {
			ports = append(ports, *p.Name)
		}
		for _, e := range s.Endpoints {
			addresses = append(addresses, e.Addresses[0])
		}
		all = append(all, fmt.Sprint(s.Labels[mcsv1beta1.LabelSourceCluster], " ", ports, addresses))
	}
	slices.Sort(all)
	return strings.Join(all, ", ")
}

func TestSlicesOfExportsAreInEveryMember(t *testing.T) {
	w := newWorld(t)
	for _, c := range []string{"a", "b"} {
		w.put(c, cluster(c, c == "a"))
		w.put(c, service("store", tcp("http", 80)))
		w.put(c, endpointSlice("store-1", []string{"http"}, "10.0.0."+c))
	}
	w.put("b", endpointSlice("store-2", []string{"http"}))
	w.run()
	if got := w.imported("a"); got != "" {
		t.Errorf("without an export there is %s", got)
	}
	w.put("b", netExport("store", 0))
	w.run()
	const ofB = "b [http] [10.0.0.b], b [http] []"
	for _, c := range []string{"a", "b"} {
		if got := w.imported(c); got != ofB {
			t.Errorf("%s has %s", c, got)
		}
	}
	w.put("a", mcsExport("store", 0))
	w.put("b", endpointSlice("store-1", []string{"http"}, "10.0.1.b"))
	w.remove("b", kind.EndpointSlice, "store-2")
	w.run()
	for _, c := range []string{"a", "b"} {
		if got, want := w.imported(c), "a [http] [10.0.0.a], b [http] [10.0.1.b]"; got != want {
			t.Errorf("%s has %s, want %s", c, got, want)
		}
	}
	w.remove("a", kind.MCSServiceExport, "store")
	w.remove("b", kind.ServiceExport, "store")
	w.run()
	if got := w.imported("a"); got != "" {
		t.Errorf("after the last export there is %s", got)
	}
}

// TestSlicesAreWhereTheyAreNeeded: a member that has Namespaces, and not this one, has no Service that leads to them.
func TestSlicesAreWhereTheyAreNeeded(t *testing.T) {
	namespace := func(name string) *corev1.Namespace {
		return &corev1.Namespace{TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "Namespace"}, ObjectMeta: metav1.ObjectMeta{Name: name}}
	}
	pod := &corev1.Pod{TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "Pod"}, ObjectMeta: meta("store", "p", 0)}
	w := newWorld(t)
	for _, c := range []string{"a", "b"} {
		w.put(c, cluster(c, c == "a"))
	}
	w.put("b", service("store", tcp("http", 80)))
	w.put("b", endpointSlice("store-1", []string{"http"}, "10.0.0.1"))
	w.put("b", netExport("store", 0))
	const ofB = "b [http] [10.0.0.1]"
	for _, step := range []struct {
		what string
		do   func()
		want string
	}{
		{"no Namespaces at all", func() {}, ofB},
		{"another Namespace", func() { w.put("a", namespace("other")) }, ""},
		{"a Pod", func() { w.put("a", pod) }, ofB},
		{"the Pod goes", func() { w.remove("a", kind.Pod, "p") }, ""},
		{"a Service of its own", func() { w.put("a", service("store", tcp("own", 80))) }, ofB},
		{"the Service goes", func() { w.remove("a", kind.Service, "store") }, ""},
		{"the Namespace", func() { w.put("a", namespace("store")) }, ofB},
	} {
		step.do()
		w.run()
		if got := w.imported("a"); got != step.want {
			t.Errorf("%s: a has %q, want %q", step.what, got, step.want)
		}
		if got := w.imported("b"); got != ofB {
			t.Errorf("%s: b has %q", step.what, got)
		}
	}
}

func TestImportedSlicesNameNothingOfTheirCluster(t *testing.T) {
	w := newWorld(t)
	w.put("a", cluster("a", true))
	w.put("b", cluster("b", false))
	w.put("b", service("store", tcp("http", 80)))
	w.put("b", endpointSlice("store-1", []string{"http"}, "10.0.0.1"))
	w.put("b", netExport("store", 0))
	w.run()
	var found []*discoveryv1.EndpointSlice
	for _, ref := range w.store.Snapshot().List(kind.EndpointSlice, "a", "store") {
		found = append(found, w.store.Snapshot().Get(ref).Object.(*discoveryv1.EndpointSlice))
	}
	if len(found) != 1 {
		t.Fatalf("%d slices", len(found))
	}
	s, e := found[0], found[0].Endpoints[0]
	derived := DerivedName("store", "store")
	if !strings.HasPrefix(s.Name, derived+"-") || s.Labels[discoveryv1.LabelServiceName] != derived ||
		s.Labels[discoveryv1.LabelManagedBy] == "endpointslice-controller.k8s.io" {
		t.Errorf("slice is %+v", s.ObjectMeta)
	}
	if e.TargetRef != nil || e.NodeName != nil || e.Zone == nil || *e.Zone != "zone" {
		t.Errorf("endpoint is %+v", e)
	}
}

func TestConflictingPortsAreNotImported(t *testing.T) {
	w := newWorld(t)
	for i, c := range []string{"a", "b"} {
		w.put(c, cluster(c, c == "a"))
		w.put(c, service("store", tcp("http", 80), tcp("admin", int32(90+i))))
		w.put(c, endpointSlice("store-1", []string{"http", "admin"}, "10.0.0."+c))
		w.put(c, netExport("store", 10-i))
	}
	w.run()
	if got, want := w.imported("a"), "a [http admin] [10.0.0.a], b [http] [10.0.0.b]"; got != want {
		t.Errorf("slices are %s, want %s", got, want)
	}
}

func TestOnlyTheSliceThatChangedIsCopiedAgain(t *testing.T) {
	w := newWorld(t)
	w.put("a", cluster("a", true))
	w.put("a", service("store", tcp("http", 80)))
	w.put("a", netExport("store", 0))
	for i := range 10 {
		w.put("a", endpointSlice(fmt.Sprint("store-", i), []string{"http"}, "10.0.0.1"))
	}
	w.run()
	w.put("a", endpointSlice("store-3", []string{"http"}, "10.0.0.2"))
	round := w.engine.Run(w.sub.Take())
	if len(round.Writes) != 1 || round.Writes[0].Ref.Kind != kind.EndpointSlice {
		t.Errorf("writes are %+v", round.Writes)
	}
}
