package cluster_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
	corev1 "k8s.io/api/core/v1"
	apimeta "k8s.io/apimachinery/pkg/api/meta"

	spillwayv1alpha1 "github.com/spillway-lb/spillway/api/spillway/v1alpha1"
	"github.com/spillway-lb/spillway/internal/cluster"
	"github.com/spillway-lb/spillway/internal/fact"
	"github.com/spillway-lb/spillway/internal/kind"
	"github.com/spillway-lb/spillway/internal/persist"
	"github.com/spillway-lb/spillway/internal/status"
	"github.com/spillway-lb/spillway/internal/store"
)

// bench is a Set on servers.
type bench struct {
	*testing.T
	store *store.Store
	set   *cluster.Set

	mu    sync.Mutex
	lines []string
	now   time.Time
}

func newBench(t *testing.T) *bench {
	b := &bench{T: t, store: store.New(), now: time.Date(2026, 11, 28, 12, 0, 0, 0, time.UTC)}
	b.set = cluster.New(cluster.Config{
		Store: b.store, Install: "a", StaleAfter: time.Minute, ForgetAfter: time.Hour, Poll: 150 * time.Millisecond, Now: b.clock,
		Say: func(format string, args ...any) {
			b.mu.Lock()
			defer b.mu.Unlock()
			b.lines = append(b.lines, fmt.Sprintf(format, args...))
		},
	})
	return b
}

func (b *bench) clock() time.Time {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.now
}

func (b *bench) pass(d time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.now = b.now.Add(d)
}

func (b *bench) said(part string) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.ContainsFunc(b.lines, func(line string) bool { return strings.Contains(line, part) })
}

// metric is the sum of a metric's values, of one kind if that is not empty.
func (b *bench) metric(name, of string) (sum float64) {
	b.Helper()
	registry := prometheus.NewRegistry()
	registry.MustRegister(b.set)
	families, err := registry.Gather()
	if err != nil {
		b.Fatal(err)
	}
	for _, family := range families {
		for _, m := range family.GetMetric() {
			kindLabel := slices.ContainsFunc(m.GetLabel(), func(l *dto.LabelPair) bool { return l.GetName() == "kind" && l.GetValue() == of })
			if family.GetName() == name && (of == "" || kindLabel) {
				sum += m.GetCounter().GetValue()
			}
		}
	}
	return sum
}

func (b *bench) start(members ...cluster.Member) {
	b.Helper()
	b.set.Follow(members)
	ctx, cancel := context.WithCancel(b.Context())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		b.set.Run(ctx)
	}()
	b.Cleanup(func() {
		cancel()
		<-ended
	})
}

func (b *bench) settle() {
	b.Helper()
	select {
	case <-b.set.Settled():
	case <-time.After(time.Minute):
		b.Fatalf("not settled: %+v, %v", b.set.Health(), b.lines)
	}
}

func (b *bench) await(what string, is func(*store.Snapshot) bool) {
	b.Helper()
	for end := time.Now().Add(time.Minute); !is(b.store.Snapshot()); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			b.mu.Lock()
			defer b.mu.Unlock()
			b.Fatalf("never: %s; %+v\n%s", what, b.set.Health(), strings.Join(b.lines, "\n"))
		}
	}
}

func member(name string, s *apiServer) cluster.Member {
	return cluster.Member{Name: name, REST: s.config(), Version: "1", Origin: "a test"}
}

func service(name, uid string) object {
	return object{"metadata": object{"namespace": "store", "name": name, "uid": uid}, "spec": object{"ports": []object{{"port": 80}}}}
}

func serviceRef(cluster, name string) store.Ref {
	return store.Ref{Cluster: cluster, Kind: kind.Service, Namespace: "store", Name: name}
}

func has(ref store.Ref) func(*store.Snapshot) bool {
	return func(s *store.Snapshot) bool { return s.Get(ref) != nil }
}

func hasNot(ref store.Ref) func(*store.Snapshot) bool {
	return func(s *store.Snapshot) bool { return s.Get(ref) == nil }
}

func reachable(s *store.Snapshot, name string) string {
	e := s.Get(store.Ref{Cluster: name, Kind: kind.Cluster, Name: name})
	if e == nil {
		return ""
	}
	c := apimeta.FindStatusCondition(e.Object.(*spillwayv1alpha1.Cluster).Status.Conditions, spillwayv1alpha1.ConditionReachable)
	return string(c.Status) + " " + c.Reason
}

