package workload

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/spillway-lb/spillway/internal/store"
)

func TestRolloutSurges(t *testing.T) {
	w := newWorld(t, Config{})
	w.put(deploy("v1", 2))
	w.step()
	w.runAll()
	w.expect("v1: 2, 2 ready, 0 terminating")
	w.put(deploy("v2", 2))
	w.step()
	w.expect("v1: 2, 2 ready, 0 terminating; v2: 1, 0 ready, 0 terminating")
	w.runAll()
	// Ready is not enough: proxies need a moment to find it healthy.
	w.expect("v1: 2, 2 ready, 0 terminating; v2: 1, 1 ready, 0 terminating")
	if want := w.now.Add(time.Second); !w.next.Equal(want) {
		t.Errorf("next step is at %s, want %s", w.next, want)
	}
	w.advance(time.Second)
	w.expect("v1: 2, 2 ready, 1 terminating; v2: 2, 1 ready, 0 terminating")
	w.runAll()
	w.advance(time.Second)
	w.expect("v1: 2, 2 ready, 2 terminating; v2: 2, 2 ready, 0 terminating")
	w.endAll()
	w.expect("v2: 2, 2 ready, 0 terminating")
	status := w.deploymentStatus(deploy("", 0))
	if status.Replicas != 2 || status.UpdatedReplicas != 2 || status.AvailableReplicas != 2 {
		t.Errorf("status is %+v", status)
	}
	if got := status.Conditions[1].Reason; got != "NewReplicaSetAvailable" {
		t.Errorf("progress is %s", got)
	}
	if !w.next.IsZero() {
		t.Error("a Deployment that is done waits for time")
	}
}

func TestRolloutThatNeverGetsReadyKeepsTheOld(t *testing.T) {
	w := newWorld(t, Config{})
	w.put(deploy("v1", 2))
	w.step()
	w.runAll()
	w.put(deploy("unknown", 2))
	w.step()
	w.advance(time.Hour)
	w.expect("unknown: 1, 0 ready, 0 terminating; v1: 2, 2 ready, 0 terminating")
	// Back to the old template: its ReplicaSet is still there.
	w.put(deploy("v1", 2))
	w.step()
	w.expect("v1: 2, 2 ready, 0 terminating")
	if n := len(w.store.Snapshot().List("ReplicaSet.apps", "", "")); n != 2 {
		t.Errorf("%d ReplicaSets", n)
	}
}

// verdict lets the probers find every Pod of an image healthy, or not.
func (w *world) verdict(image string, healthy bool) {
	if w.healthy == nil {
		w.healthy = map[netip.Addr]bool{}
	}
	for _, p := range w.pods() {
		if addr, err := netip.ParseAddr(p.Status.PodIP); err == nil && p.Spec.Containers[0].Image == image {
			w.healthy[addr] = healthy
		}
	}
}

func TestRolloutWaitsForTheHealthCheck(t *testing.T) {
	w := newWorld(t, Config{})
	w.put(deploy("v1", 2))
	w.step()
	w.runAll()
	w.verdict("v1", true)
	w.put(deploy("v2", 2))
	w.step()
	w.runAll()
	w.verdict("v2", false)
	w.advance(time.Second)
	w.advance(time.Hour)
	w.expect("v1: 2, 2 ready, 0 terminating; v2: 1, 1 ready, 0 terminating")
	if w.reasons()["RolloutWaiting"] == "" {
		t.Errorf("events are %v", w.reasons())
	}
	// The next edit replaces the sick Pod, not one that serves.
	w.put(deploy("v3", 2))
	w.step()
	w.expect("v1: 2, 2 ready, 0 terminating; v2: 1, 1 ready, 1 terminating; v3: 1, 0 ready, 0 terminating")
	w.endAll()
	w.runAll()
	w.verdict("v3", true)
	w.advance(time.Second)
	w.expect("v1: 2, 2 ready, 1 terminating; v3: 2, 1 ready, 0 terminating")
	w.runAll()
	w.verdict("v3", true)
	w.advance(time.Second)
	w.endAll()
	w.expect("v3: 2, 2 ready, 0 terminating")
}

func TestMinReadySeconds(t *testing.T) {
	w := newWorld(t, Config{Settle: time.Millisecond})
	first := deploy("v1", 1)
	w.put(first)
	w.step()
	w.runAll()
	second := deploy("v2", 1)
	second.Spec.MinReadySeconds = 30
	w.put(second)
	w.step()
	w.runAll()
	w.advance(29 * time.Second)
	w.expect("v1: 1, 1 ready, 0 terminating; v2: 1, 1 ready, 0 terminating")
	w.advance(2 * time.Second)
	w.expect("v1: 1, 1 ready, 1 terminating; v2: 1, 1 ready, 0 terminating")
}

