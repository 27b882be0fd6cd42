package store_test

import (
	"slices"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/spillway-lb/spillway/internal/store"
)

func typed(apiVersion, kind string) (metav1.TypeMeta, metav1.ObjectMeta) {
	return metav1.TypeMeta{APIVersion: apiVersion, Kind: kind}, metav1.ObjectMeta{
		Namespace: "n", Name: "x", ResourceVersion: "1", Annotations: map[string]string{"a": "1"},
	}
}

func node() *corev1.Node {
	n := &corev1.Node{Status: corev1.NodeStatus{
		Conditions: []corev1.NodeCondition{{Type: corev1.NodeReady, Status: corev1.ConditionTrue, LastHeartbeatTime: metav1.Unix(1, 0)}},
		Addresses:  []corev1.NodeAddress{{Type: corev1.NodeInternalIP, Address: "10.0.0.1"}},
	}}
	n.TypeMeta, n.ObjectMeta = typed("v1", "Node")
	return n
}

func pod() *corev1.Pod {
	p := &corev1.Pod{Status: corev1.PodStatus{Phase: corev1.PodPending}}
	p.TypeMeta, p.ObjectMeta = typed("v1", "Pod")
	return p
}

func slice() *discoveryv1.EndpointSlice {
	s := &discoveryv1.EndpointSlice{Endpoints: []discoveryv1.Endpoint{{Addresses: []string{"10.0.0.1"}}}}
	s.TypeMeta, s.ObjectMeta = typed("discovery.k8s.io/v1", "EndpointSlice")
	return s
}

func gateway() *gatewayv1.Gateway {
	g := &gatewayv1.Gateway{}
	g.TypeMeta, g.ObjectMeta = typed("gateway.networking.k8s.io/v1", "Gateway")
	return g
}

func change[T any](make func() T, f func(T)) T {
	o := make()
	f(o)
	return o
}

