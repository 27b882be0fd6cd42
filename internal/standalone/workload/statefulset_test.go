package workload

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/spillway-lb/spillway/internal/store"
)

func stateful(image string, replicas int32, partition int32) *appsv1.StatefulSet {
	d := deploy(image, replicas)
	return &appsv1.StatefulSet{
		TypeMeta:   metav1.TypeMeta{APIVersion: "apps/v1", Kind: "StatefulSet"},
		ObjectMeta: metav1.ObjectMeta{Namespace: "store", Name: "web", UID: "s", Generation: 1},
		Spec: appsv1.StatefulSetSpec{
			Replicas: &replicas, Selector: d.Spec.Selector, Template: d.Spec.Template, ServiceName: "web",
			UpdateStrategy: appsv1.StatefulSetUpdateStrategy{
				Type: appsv1.RollingUpdateStatefulSetStrategyType, RollingUpdate: &appsv1.RollingUpdateStatefulSetStrategy{Partition: &partition},
			},
			VolumeClaimTemplates: []corev1.PersistentVolumeClaim{{ObjectMeta: metav1.ObjectMeta{Name: "data"}}},
		},
	}
}

// line says which Pods there are: NAME=IMAGE, with ! for those that are not ready and ~ for those on their way out.
func (w *world) line() string {
	var all []string
	for _, p := range w.pods() {
		mark := "!"
		for _, c := range p.Status.Conditions {
			if c.Type == corev1.PodReady && c.Status == corev1.ConditionTrue {
				mark = ""
			}
		}
		if p.DeletionTimestamp != nil {
			mark = "~"
		}
		all = append(all, p.Name+"="+p.Spec.Containers[0].Image+mark)
	}
	slices.Sort(all)
	return strings.Join(all, " ")
}

func (w *world) expectLine(want string) {
	w.t.Helper()
	if got := w.line(); got != want {
		w.t.Errorf("Pods:\n got %s\nwant %s", got, want)
	}
}

func TestStatefulSetGoesInOrder(t *testing.T) {
	w := newWorld(t, Config{})
	w.put(stateful("v1", 3, 0))
	w.step()
	w.expectLine("web-0=v1!")
	w.runAll()
	w.expectLine("web-0=v1 web-1=v1!")
	w.runAll()
	w.runAll()
	w.expectLine("web-0=v1 web-1=v1 web-2=v1")
	pod := w.pods()[0]
	if pod.Labels[appsv1.PodIndexLabel] != "0" || pod.Labels[appsv1.StatefulSetPodNameLabel] != "web-0" || pod.Spec.Hostname != "web-0" {
		t.Errorf("labels are %v, hostname %s", pod.Labels, pod.Spec.Hostname)
	}
	if claim := pod.Spec.Volumes[0].PersistentVolumeClaim; claim == nil || claim.ClaimName != "data-web-0" {
		t.Errorf("volumes are %v", pod.Spec.Volumes)
	}

	// An update goes from the highest ordinal down, one at a time; the name has to be free first.
	w.put(stateful("v2", 3, 0))
	w.step()
	w.expectLine("web-0=v1 web-1=v1 web-2=v1~")
	w.endAll()
	w.expectLine("web-0=v1 web-1=v1 web-2=v2!")
	w.runAll()
	w.advance(2 * time.Second)
	w.expectLine("web-0=v1 web-1=v1~ web-2=v2")
	for range 3 {
		w.endAll()
		w.runAll()
		w.advance(2 * time.Second)
	}
	w.expectLine("web-0=v2 web-1=v2 web-2=v2")

	// Fewer go from the top, one at a time.
	w.put(stateful("v2", 1, 0))
	w.step()
	w.expectLine("web-0=v2 web-1=v2 web-2=v2~")
	w.endAll()
	w.expectLine("web-0=v2 web-1=v2~")
	w.endAll()
	w.expectLine("web-0=v2")
	s := w.store.Snapshot().Get(store.RefTo("c", stateful("", 0, 0))).Written.Status.(*appsv1.StatefulSetStatus)
	if s.Replicas != 1 || s.ReadyReplicas != 1 || s.UpdatedReplicas != 1 || s.CurrentRevision != s.UpdateRevision {
		t.Errorf("status is %+v", s)
	}
	w.remove(stateful("", 0, 0))
	w.step()
	w.endAll()
	w.expectLine("")
}

func TestStatefulSetPartitionKeepsTheLower(t *testing.T) {
	w := newWorld(t, Config{})
	w.put(stateful("v1", 3, 0))
	w.step()
	for range 3 {
		w.runAll()
	}
	w.put(stateful("v2", 3, 2))
	w.step()
	w.endAll()
	w.runAll()
	w.advance(2 * time.Second)
	w.expectLine("web-0=v1 web-1=v1 web-2=v2")
	// A Pod below the partition comes back as it was.
	w.remove(node("n2", ""))
	w.step()
	for range 3 {
		w.endAll()
		w.runAll()
		w.advance(2 * time.Second)
	}
	w.expectLine("web-0=v1 web-1=v1 web-2=v2")
	s := w.store.Snapshot().Get(store.RefTo("c", stateful("", 0, 0))).Written.Status.(*appsv1.StatefulSetStatus)
	if s.CurrentReplicas != 2 || s.UpdatedReplicas != 1 || s.CurrentRevision == s.UpdateRevision {
		t.Errorf("status is %+v", s)
	}
}