func TestObjectsOfAMemberComeAndGo(t *testing.T) {
	server := newAPIServer(t)
	server.put("v1/services", service("a", "1"))
	server.put("v1/nodes", object{"metadata": object{"name": "n", "labels": object{corev1.LabelTopologyRegion: "us-east1", corev1.LabelTopologyZone: "us-east1-b"}}})
	b := newBench(t)
	b.start(member("west", server))
	b.settle()
	snapshot := b.store.Snapshot()
	if snapshot.Get(serviceRef("west", "a")) == nil || reachable(snapshot, "west") != "True Answers" {
		t.Fatalf("settled with %v, %s", snapshot.Kinds(), reachable(snapshot, "west"))
	}
	c := snapshot.Get(store.Ref{Cluster: "west", Kind: kind.Cluster, Name: "west"}).Object.(*spillwayv1alpha1.Cluster)
	if c.Spec.Region != "us-east1" || !slices.Equal(c.Spec.Zones, []string{"us-east1-b"}) {
		t.Errorf("it stands in %+v", c.Spec)
	}
	server.put("v1/services", service("b", "2"))
	b.await("b", has(serviceRef("west", "b")))
	server.remove("v1/services", "store/a")
	b.await("no a", hasNot(serviceRef("west", "a")))
	if fact.Pending(snapshot, "west", kind.Service, kind.Gateway) || fact.Pending(snapshot, "", kind.Cluster) {
		t.Error("something counts as not listed")
	}
}

// TestChangesComeOverTheWatch: what a server says as it happens is read; nothing is listed again, which would come late.
func TestChangesComeOverTheWatch(t *testing.T) {
	server := newAPIServer(t)
	server.put("v1/services", service("a", "1"))
	b := newBench(t)
	b.start(member("west", server))
	b.settle()
	refused := b.metric("spillway_cluster_request_failures_total", "") // this server streams no lists
	for i := range 3 {
		name := fmt.Sprint("b", i)
		server.put("v1/services", service(name, name))
		b.await(name, has(serviceRef("west", name)))
	}
	server.remove("v1/services", "store/a")
	b.await("no a", hasNot(serviceRef("west", "a")))
	if lists := b.metric("spillway_cluster_lists_total", kind.Service); lists != 1 {
		t.Errorf("Services were listed %v times", lists)
	}
	if failures := b.metric("spillway_cluster_request_failures_total", ""); failures != refused {
		t.Errorf("%v requests failed", failures-refused)
	}
}

// TestAWatchThatCannotBeReadIsCounted, with the lists that stand in for it.
func TestAWatchThatCannotBeReadIsCounted(t *testing.T) {
	server := newAPIServer(t)
	b := newBench(t)
	b.start(member("west", server))
	b.settle()
	refused := b.metric("spillway_cluster_request_failures_total", "")
	server.put("v1/services", object{"metadata": object{"namespace": "store", "name": "odd"}, "spec": "no fields"})
	b.await("the failure is counted", func(*store.Snapshot) bool { return b.metric("spillway_cluster_request_failures_total", "") > refused })
}

// TestARelistDeletesWhatVanished: while the watch was broken, and its version is gone.
func TestARelistDeletesWhatVanished(t *testing.T) {
	server := newAPIServer(t)
	server.put("v1/services", service("a", "1"))
	server.put("v1/services", service("b", "2"))
	b := newBench(t)
	b.start(member("west", server))
	b.settle()
	// What Spillway wants there and the server does not have yet is nothing that vanished; nor is another cluster's.
	wanted := &corev1.Service{}
	wanted.APIVersion, wanted.Kind, wanted.Namespace, wanted.Name = "v1", "Service", "store", "wanted"
	b.store.Commit(func(tx *store.Tx) {
		tx.Put("west", wanted, status.Origin)
		tx.Write(serviceRef("west", "b"), &store.Written{Annotations: map[string]string{"x": "y"}})
	})
	server.leave(true)
	server.remove("v1/services", "store/a")
	server.remove("v1/services", "store/b")
	server.put("v1/services", service("b", "3"))
	server.forgetHistory()
	server.leave(false)
	b.await("no a", hasNot(serviceRef("west", "a")))
	b.await("another b", func(s *store.Snapshot) bool {
		e := s.Get(serviceRef("west", "b"))
		return e != nil && e.Object.GetUID() == "3" && e.Written == nil
	})
	if b.store.Snapshot().Get(serviceRef("west", "wanted")) == nil {
		t.Error("what is wanted was deleted")
	}
}