func TestRecreate(t *testing.T) {
	w := newWorld(t, Config{})
	old := deploy("v1", 2)
	old.Spec.Strategy.Type = appsv1.RecreateDeploymentStrategyType
	w.put(old)
	w.step()
	w.runAll()
	next := deploy("v2", 2)
	next.Spec.Strategy.Type = appsv1.RecreateDeploymentStrategyType
	w.put(next)
	w.step()
	w.expect("v1: 2, 2 ready, 2 terminating")
	w.endAll()
	w.expect("v2: 2, 0 ready, 0 terminating")
}

func TestPausedDeploymentKeepsItsTemplate(t *testing.T) {
	w := newWorld(t, Config{})
	w.put(deploy("v1", 1))
	w.step()
	w.runAll()
	paused := deploy("v2", 3)
	paused.Spec.Paused = true
	w.put(paused)
	w.step()
	w.expect("v1: 3, 1 ready, 0 terminating")
}

func TestRolloutArithmetic(t *testing.T) {
	percent := func(s string) *intstr.IntOrString { v := intstr.FromString(s); return &v }
	number := func(n int) *intstr.IntOrString { v := intstr.FromInt(n); return &v }
	for _, tc := range []struct {
		name                string
		replicas            int32
		surge, unavailable  *intstr.IntOrString
		n                   counts
		wantNew, wantOldMin int
	}{
		{"first Pods", 3, nil, nil, counts{}, 3, 0},
		{"start with surge", 4, number(1), number(0), counts{old: 4, oldAvailable: 4}, 1, 4},
		{"start with unavailability", 4, number(0), number(1), counts{old: 4, oldAvailable: 4}, 0, 3},
		{"percentages round for the user", 2, percent("25%"), percent("25%"), counts{old: 2, oldAvailable: 2}, 1, 2},
		{"neither counts as one unavailable", 2, number(0), number(0), counts{old: 2, oldAvailable: 2}, 0, 1},
		{"one is available", 4, number(1), number(0), counts{new: 1, newAvailable: 1, old: 4, oldAvailable: 4}, 1, 3},
		{"sick old ones go first", 4, number(1), number(0), counts{old: 4, oldAvailable: 2}, 1, 4},
		{"sick old ones go", 2, number(2), number(0), counts{new: 2, newAvailable: 2, old: 2}, 2, 0},
		{"to zero", 0, nil, nil, counts{old: 3, oldAvailable: 3}, 0, 0},
		{"fewer meanwhile", 1, number(1), number(0), counts{new: 2, newAvailable: 2, old: 1, oldAvailable: 1}, 1, 0},
	} {
		spec := appsv1.DeploymentSpec{Replicas: &tc.replicas, Strategy: appsv1.DeploymentStrategy{
			RollingUpdate: &appsv1.RollingUpdateDeployment{MaxSurge: tc.surge, MaxUnavailable: tc.unavailable},
		}}
		r := rolloutOf(spec)
		gotNew := r.newTarget(tc.n)
		if gotOld := r.oldTarget(tc.n, gotNew); gotNew != tc.wantNew || gotOld != tc.wantOldMin {
			t.Errorf("%s: %d new, %d old; want %d, %d", tc.name, gotNew, gotOld, tc.wantNew, tc.wantOldMin)
		}
	}
}

func TestPodsSpreadOverNodes(t *testing.T) {
	w := newWorld(t, Config{})
	w.put(deploy("v1", 5))
	w.step()
	w.runAll()
	perNode := map[string]int{}
	for _, p := range w.pods() {
		perNode[p.Spec.NodeName]++
	}
	if perNode["n1"] != 3 || perNode["n2"] != 2 {
		t.Errorf("Pods per Node are %v", perNode)
	}
	w.put(deploy("v1", 2))
	w.step()
	w.endAll()
	clear(perNode)
	for _, p := range w.pods() {
		perNode[p.Spec.NodeName]++
	}
	if perNode["n1"] != 1 || perNode["n2"] != 1 {
		t.Errorf("Pods per Node are %v after scaling down", perNode)
	}
}

func TestScaleDownTakesTheUnreadyFirst(t *testing.T) {
	w := newWorld(t, Config{})
	w.put(deploy("v1", 3))
	w.step()
	for _, name := range []string{w.pods()[0].Name, w.pods()[2].Name} {
		w.report(w.started[name+"/app"], Running, Ready)
	}
	w.step()
	w.expect("v1: 3, 2 ready, 0 terminating")
	w.put(deploy("v1", 2))
	w.step()
	w.endAll()
	w.expect("v1: 2, 2 ready, 0 terminating")
}

