package workload

import (
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/spillway-lb/spillway/internal/status"
	"github.com/spillway-lb/spillway/internal/store"
)

// world is a core with a store, a writer, a clock that the test turns, and nothing that runs: the test says what happens
// to containers.
type world struct {
	t      *testing.T
	now    time.Time
	store  *store.Store
	sub    *store.Subscription
	writer *status.Writer
	core   *Core
	next   time.Time

	started map[string]*Run // by Pod name and container, those that the test has not answered
	stopped map[string]*Stop
	names   map[string]string // Pod id to name
	pending []Report
	healthy map[netip.Addr]bool
}

func newWorld(t *testing.T, config Config) *world {
	t.Helper()
	if config.Builtin == nil {
		config.Builtin = func(image string) bool { return !strings.HasPrefix(image, "unknown") }
	}
	s := store.New()
	w := &world{
		t: t, now: time.Unix(1_000_000_000, 0), store: s, sub: s.Subscribe(), writer: status.NewWriter(s, status.Limits{}),
		core: New(config), started: map[string]*Run{}, stopped: map[string]*Stop{}, names: map[string]string{},
	}
	w.put(node("n1", "us-west1-a"), node("n2", "us-west1-b"))
	return w
}

func (w *world) put(objects ...store.Object) {
	w.store.Commit(func(tx *store.Tx) {
		for _, o := range objects {
			tx.Put("c", o, "user")
		}
	})
}

func (w *world) remove(o store.Object) {
	w.store.Commit(func(tx *store.Tx) { tx.Delete(store.RefTo("c", o)) })
}

// step lets the core act until it has nothing more to say.
func (w *world) step() {
	w.t.Helper()
	for range 20 {
		snapshot, touched := w.sub.Take()
		out := w.core.Step(Input{
			Now: w.now, Snapshot: snapshot, Touched: touched, Reports: w.pending,
			Healthy: func() map[netip.Addr]bool { return w.healthy },
		})
		w.pending = nil
		w.next = out.Next
		w.writer.Apply(out.Writes, nil, w.now)
		for _, c := range out.Commands {
			w.obey(c)
		}
		if w.store.Snapshot() == snapshot {
			return
		}
	}
	w.t.Fatal("the core never settles")
}

func (w *world) obey(c Command) {
	if r := c.Run; r != nil {
		w.names[r.Pod] = r.Name
		w.started[r.Name+"/"+r.Container.Name] = r
		return
	}
	w.stopped[w.names[c.Stop.Pod]] = c.Stop
}

func (w *world) advance(d time.Duration) {
	w.now = w.now.Add(d)
	w.step()
}

// report is what the kubelet says of a container that was started.
func (w *world) report(r *Run, events ...Event) {
	for _, e := range events {
		w.pending = append(w.pending, Report{Pod: r.Pod, Container: r.Container.Name, Attempt: r.Attempt, Event: e, ExitCode: 1})
	}
}

// runAll lets every container that was started run and be ready.
func (w *world) runAll() {
	for _, name := range slices.Sorted(maps.Keys(w.started)) {
		w.report(w.started[name], Running, Ready)
		delete(w.started, name)
	}
	w.step()
}

// endAll lets every Pod that was told to stop end.
func (w *world) endAll() {
	for name, s := range w.stopped {
		w.pending = append(w.pending, Report{Pod: s.Pod, Event: Stopped})
		delete(w.stopped, name)
	}
	w.step()
}

func (w *world) pods() []*corev1.Pod {
	var all []*corev1.Pod
	w.store.Snapshot().Walk("Pod", "", "", func(e *store.Entry) bool {
		p := e.Object.(*corev1.Pod).DeepCopy()
		if e.Written != nil {
			p.Status = *e.Written.Status.(*corev1.PodStatus)
		}
		all = append(all, p)
		return true
	})
	return all
}

// counts says how many Pods there are of each image: all, ready, terminating.
func (w *world) counts() string {
	all := map[string][3]int{}
	for _, p := range w.pods() {
		n := all[p.Spec.Containers[0].Image]
		n[0]++
		for _, c := range p.Status.Conditions {
			if c.Type == corev1.PodReady && c.Status == corev1.ConditionTrue {
				n[1]++
			}
		}
		if p.DeletionTimestamp != nil {
			n[2]++
		}
		all[p.Spec.Containers[0].Image] = n
	}
	var parts []string
	for _, image := range slices.Sorted(maps.Keys(all)) {
		n := all[image]
		parts = append(parts, fmt.Sprintf("%s: %d, %d ready, %d terminating", image, n[0], n[1], n[2]))
	}
	return strings.Join(parts, "; ")
}

func (w *world) expect(want string) {
	w.t.Helper()
	if got := w.counts(); got != want {
		w.t.Errorf("Pods:\n got %s\nwant %s", got, want)
	}
}

func (w *world) reasons() map[string]string {
	all := map[string]string{}
	w.store.Snapshot().Walk("Event", "", "", func(e *store.Entry) bool {
		x := e.Object.(*corev1.Event)
		all[x.Reason] = x.Message
		return true
	})
	return all
}

func (w *world) deploymentStatus(d *appsv1.Deployment) *appsv1.DeploymentStatus {
	return w.store.Snapshot().Get(store.RefTo("c", d)).Written.Status.(*appsv1.DeploymentStatus)
}

func node(name, zone string) *corev1.Node {
	return &corev1.Node{
		TypeMeta:   metav1.TypeMeta{APIVersion: "v1", Kind: "Node"},
		ObjectMeta: metav1.ObjectMeta{Name: name, Labels: map[string]string{corev1.LabelTopologyZone: zone}},
	}
}

func deploy(image string, replicas int32) *appsv1.Deployment {
	labels := map[string]string{"app": "store"}
	return &appsv1.Deployment{
		TypeMeta:   metav1.TypeMeta{APIVersion: "apps/v1", Kind: "Deployment"},
		ObjectMeta: metav1.ObjectMeta{Namespace: "store", Name: "store", UID: types.UID("u"), Generation: 1},
		Spec: appsv1.DeploymentSpec{
			Replicas: &replicas, Selector: &metav1.LabelSelector{MatchLabels: labels},
			Template: corev1.PodTemplateSpec{
				ObjectMeta: metav1.ObjectMeta{Labels: labels},
				Spec:       corev1.PodSpec{Containers: []corev1.Container{{Name: "app", Image: image}}},
			},
		},
	}
}