func TestStatefulSetOutOfABrokenUpdate(t *testing.T) {
	w := newWorld(t, Config{})
	w.put(stateful("v1", 2, 0))
	w.step()
	w.runAll()
	w.runAll()
	w.put(stateful("unknown", 2, 0))
	w.step()
	w.endAll()
	w.advance(time.Hour)
	w.expectLine("web-0=v1 web-1=unknown!")
	w.put(stateful("v3", 2, 0))
	w.step()
	w.expectLine("web-0=v1 web-1=v3!")
}

func TestStatefulSetInParallel(t *testing.T) {
	w := newWorld(t, Config{})
	s := stateful("v1", 3, 0)
	s.Spec.PodManagementPolicy = appsv1.ParallelPodManagement
	s.Spec.Ordinals = &appsv1.StatefulSetOrdinals{Start: 5}
	w.put(s)
	w.step()
	w.expectLine("web-5=v1! web-6=v1! web-7=v1!")
}

func daemons(image string, surge bool) *appsv1.DaemonSet {
	d := deploy(image, 1)
	s := &appsv1.DaemonSet{
		TypeMeta:   metav1.TypeMeta{APIVersion: "apps/v1", Kind: "DaemonSet"},
		ObjectMeta: metav1.ObjectMeta{Namespace: "store", Name: "agent", UID: "a", Generation: 1},
		Spec:       appsv1.DaemonSetSpec{Selector: d.Spec.Selector, Template: d.Spec.Template},
	}
	if surge {
		number := func(n int) *intstr.IntOrString { v := intstr.FromInt(n); return &v }
		s.Spec.UpdateStrategy.RollingUpdate = &appsv1.RollingUpdateDaemonSet{MaxSurge: number(1), MaxUnavailable: number(0)}
	}
	return s
}

// perNode says what there is on each Node, in order.
func (w *world) perNode() string {
	var all []string
	for _, p := range w.pods() {
		mark := ""
		if p.DeletionTimestamp != nil {
			mark = "~"
		}
		all = append(all, p.Spec.NodeName+"="+p.Spec.Containers[0].Image+mark)
	}
	slices.Sort(all)
	return strings.Join(all, " ")
}

func TestDaemonSet(t *testing.T) {
	for _, surge := range []bool{false, true} {
		w := newWorld(t, Config{})
		check := func(want string) {
			t.Helper()
			if got := w.perNode(); got != want {
				t.Errorf("surge %v: %s, want %s", surge, got, want)
			}
		}
		w.put(daemons("v1", surge))
		w.step()
		w.runAll()
		check("n1=v1 n2=v1")
		w.put(node("n3", "us-west1-c"))
		w.step()
		w.runAll()
		check("n1=v1 n2=v1 n3=v1")
		w.put(daemons("v2", surge))
		w.step()
		if surge {
			check("n1=v1 n1=v2 n2=v1 n3=v1")
		} else {
			check("n1=v1~ n2=v1 n3=v1")
		}
		for range 8 {
			w.endAll()
			w.runAll()
			w.advance(2 * time.Second)
		}
		check("n1=v2 n2=v2 n3=v2")
		w.remove(node("n3", ""))
		w.step()
		w.endAll()
		check("n1=v2 n2=v2")
		s := w.store.Snapshot().Get(store.RefTo("c", daemons("", surge))).Written.Status.(*appsv1.DaemonSetStatus)
		if got := fmt.Sprint(s.DesiredNumberScheduled, s.CurrentNumberScheduled, s.NumberReady, s.UpdatedNumberScheduled, s.NumberAvailable); got != "2 2 2 2 2" {
			t.Errorf("status is %+v", s)
		}
	}
}

func TestDaemonSetChoosesNodes(t *testing.T) {
	w := newWorld(t, Config{})
	tainted := node("n3", "us-west1-c")
	tainted.Spec.Taints = []corev1.Taint{{Key: "gpu", Effect: corev1.TaintEffectNoSchedule}}
	w.put(tainted)
	d := daemons("v1", false)
	w.put(d)
	w.step()
	w.runAll()
	if got := w.perNode(); got != "n1=v1 n2=v1" {
		t.Error(got)
	}
	d = d.DeepCopy()
	d.Spec.Template.Spec.Tolerations = []corev1.Toleration{{Operator: corev1.TolerationOpExists}}
	d.Spec.Template.Spec.NodeSelector = map[string]string{corev1.LabelTopologyZone: "us-west1-c"}
	w.put(d)
	for range 4 {
		w.step()
		w.endAll()
		w.runAll()
	}
	if got := w.perNode(); got != "n3=v1" {
		t.Error(got)
	}
}

func TestReplicaSetOfTheUsers(t *testing.T) {
	w := newWorld(t, Config{})
	d := deploy("v1", 2)
	r := &appsv1.ReplicaSet{
		TypeMeta:   metav1.TypeMeta{APIVersion: "apps/v1", Kind: "ReplicaSet"},
		ObjectMeta: metav1.ObjectMeta{Namespace: "store", Name: "old-style", UID: "r"},
		Spec:       appsv1.ReplicaSetSpec{Replicas: d.Spec.Replicas, Selector: d.Spec.Selector, Template: d.Spec.Template},
	}
	w.put(r)
	w.step()
	w.runAll()
	w.expect("v1: 2, 2 ready, 0 terminating")
	if s := w.store.Snapshot().Get(store.RefTo("c", r)).Written.Status.(*appsv1.ReplicaSetStatus); s.ReadyReplicas != 2 {
		t.Errorf("status is %+v", s)
	}
	w.remove(r)
	w.step()
	w.endAll()
	w.expect("")
}
