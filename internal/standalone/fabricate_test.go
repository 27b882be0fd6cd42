package standalone

import (
	"fmt"
	"net/netip"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	spillwayv1alpha1 "github.com/spillway-lb/spillway/api/spillway/v1alpha1"
	"github.com/spillway-lb/spillway/internal/address"
	"github.com/spillway-lb/spillway/internal/standalone/nodes"
	"github.com/spillway-lb/spillway/internal/status"
	"github.com/spillway-lb/spillway/internal/store"
)

// fabricated is a store after Fabricate.
func fabricated(t *testing.T, objects ...store.Object) *running {
	t.Helper()
	r := &running{t: t, store: store.New(Indexes()...)}
	r.put(append(objects, clusterObject())...)
	Fabricate(r.store, status.NewWriter(r.store, status.Limits{}), Options{}, time.Unix(1e9, 0))
	return r
}

func TestFabricateRunsNothing(t *testing.T) {
	objects := []store.Object{
		deployment("store", whereamiImage, 250), serviceObject("store", intstr.FromString("http")),
		deployment("other", "example.com/other", 1), serviceObject("other", intstr.FromInt32(8080)),
	}
	r := fabricated(t, objects...)
	all := r.endpoints("store")
	if len(all) != 250 || len(r.endpoints("other")) != 0 {
		t.Fatalf("%d and %d endpoints", len(all), len(r.endpoints("other")))
	}
	for _, e := range all {
		at := netip.MustParseAddrPort(e)
		if !address.Pods("gke-west-1").Contains(at.Addr()) || at.Port() != 8080 {
			t.Errorf("endpoint %s", at)
		}
	}
	if again := fabricated(t, objects...).endpoints("store"); fmt.Sprint(again) != fmt.Sprint(all) {
		t.Error("the same objects make other endpoints")
	}
}

func TestFabricateKnowsMappedAddresses(t *testing.T) {
	r := fabricated(t, deployment("app", "example.com/app", 1), serviceObject("app", intstr.FromInt32(8080)),
		configuration(spillwayv1alpha1.Image{Image: "example.com/*", Address: "localhost:9000"}))
	if got := fmt.Sprint(r.endpoints("app")); got != "[127.0.0.1:9000]" {
		t.Errorf("endpoints are %s", got)
	}
}

func TestSlicesAreLikeKubernetes(t *testing.T) {
	r := fabricated(t, deployment("store", whereamiImage, 250), serviceObject("store", intstr.FromString("http")),
		serviceObject("empty", intstr.FromInt32(80)))
	count := map[string]int{}
	r.store.Snapshot().Walk("EndpointSlice.discovery.k8s.io", "", "", func(e *store.Entry) bool {
		s := e.Object.(*discoveryv1.EndpointSlice)
		count[s.Labels[discoveryv1.LabelServiceName]]++
		if len(s.Endpoints) > maxSlice {
			t.Errorf("%s has %d endpoints", s.Name, len(s.Endpoints))
		}
		if s.Labels[discoveryv1.LabelManagedBy] != "endpointslice-controller.k8s.io" || s.OwnerReferences[0].Kind != "Service" ||
			s.AddressType != discoveryv1.AddressTypeIPv4 {
			t.Errorf("slice is %+v", s.ObjectMeta)
		}
		for _, x := range s.Endpoints {
			if x.NodeName == nil || x.Zone == nil || x.TargetRef.UID == "" || !*x.Conditions.Serving || *x.Conditions.Terminating {
				t.Errorf("endpoint is %+v", x)
			}
		}
		return true
	})
	if count["store"] < 3 || count["store"] > 5 || count["empty"] != 1 {
		t.Errorf("slices are %v", count)
	}
}

func TestNodesOfAZone(t *testing.T) {
	own := &corev1.Node{
		TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "Node"},
		ObjectMeta: metav1.ObjectMeta{
			Name: "mine", Labels: map[string]string{corev1.LabelTopologyZone: "us-west1-b"},
		},
	}
	r := fabricated(t, own)
	var names []string
	for _, ref := range r.store.Snapshot().List("Node", "", "") {
		names = append(names, ref.Name)
	}
	want := fmt.Sprint([]string{(nodes.Place{Cluster: "gke-west-1", Zone: "us-west1-a"}).Name(), "mine"})
	if fmt.Sprint(names) != want {
		t.Errorf("nodes are %v, want %s", names, want)
	}
	if name := (nodes.Place{Cluster: "gke-west-1", Zone: "us-west1-a"}).Name(); len(name) != len("gke-gke-west-1-default-pool-65059399-2f41") {
		t.Errorf("name is %s", name)
	}
}

func TestPortsThatMoveAreSlicesOfTheirOwn(t *testing.T) {
	port := func(n int32) []discoveryv1.EndpointPort {
		return []discoveryv1.EndpointPort{{Name: new(""), Port: &n, Protocol: new(corev1.ProtocolTCP)}}
	}
	if portsText(port(80)) == portsText(port(10080)) {
		t.Error("different ports are one group")
	}
	pod := deployment("store", whereamiImage, 1).Spec.Template
	p := &corev1.Pod{Spec: pod.Spec}
	service := corev1.ServicePort{Port: 80, TargetPort: intstr.FromString("http")}
	for _, tc := range []struct {
		bound map[string]uint16
		want  int32
	}{
		{nil, 8080},
		{map[string]uint16{"8080": 18080}, 18080},
		{map[string]uint16{"*": 9}, 9},
		{map[string]uint16{"80": 10080}, 8080},
	} {
		got, ok := endpointPort(&service, p, tc.bound)
		if !ok || *got.Port != tc.want {
			t.Errorf("with %v the port is %d", tc.bound, *got.Port)
		}
	}
	service.TargetPort = intstr.FromString("absent")
	if _, ok := endpointPort(&service, p, nil); ok {
		t.Error("a port that no container names is there")
	}
}