func TestAMissingKindIsPickedUpWhenItAppears(t *testing.T) {
	server := newAPIServer(t)
	b := newBench(t)
	b.start(member("west", server))
	b.settle()
	if fact.Pending(b.store.Snapshot(), "west", kind.Gateway, kind.MCSServiceExport) {
		t.Fatal("a kind that the server does not have is waited for")
	}
	const gateways, exports = "gateway.networking.k8s.io/v1", "multicluster.x-k8s.io/v1alpha1"
	server.put(gateways+"/gateways", object{"metadata": object{"namespace": "store", "name": "g", "uid": "1"}, "spec": object{"gatewayClassName": "c"}})
	server.put(exports+"/serviceexports", object{"metadata": object{"namespace": "store", "name": "e", "uid": "1"}})
	server.serves(gateways, "gateways")
	server.serves(exports, "serviceexports")
	gateway := store.Ref{Cluster: "west", Kind: kind.Gateway, Namespace: "store", Name: "g"}
	b.await("the Gateway", has(gateway))
	b.await("the export, in an older version", has(store.Ref{Cluster: "west", Kind: kind.MCSServiceExport, Namespace: "store", Name: "e"}))
	server.stopsServing(gateways)
	b.await("no Gateway", hasNot(gateway))
}

func TestAMemberThatIsAwayKeepsWhatWasLastKnown(t *testing.T) {
	server, other := newAPIServer(t), newAPIServer(t)
	server.put("v1/services", service("a", "1"))
	b := newBench(t)
	b.start(member("west", server), member("east", other))
	b.settle()
	server.leave(true)
	b.pass(2 * time.Minute)
	b.await("stale", func(s *store.Snapshot) bool { return reachable(s, "west") == "False Away" })
	if e := b.store.Snapshot().Get(serviceRef("west", "a")); e == nil || e.LastKnown.IsZero() {
		t.Errorf("the Service is %+v", e)
	}
	if !b.said("west: does not answer") || reachable(b.store.Snapshot(), "east") != "True Answers" {
		t.Errorf("said %q; east is %s", b.lines, reachable(b.store.Snapshot(), "east"))
	}
	server.leave(false)
	b.await("current", func(s *store.Snapshot) bool {
		e := s.Get(serviceRef("west", "a"))
		return reachable(s, "west") == "True Answers" && e != nil && e.LastKnown.IsZero()
	})
	server.leave(true)
	b.pass(2 * time.Hour)
	b.await("forgotten", hasNot(serviceRef("west", "a")))
	if fact.Pending(b.store.Snapshot(), "west", kind.Service) {
		t.Error("what is forgotten is waited for")
	}
	server.leave(false)
	b.await("back", has(serviceRef("west", "a")))
}

func TestWhatIsRestoredCountsUntilItIsListed(t *testing.T) {
	server := newAPIServer(t)
	server.leave(true)
	kept := &corev1.Service{}
	kept.APIVersion, kept.Kind, kept.Namespace, kept.Name, kept.UID, kept.ResourceVersion = "v1", "Service", "store", "kept", "9", "9"
	b := newBench(t)
	seen := b.now.Add(-10 * time.Minute)
	b.set.Restore([]persist.Object{{Cluster: "west", Object: kept, SeenAt: seen}, {Cluster: "gone", Object: kept, SeenAt: seen}})
	b.start(member("west", server))
	b.settle()
	e := b.store.Snapshot().Get(serviceRef("west", "kept"))
	if e == nil || !e.LastKnown.Equal(seen) || fact.Pending(b.store.Snapshot(), "west", kind.Service) {
		t.Errorf("restored as %+v", e)
	}
	if b.store.Snapshot().Get(serviceRef("gone", "kept")) != nil {
		t.Error("a cluster that is not wanted any more was restored")
	}
	server.leave(false)
	b.await("listed", hasNot(serviceRef("west", "kept")))
}

// TestAStartWithoutAnyWordOfAMemberWaits, but not for ever: units that depend on it hold then.
func TestAStartWithoutAnyWordOfAMemberWaits(t *testing.T) {
	server, other := newAPIServer(t), newAPIServer(t)
	server.leave(true)
	b := newBench(t)
	b.start(member("west", server), member("east", other))
	b.await("east", func(s *store.Snapshot) bool { return reachable(s, "east") == "True Answers" })
	select {
	case <-b.set.Settled():
		t.Fatal("settled without west")
	default:
	}
	if !fact.Pending(b.store.Snapshot(), "west", kind.Service) || !fact.Pending(b.store.Snapshot(), "", kind.Cluster) {
		t.Error("what nobody knows counts as listed")
	}
	b.pass(2 * time.Minute)
	b.settle()
	if !fact.Pending(b.store.Snapshot(), "west", kind.Service) || fact.Pending(b.store.Snapshot(), "", kind.Cluster) {
		t.Error("the member's objects are to be waited for, the list of members is not")
	}
}