func TestDeploymentGoesWithAllOfIt(t *testing.T) {
	w := newWorld(t, Config{})
	w.put(deploy("v1", 2))
	w.step()
	w.runAll()
	w.remove(deploy("v1", 2))
	w.step()
	w.expect("v1: 2, 2 ready, 2 terminating")
	w.endAll()
	w.expect("")
	if left := w.store.Snapshot().List("ReplicaSet.apps", "", ""); len(left) != 0 {
		t.Errorf("left: %v", left)
	}
	if len(w.core.pods)+len(w.core.byRef)+len(w.core.addresses)+len(w.core.waiting)+len(w.core.controllers)+len(w.core.progresses) != 0 {
		t.Error("the core remembers what is gone")
	}
}

func TestDeploymentThatComesBackAtOnce(t *testing.T) {
	w := newWorld(t, Config{})
	w.put(deploy("v1", 2))
	w.step()
	w.runAll()
	w.remove(deploy("v1", 2))
	w.step()
	w.put(deploy("v1", 2))
	w.step()
	w.expect("v1: 4, 2 ready, 2 terminating")
	w.runAll()
	w.endAll()
	w.expect("v1: 2, 2 ready, 0 terminating")
}

func TestPodsOfANodeThatGoesMove(t *testing.T) {
	w := newWorld(t, Config{})
	w.put(deploy("v1", 2))
	w.step()
	w.runAll()
	w.remove(node("n2", ""))
	w.step()
	w.runAll()
	w.endAll()
	w.expect("v1: 2, 2 ready, 0 terminating")
	for _, p := range w.pods() {
		if p.Spec.NodeName != "n1" {
			t.Errorf("%s is on %s", p.Name, p.Spec.NodeName)
		}
	}
}

func TestPodWaitsForANode(t *testing.T) {
	w := newWorld(t, Config{})
	d := deploy("v1", 1)
	d.Spec.Template.Spec.NodeSelector = map[string]string{corev1.LabelTopologyZone: "us-west1-c"}
	w.put(d)
	w.step()
	w.expect("v1: 1, 0 ready, 0 terminating")
	if w.reasons()["FailedScheduling"] == "" || w.pods()[0].Status.Conditions[0].Reason != "Unschedulable" {
		t.Errorf("events are %v, status %+v", w.reasons(), w.pods()[0].Status)
	}
	w.put(node("n3", "us-west1-c"))
	w.step()
	w.runAll()
	w.expect("v1: 1, 1 ready, 0 terminating")
}

func TestAddressesAreDistinctAndStable(t *testing.T) {
	addresses := func() map[string]string {
		w := newWorld(t, Config{})
		w.put(deploy("v1", 50))
		w.step()
		w.runAll()
		all := map[string]string{}
		seen := map[string]bool{}
		for _, p := range w.pods() {
			if seen[p.Status.PodIP] {
				t.Errorf("%s is there twice", p.Status.PodIP)
			}
			seen[p.Status.PodIP] = true
			all[p.Name] = p.Status.PodIP
		}
		return all
	}
	first := addresses()
	for name, ip := range addresses() {
		if first[name] != ip {
			t.Errorf("%s was %s, is %s", name, first[name], ip)
		}
	}
}

func TestSystemsWithOneAddress(t *testing.T) {
	w := newWorld(t, Config{OneAddress: true})
	w.put(deploy("v1", 2))
	w.step()
	for name, r := range w.started {
		port := uint16(40000 + len(name)%7)
		w.pending = append(w.pending, Report{
			Pod: r.Pod, Container: "app", Attempt: 1, Event: Running, Ports: map[uint16]uint16{8080: port},
		})
	}
	w.step()
	for _, p := range w.pods() {
		written := w.store.Snapshot().Get(store.RefTo("c", p)).Written
		if p.Status.PodIP != "127.0.0.1" || !strings.Contains(written.Annotations[AnnotationPorts], `{"8080":4000`) {
			t.Errorf("%s is at %s, %v", p.Name, p.Status.PodIP, written.Annotations)
		}
	}
}

func TestHistoryIsBounded(t *testing.T) {
	w := newWorld(t, Config{Settle: time.Millisecond})
	for _, image := range []string{"v1", "v2", "v3", "v4", "v5"} {
		d := deploy(image, 1)
		limit := int32(2)
		d.Spec.RevisionHistoryLimit = &limit
		w.put(d)
		w.step()
		w.runAll()
		w.advance(time.Second)
		w.endAll()
	}
	w.expect("v5: 1, 1 ready, 0 terminating")
	if n := len(w.store.Snapshot().List("ReplicaSet.apps", "", "")); n != 3 {
		t.Errorf("%d ReplicaSets, want the current one and two old", n)
	}
	annotation := w.store.Snapshot().Get(store.RefTo("c", deploy("", 0))).Written.Annotations
	if annotation["deployment.kubernetes.io/revision"] != "5" {
		t.Errorf("annotations are %v", annotation)
	}
}
