package workload

import (
	"fmt"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"pgregory.net/rapid"
)

// TestWhateverHappensItSettles edits a Deployment, lets containers crash and the cluster go and come, at random. Meanwhile Pods that serve are
// only given up for others that do; in the end there is what the Deployment asks for, and nothing else.
func TestWhateverHappensItSettles(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		w := newWorld(t, Config{})
		var d *appsv1.Deployment
		for range rapid.IntRange(1, 15).Draw(rt, "steps") {
			before := w.available()
			was := d
			if rapid.IntRange(0, 7).Draw(rt, "cluster goes") == 0 {
				d = w.moveCluster(rt, d)
				was = nil // the Pods went with it
			} else {
				d = w.happen(rt, d)
			}
			w.step()
			w.checkAvailability(rt, was, d, before)
		}
		w.settle()
		want := ""
		if d != nil && *d.Spec.Replicas > 0 {
			image := d.Spec.Template.Spec.Containers[0].Image
			want = fmt.Sprintf("%s: %d, %d ready, 0 terminating", image, *d.Spec.Replicas, *d.Spec.Replicas)
		}
		if got := w.counts(); got != want {
			rt.Fatalf("settled at %q, want %q", got, want)
		}
		if n := len(w.pods()); n != len(w.core.pods) || n != len(w.core.addresses) || n != len(w.core.byRef) {
			rt.Fatalf("%d Pods; the core remembers %d, %d addresses", n, len(w.core.pods), len(w.core.addresses))
		}
	})
}

// happen lets one thing happen and returns the Deployment as it is then.
func (w *world) happen(rt *rapid.T, d *appsv1.Deployment) *appsv1.Deployment {
	switch rapid.SampledFrom([]string{"edit", "edit", "run", "end", "crash", "wait", "delete"}).Draw(rt, "what") {
	case "edit":
		d = deploy(rapid.SampledFrom([]string{"v1", "v2", "v3"}).Draw(rt, "image"), int32(rapid.IntRange(0, 5).Draw(rt, "replicas")))
		surge, unavailable := intstr.FromInt32(1), intstr.FromInt32(0)
		d.Spec.Strategy.RollingUpdate = &appsv1.RollingUpdateDeployment{MaxSurge: &surge, MaxUnavailable: &unavailable}
		w.put(d)
	case "run":
		w.runAll()
	case "end":
		w.endAll()
	case "crash":
		for _, p := range w.pods() {
			if p.Status.Phase == corev1.PodRunning && rapid.Bool().Draw(rt, "crashes") {
				w.report(w.lastRun(p.Name), Exited)
			}
		}
	case "wait":
		w.advance(time.Duration(rapid.IntRange(1, 3000).Draw(rt, "ms")) * time.Millisecond)
	case "delete":
		if d != nil {
			w.remove(d)
			d = nil
		}
	}
	return d
}

// moveCluster takes everything away, Nodes included, and brings it back when the core has seen some of that.
func (w *world) moveCluster(rt *rapid.T, d *appsv1.Deployment) *appsv1.Deployment {
	if d != nil {
		w.remove(d)
	}
	if rapid.Bool().Draw(rt, "between") {
		w.step()
	}
	w.remove(node("n1", ""))
	w.remove(node("n2", ""))
	w.step()
	if d != nil {
		w.put(d.DeepCopy())
	}
	if rapid.Bool().Draw(rt, "before") {
		w.step()
	}
	w.put(node("n1", "us-west1-a"), node("n2", "us-west1-b"))
	return d
}

// available counts the Pods that serve and are to stay.
func (w *world) available() int {
	n := 0
	for _, p := range w.core.pods {
		if p.ready() && !p.deleting {
			n++
		}
	}
	return n
}

// checkAvailability holds what maxUnavailable 0 promises, as long as the number of replicas is the same.
func (w *world) checkAvailability(rt *rapid.T, was, is *appsv1.Deployment, before int) {
	if was == nil || is == nil || *was.Spec.Replicas != *is.Spec.Replicas || len(w.crashed()) > 0 {
		return
	}
	if after, desired := w.available(), int(*is.Spec.Replicas); after < min(before, desired) {
		rt.Fatalf("%d of %d Pods serve, %d did before", after, desired, before)
	}
}

// crashed are the Pods of which a container has ended.
func (w *world) crashed() []*pod {
	var all []*pod
	for _, p := range w.core.pods {
		if p.containers[0].attempt > 1 || p.containers[0].state == stateExited {
			all = append(all, p)
		}
	}
	return all
}

// settle lets everything that can happen happen.
func (w *world) settle() {
	for range 60 {
		before := w.store.Snapshot()
		w.runAll()
		w.endAll()
		w.advance(maxBackOff)
		if w.store.Snapshot() == before && len(w.started)+len(w.stopped) == 0 {
			return
		}
	}
}