func TestAKindThatMayNotBeReadIsTold(t *testing.T) {
	server := newAPIServer(t)
	server.refuses("v1/secrets", 403)
	b := newBench(t)
	b.start(member("west", server))
	b.await("told", func(*store.Snapshot) bool { return b.said("Secret cannot be read") })
	b.await("shown", func(s *store.Snapshot) bool { return reachable(s, "west") == "True Incomplete" })
	if health := b.set.Health(); !strings.Contains(health[0].Waiting, "Secret (") {
		t.Errorf("health %+v", health)
	}
	b.pass(2 * time.Minute)
	b.settle()
	if !fact.Pending(b.store.Snapshot(), "west", kind.Secret) {
		t.Error("Secrets count as listed")
	}
	server.refuses("v1/secrets", 0)
	b.await("listed", func(s *store.Snapshot) bool {
		return !fact.Pending(s, "west", kind.Secret) && reachable(s, "west") == "True Answers"
	})
}

func TestMembersJoinMoveAndLeave(t *testing.T) {
	west, east, moved := newAPIServer(t), newAPIServer(t), newAPIServer(t)
	west.put("v1/services", service("a", "1"))
	east.put("v1/services", service("a", "1"))
	moved.put("v1/services", service("a", "1"))
	moved.put("v1/services", service("b", "2"))
	b := newBench(t)
	b.start(member("west", west))
	b.settle()
	b.set.Follow([]cluster.Member{member("west", west), member("east", east)})
	b.await("east", has(serviceRef("east", "a")))
	next := member("east", moved)
	next.Version = "2"
	b.set.Follow([]cluster.Member{member("west", west), next})
	if b.store.Snapshot().Get(serviceRef("east", "a")) == nil {
		t.Error("a member that is reached in another way lost its objects")
	}
	b.await("moved", has(serviceRef("east", "b")))
	b.set.Follow([]cluster.Member{next})
	snapshot := b.store.Snapshot()
	if snapshot.Get(serviceRef("west", "a")) != nil || reachable(snapshot, "west") != "" || snapshot.Get(serviceRef("east", "b")) == nil {
		t.Error("west has not left, or east has")
	}
}

func TestObjectsAreSlimAndOwnOnesWhole(t *testing.T) {
	server := newAPIServer(t)
	pod := func(name string, annotations object) object {
		return object{
			"metadata": object{"namespace": "store", "name": name, "managedFields": []object{{"manager": "x"}}, "annotations": annotations},
			"spec": object{
				"nodeName": "n", "volumes": []object{{"name": "v"}},
				"containers": []object{{"name": "c", "ports": []object{{"containerPort": 80}}, "env": []object{{"name": "E"}}}},
			},
			"status": object{"podIP": "10.0.0.1"},
		}
	}
	server.put("v1/pods", pod("p", object{"kubectl.kubernetes.io/last-applied-configuration": "{}"}))
	server.put("v1/configmaps", object{"metadata": object{"namespace": "store", "name": "m"}, "data": object{"ca.crt": "x", "big": "y"}})
	b := newBench(t)
	b.start(member("west", server))
	b.settle()
	server.put("v1/pods", pod("own", object{status.InstallAnnotation: "a"}))
	own := store.Ref{Cluster: "west", Kind: kind.Pod, Namespace: "store", Name: "own"}
	b.await("own", has(own))
	snapshot := b.store.Snapshot()
	p := snapshot.Get(store.Ref{Cluster: "west", Kind: kind.Pod, Namespace: "store", Name: "p"}).Object.(*corev1.Pod)
	if len(p.ManagedFields)+len(p.Annotations)+len(p.Spec.Volumes)+len(p.Spec.Containers[0].Env) > 0 || p.Spec.NodeName != "n" ||
		p.Status.PodIP != "10.0.0.1" || len(p.Spec.Containers[0].Ports) != 1 || p.Kind != "Pod" || p.APIVersion != "v1" {
		t.Errorf("the Pod is %+v", p)
	}
	m := snapshot.Get(store.Ref{Cluster: "west", Kind: kind.ConfigMap, Namespace: "store", Name: "m"}).Object.(*corev1.ConfigMap)
	if len(m.Data) != 1 || m.Data["ca.crt"] != "x" {
		t.Errorf("the ConfigMap is %v", m.Data)
	}
	e := snapshot.Get(own)
	if o := e.Object.(*corev1.Pod); e.Origin != status.Origin || len(o.Spec.Volumes) != 1 || len(o.ManagedFields) != 0 {
		t.Errorf("our own is %+v", e)
	}
}