// TestWhatAnEditTouches: content, status and noise of an object are told apart.
func TestWhatAnEditTouches(t *testing.T) {
	for name, c := range map[string]struct {
		old, next       store.Object
		content, status bool
	}{
		"nothing":                     {node(), node(), false, false},
		"a label":                     {node(), change(node, func(n *corev1.Node) { n.Labels = map[string]string{"a": "b"} }), true, false},
		"resourceVersion":             {gateway(), change(gateway, func(g *gatewayv1.Gateway) { g.ResourceVersion = "2" }), false, false},
		"managedFields":               {gateway(), change(gateway, func(g *gatewayv1.Gateway) { g.ManagedFields = []metav1.ManagedFieldsEntry{{Manager: "m"}} }), false, false},
		"a leader's lease":            {gateway(), change(gateway, func(g *gatewayv1.Gateway) { g.Annotations["control-plane.alpha.kubernetes.io/leader"] = "{}" }), false, false},
		"the only annotation":         {gateway(), change(gateway, func(g *gatewayv1.Gateway) { g.Annotations = nil }), true, false},
		"an annotation":               {gateway(), change(gateway, func(g *gatewayv1.Gateway) { g.Annotations["a"] = "2" }), true, false},
		"a generation":                {gateway(), change(gateway, func(g *gatewayv1.Gateway) { g.Generation = 2 }), true, false},
		"a deletion":                  {gateway(), change(gateway, func(g *gatewayv1.Gateway) { g.DeletionTimestamp = &metav1.Time{} }), true, false},
		"a Gateway's status":          {gateway(), change(gateway, func(g *gatewayv1.Gateway) { g.Status.Conditions = []metav1.Condition{{Type: "X"}} }), false, true},
		"a Gateway's spec":            {gateway(), change(gateway, func(g *gatewayv1.Gateway) { g.Spec.GatewayClassName = "c" }), true, false},
		"a Node's heartbeat":          {node(), change(node, func(n *corev1.Node) { n.Status.Conditions[0].LastHeartbeatTime = metav1.Unix(2, 0) }), false, false},
		"a Node's annotation":         {node(), change(node, func(n *corev1.Node) { n.Annotations["flannel"] = "2" }), false, false},
		"a Node's images":             {node(), change(node, func(n *corev1.Node) { n.Status.Images = []corev1.ContainerImage{{SizeBytes: 1}} }), false, true},
		"a Node that is not ready":    {node(), change(node, func(n *corev1.Node) { n.Status.Conditions[0].Status = corev1.ConditionFalse }), true, true},
		"a Node's address":            {node(), change(node, func(n *corev1.Node) { n.Status.Addresses[0].Address = "10.0.0.2" }), true, true},
		"a Pod's status":              {pod(), change(pod, func(p *corev1.Pod) { p.Status.Phase = corev1.PodRunning }), true, true},
		"an EndpointSlice's endpoint": {slice(), change(slice, func(s *discoveryv1.EndpointSlice) { s.Endpoints[0].Addresses[0] = "10.0.0.2" }), true, false},
		"an EndpointSlice's trigger": {slice(), change(slice, func(s *discoveryv1.EndpointSlice) {
			s.Annotations["endpoints.kubernetes.io/last-change-trigger-time"] = "t"
		}), false, false},
	} {
		s := store.New()
		s.Commit(func(tx *store.Tx) { tx.Put("west", c.old, "f:1") })
		sub := s.Subscribe()
		sub.Take()
		before := s.Snapshot()
		ref := store.RefTo("west", c.old)
		s.Commit(func(tx *store.Tx) { tx.Put("west", c.next, "f:1") })
		var want []string
		if c.content {
			want = append(want, store.ReadObject(ref))
		}
		if c.status {
			want = append(want, store.ReadStatus(ref))
		}
		if _, touched := sub.Take(); !slices.Equal(touched, want) {
			t.Errorf("%s touched %q, want %q", name, touched, want)
		}
		if same := s.Snapshot().Revision() == before.Revision(); same != (want == nil) {
			t.Errorf("%s: no commit: %t", name, same)
		}
		if got := s.Snapshot().Get(ref).Object.GetResourceVersion(); got != c.next.GetResourceVersion() {
			t.Errorf("%s: the store's resourceVersion is %s", name, got)
		}
		if want != nil && s.Snapshot().Get(ref).Object != c.next {
			t.Errorf("%s: the store has the old object", name)
		}
	}
}

// TestWhereAnObjectStandsIsNoContent: a line that moves, and an object that is only last known, wake nobody.
func TestWhereAnObjectStandsIsNoContent(t *testing.T) {
	s := store.New()
	s.Commit(func(tx *store.Tx) { tx.Put("west", gateway(), "f:1") })
	sub := s.Subscribe()
	sub.Take()
	seen := time.Unix(5, 0)
	for i, put := range []func(*store.Tx){
		func(tx *store.Tx) { tx.Put("west", gateway(), "f:2") },
		func(tx *store.Tx) { tx.PutLastKnown("west", gateway(), "f:2", seen) },
		func(tx *store.Tx) { tx.Put("west", gateway(), "f:3") },
	} {
		s.Commit(put)
		snapshot, touched := sub.Take()
		e := snapshot.Get(store.RefTo("west", gateway()))
		if len(touched) > 0 || e.Revision != 1 || e.LastKnown.IsZero() != (i != 1) || e.Origin != []string{"f:2", "f:2", "f:3"}[i] {
			t.Errorf("step %d: touched %q, entry %+v", i, touched, e)
		}
	}
}

func TestTheSameWriteIsNoCommit(t *testing.T) {
	s := store.New()
	s.Commit(func(tx *store.Tx) { tx.Put("west", gateway(), "") })
	write := func(f string) *store.Snapshot {
		return s.Commit(func(tx *store.Tx) { tx.Write(store.RefTo("west", gateway()), &store.Written{Finalizers: []string{f}}) })
	}
	if first := write("f"); write("f") != first || write("g") == first {
		t.Error("equal writes are commits, or others are not")
	}
}
