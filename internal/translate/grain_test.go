package translate_test

import (
	"fmt"
	"maps"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/spillway-lb/spillway/internal/recompute"
	"github.com/spillway-lb/spillway/internal/store"
	"github.com/spillway-lb/spillway/internal/translate"
)

// counted wraps every translator with a count of its runs by unit kind.
func counted(runs map[string]int) recompute.Config {
	config := translate.Config(options())
	for kind, translator := range config.Units {
		config.Units[kind] = func(v *recompute.View, key string) recompute.Result {
			runs[kind]++
			return translator(v, key)
		}
	}
	return config
}

// countedByKey is counted with a count for each unit, "KIND KEY".
func countedByKey(runs map[string]int) recompute.Config {
	config := translate.Config(options())
	for kind, translator := range config.Units {
		config.Units[kind] = func(v *recompute.View, key string) recompute.Result {
			runs[kind+" "+key]++
			return translator(v, key)
		}
	}
	return config
}

func kindOfRun(unit string) string {
	kind, _, _ := strings.Cut(unit, " ")
	return kind
}

// ofPods are the kinds of units that an endpoint that comes or goes may run.
var ofPods = []string{"neg.members", "neg", "neg.sizes", "backend.weights", "fleet.slice"}

// TestAnEditRunsAFewUnits holds the grain: what an edit costs does not depend on how many routes its Gateway has.
func TestAnEditRunsAFewUnits(t *testing.T) {
	const routes = 50
	runs := map[string]int{}
	w := newWorld()
	w.engine = recompute.New(counted(runs))
	w.commit(t, func(tx *store.Tx) {
		tx.Put("c", cluster("c", "us-west1"), "")
		tx.Put("c", gatewayOf("gke-l7-global-external-managed", httpListener("http", "", 80)), "")
		for i := range 3 {
			tx.Put("c", service("store", fmt.Sprint("s", i), 80), "")
		}
		for i := range routes {
			tx.Put("c", route(fmt.Sprint("r", i), nil, "s0", "s1"), "")
		}
	})
	for _, c := range []struct {
		what string
		edit func(*store.Tx)
		most int
	}{
		{"a route to a known backend", func(tx *store.Tx) { tx.Put("c", route("r7", nil, "s1", "s0"), "") }, 2},
		{"a route to a backend that was never used", func(tx *store.Tx) { tx.Put("c", route("r7", nil, "s2"), "") }, 13},
		{"a new route", func(tx *store.Tx) { tx.Put("c", route("new", nil, "s0"), "") }, 4},
		{"a route less", func(tx *store.Tx) { tx.Delete(store.RefTo("c", route("new", nil))) }, 4},
		{"a port more of a Service", func(tx *store.Tx) { tx.Put("c", service("store", "s0", 80, 81), "") }, 5},
	} {
		clear(runs)
		w.commit(t, c.edit)
		total := 0
		for _, n := range runs {
			total += n
		}
		if total > c.most {
			t.Errorf("%s ran %d units: %v", c.what, total, runs)
		}
	}
}

// TestAPodRunsItsServiceAlone: an endpoint that comes re-runs the groups and the weights of its Service and nothing else.
func TestAPodRunsItsServiceAlone(t *testing.T) {
	runs := map[string]int{}
	w := newWorld()
	w.engine = recompute.New(counted(runs))
	slice := func(name string, addresses ...string) *discoveryv1.EndpointSlice {
		tcp, port, portName := corev1.ProtocolTCP, int32(8080), "p80"
		s := &discoveryv1.EndpointSlice{
			TypeMeta:    metav1.TypeMeta{APIVersion: "discovery.k8s.io/v1", Kind: "EndpointSlice"},
			ObjectMeta:  metav1.ObjectMeta{Namespace: "store", Name: name, Labels: map[string]string{discoveryv1.LabelServiceName: name}},
			AddressType: discoveryv1.AddressTypeIPv4, Ports: []discoveryv1.EndpointPort{{Name: &portName, Port: &port, Protocol: &tcp}},
		}
		for _, a := range addresses {
			s.Endpoints = append(s.Endpoints, discoveryv1.Endpoint{Addresses: []string{a}})
		}
		return s
	}
	w.commit(t, func(tx *store.Tx) {
		tx.Put("c", cluster("c", "us-west1"), "")
		tx.Put("d", cluster("d", "us-east1"), "")
		tx.Put("c", gatewayOf("gke-l7-global-external-managed", httpListener("http", "", 80)), "")
		for i := range 5 {
			tx.Put("c", service("store", fmt.Sprint("s", i), 80), "")
			tx.Put("c", slice(fmt.Sprint("s", i), "127.0.0.1"), "")
			tx.Put("c", route(fmt.Sprint("r", i), nil, fmt.Sprint("s", i)), "")
		}
	})
	clear(runs)
	w.commit(t, func(tx *store.Tx) { tx.Put("c", slice("s3", "127.0.0.1", "127.0.0.2"), "") })
	want := map[string]int{"neg.members": 1, "neg": 1, "neg.sizes": 1, "backend.weights": 2}
	if !maps.Equal(runs, want) {
		t.Errorf("ran %v, want %v", runs, want)
	}
}

// TestRoutesThatComeTogetherCostTheirGatewayOneRun: attached routes are counted, not listed.
func TestRoutesThatComeTogetherCostTheirGatewayOneRun(t *testing.T) {
	runs := map[string]int{}
	w := newWorld()
	w.engine = recompute.New(counted(runs))
	w.commit(t, func(tx *store.Tx) {
		tx.Put("c", cluster("c", "us-west1"), "")
		tx.Put("c", gatewayOf("gke-l7-global-external-managed", httpListener("http", "", 80)), "")
		tx.Put("c", service("store", "s0", 80), "")
	})
	clear(runs)
	w.commit(t, func(tx *store.Tx) {
		for i := range 1000 {
			tx.Put("c", route(fmt.Sprint("r", i), nil, "s0"), "")
		}
	})
	if n := runs["gateway.gateway"]; n != 1 {
		t.Errorf("the Gateway's status ran %d times: %v", n, runs)
	}
}
