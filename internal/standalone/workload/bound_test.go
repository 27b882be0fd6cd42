package workload

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/spillway-lb/spillway/internal/recompute"
	"github.com/spillway-lb/spillway/internal/store"
)

// boundWorld is a core as a kubelet of a real API server has it; the test is the API server.
type boundWorld struct {
	*world
	gone   []Gone
	status *corev1.PodStatus
	events []string
	order  *Stop
}

func newBoundWorld(t *testing.T) *boundWorld {
	in := netip.MustParsePrefix("10.201.128.0/17")
	return &boundWorld{world: newWorld(t, Config{Bound: true, Pods: func(string) netip.Prefix { return in }})}
}

func (w *boundWorld) step() {
	snapshot, touched := w.sub.Take()
	out := w.core.Step(Input{Now: w.now, Snapshot: snapshot, Touched: touched, Reports: w.pending})
	w.pending, w.gone, w.next = nil, append(w.gone, out.Gone...), out.Next
	for _, x := range out.Writes {
		switch value := x.Value.(type) {
		case *corev1.PodStatus:
			w.status = value
		case recompute.Event:
			if !x.Removed {
				w.events = append(w.events, value.Reason)
			}
		}
	}
	for _, c := range out.Commands {
		if c.Stop != nil {
			w.order = c.Stop
		}
		w.obey(c)
	}
}

// pod is one of a ReplicaSet's, which a scheduler has bound.
func boundPod(uid, image string) *corev1.Pod {
	return &corev1.Pod{
		TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "Pod"},
		ObjectMeta: metav1.ObjectMeta{
			Namespace: "n", Name: "p", UID: types.UID(uid), GenerateName: "rs-",
			OwnerReferences: []metav1.OwnerReference{{Kind: "ReplicaSet", Name: "rs", Controller: new(bool)}},
		},
		Spec: corev1.PodSpec{NodeName: "n2", Containers: []corev1.Container{{Name: "c", Image: image}}},
	}
}

func deleted(p *corev1.Pod, grace int64) *corev1.Pod {
	p = p.DeepCopy()
	at := metav1.NewTime(time.Unix(2_000_000_000, 0))
	p.DeletionTimestamp, p.DeletionGracePeriodSeconds = &at, &grace
	return p
}

func (w *boundWorld) run() {
	w.t.Helper()
	r := w.started["p/c"]
	if r == nil {
		w.t.Fatal("the container was not started")
	}
	delete(w.started, "p/c")
	w.report(r, Running, Ready)
	w.step()
}

func TestABoundPodRunsWhereItIsBound(t *testing.T) {
	w := newBoundWorld(t)
	w.put(boundPod("1", "v1"))
	w.step()
	if w.status.PodIP == "" || !netip.MustParsePrefix("10.201.128.0/17").Contains(netip.MustParseAddr(w.status.PodIP)) {
		t.Errorf("before it runs its address is %q", w.status.PodIP)
	}
	w.run()
	if w.status.Phase != corev1.PodRunning || w.status.ContainerStatuses[0].State.Running == nil {
		t.Errorf("status is %+v", w.status)
	}
	if got := strings.Join(w.events, " "); got != "Pulled Created Started" {
		t.Errorf("events are %s: others are the scheduler's", got)
	}
}

func TestABoundPodEndsAsItIsAskedTo(t *testing.T) {
	w := newBoundWorld(t)
	p := boundPod("1", "v1")
	w.put(p)
	w.step()
	w.run()
	w.put(deleted(p, 7))
	w.step()
	if w.order == nil || w.order.Grace != 7*time.Second {
		t.Fatalf("told to stop: %+v", w.order)
	}
	if len(w.gone) != 0 {
		t.Fatal("it is gone while it runs")
	}
	w.pending = append(w.pending, Report{Pod: w.order.Pod, Event: Stopped})
	w.step()
	if len(w.gone) != 1 || w.gone[0] != (Gone{Pod: store.RefTo("c", p), UID: "1"}) {
		t.Errorf("gone are %+v", w.gone)
	}
	// Its successor has the same name, as in a StatefulSet.
	w.put(boundPod("2", "v1"))
	w.step()
	w.run()
	if w.status.Phase != corev1.PodRunning {
		t.Errorf("its successor is %s", w.status.Phase)
	}
}

// TestABoundPodIsReplacedUnderItsName has the deletion and the next Pod come as one change.
func TestABoundPodIsReplacedUnderItsName(t *testing.T) {
	w := newBoundWorld(t)
	w.put(boundPod("1", "v1"))
	w.step()
	w.run()
	w.put(boundPod("2", "v1"))
	w.step()
	if w.order == nil || w.started["p/c"] != nil {
		t.Fatal("the first one goes on")
	}
	w.pending = append(w.pending, Report{Pod: w.order.Pod, Event: Stopped})
	w.step()
	w.run()
	if len(w.gone) != 0 || w.status.Phase != corev1.PodRunning {
		t.Errorf("gone are %+v, phase %s", w.gone, w.status.Phase)
	}
}

func TestABoundPodThatNeverRanIsGoneAtOnce(t *testing.T) {
	w := newBoundWorld(t)
	p := boundPod("1", "unknown")
	w.put(p)
	w.step()
	waiting := w.status.ContainerStatuses[0].State.Waiting
	if waiting == nil || waiting.Reason != errImagePull || !strings.Contains(waiting.Message, "apply that to this cluster") {
		t.Errorf("it waits: %+v", waiting)
	}
	w.put(deleted(p, 30))
	w.step()
	if len(w.gone) != 1 {
		t.Errorf("gone are %+v", w.gone)
	}
}

func TestABoundPodHonoursItsGates(t *testing.T) {
	w := newBoundWorld(t)
	p := boundPod("1", "v1")
	p.Spec.ReadinessGates = []corev1.PodReadinessGate{{ConditionType: gate}}
	w.put(p)
	w.step()
	w.run()
	ready := func() corev1.PodCondition {
		return condition(&corev1.Pod{Status: *w.status}, corev1.PodReady)
	}
	if c := ready(); c.Status != corev1.ConditionFalse || c.Reason != "ReadinessGatesNotReady" {
		t.Errorf("Ready is %+v", c)
	}
	opened := p.DeepCopy()
	opened.Status.Conditions = []corev1.PodCondition{{Type: gate, Status: corev1.ConditionTrue}}
	w.put(opened)
	w.step()
	if c := ready(); c.Status != corev1.ConditionTrue {
		t.Errorf("with its gate open, Ready is %+v", c)
	}
}
