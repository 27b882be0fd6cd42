package serve

import (
	"path/filepath"
	"slices"
	"testing"
	"time"

	negv1beta1 "github.com/spillway-lb/spillway/api/neg/v1beta1"
	"github.com/spillway-lb/spillway/internal/kind"
	"github.com/spillway-lb/spillway/internal/neg"
	"github.com/spillway-lb/spillway/internal/store"
)

const (
	negCluster = "apiVersion: spillway.dev/v1alpha1\nkind: Cluster\nmetadata: {name: c}\nspec: {region: us-west1, zones: [us-west1-a]}\n"
	negNodeA   = "apiVersion: v1\nkind: Node\nmetadata: {name: na, labels: {topology.kubernetes.io/zone: us-west1-a}}\nstatus: {conditions: [{type: Ready, status: \"True\"}]}\n"
	negNodeB   = "apiVersion: v1\nkind: Node\nmetadata: {name: nb, labels: {topology.kubernetes.io/zone: us-west1-b}}\nstatus: {conditions: [{type: Ready, status: \"True\"}]}\n"
	negService = "apiVersion: v1\nkind: Service\nmetadata: {name: web, annotations: {cloud.google.com/neg: '{\"exposed_ports\":{\"80\":{}}}'}}\nspec: {selector: {run: web}, ports: [{port: 80}]}\n"
)

// svcneg returns the only ServiceNetworkEndpointGroup when it is as wanted.
func (r *running) svcneg(t *testing.T, what string, as func(*store.Entry, *negv1beta1.ServiceNetworkEndpointGroupStatus) bool) (found *store.Entry) {
	t.Helper()
	eventually(t, what, func() bool {
		snapshot := r.store.Snapshot()
		refs := snapshot.List(kind.ServiceNetworkEndpointGroup, "", "")
		if len(refs) != 1 {
			return false
		}
		e := snapshot.Get(refs[0])
		if e.Written == nil {
			return false
		}
		status, ok := e.Written.Status.(*negv1beta1.ServiceNetworkEndpointGroupStatus)
		found = e
		return ok && as(e, status)
	})
	return found
}

// TestAServiceNetworkEndpointGroupOutlivesARestart: it is the same object, and the zone that lost its Node before keeps its group.
func TestAServiceNetworkEndpointGroupOutlivesARestart(t *testing.T) {
	files := map[string]string{"c/cluster.yaml": negCluster, "c/na.yaml": negNodeA, "c/nb.yaml": negNodeB, "c/web.yaml": negService}
	both := []string{"us-west1-a", "us-west1-b"}
	r := start(t, files, time.Second)
	r.svcneg(t, "both zones have groups", func(e *store.Entry, _ *negv1beta1.ServiceNetworkEndpointGroupStatus) bool {
		return slices.Equal(neg.ZonesOf(e.Written), both)
	})
	r.write(t, "c/nb.yaml", "# nothing\n")
	eventually(t, "the Node has gone", func() bool {
		return r.store.Snapshot().Get(store.Ref{Cluster: "c", Kind: kind.Node, Name: "nb"}) == nil
	})
	before := r.svcneg(t, "it has been compared", func(_ *store.Entry, s *negv1beta1.ServiceNetworkEndpointGroupStatus) bool {
		return !s.LastSyncTime.IsZero()
	})
	if zones := neg.ZonesOf(before.Written); !slices.Equal(zones, both) {
		t.Fatalf("its groups are in %v", zones)
	}
	r.end(t)

	again := startIn(t, filepath.Dir(r.dir), time.Second, later)
	after := again.svcneg(t, "it has been compared anew", func(_ *store.Entry, s *negv1beta1.ServiceNetworkEndpointGroupStatus) bool {
		return s.LastSyncTime.After(time.Now().Add(time.Minute))
	})
	if after.Object.GetUID() != before.Object.GetUID() || !sameTime(after.Object.GetCreationTimestamp(), before.Object.GetCreationTimestamp()) {
		t.Errorf("it is %s of %v, was %s of %v", after.Object.GetUID(), after.Object.GetCreationTimestamp(), before.Object.GetUID(), before.Object.GetCreationTimestamp())
	}
	if zones := neg.ZonesOf(after.Written); !slices.Equal(zones, both) {
		t.Errorf("its groups are in %v, were in %v", zones, both)
	}
}

// TestAServiceNetworkEndpointGroupOutlivesItsService: what was deleted while nothing ran is collected like anything else.
func TestAServiceNetworkEndpointGroupOutlivesItsService(t *testing.T) {
	r := start(t, map[string]string{"c/cluster.yaml": negCluster, "c/na.yaml": negNodeA, "c/web.yaml": negService}, time.Second)
	synced := func(_ *store.Entry, s *negv1beta1.ServiceNetworkEndpointGroupStatus) bool {
		return !s.LastSyncTime.IsZero()
	}
	before := r.svcneg(t, "it is there", synced)
	r.end(t)
	r.write(t, "c/web.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: web}\n")
	again := startIn(t, filepath.Dir(r.dir), time.Second, later)
	after := again.svcneg(t, "it is still there", synced)
	if after.Object.GetUID() != before.Object.GetUID() {
		t.Errorf("it is %s, was %s", after.Object.GetUID(), before.Object.GetUID())
	}
	eventually(t, "its groups are published", func() bool { return len(again.model.Kind("network_endpoint_group")) == 1 })
}
