package workload

import (
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/spillway-lb/spillway/internal/recompute"
	"github.com/spillway-lb/spillway/internal/store"
)

const gate = "cloud.google.com/load-balancer-neg-ready"

// open lets somebody else say of every Pod of an image what its gate is.
func (w *world) open(image string, is corev1.ConditionStatus) {
	for _, p := range w.pods() {
		if p.Spec.Containers[0].Image == image {
			w.writer.Apply([]recompute.WriteChange{{Write: recompute.Write{
				Ref: store.RefTo("c", p), Part: recompute.PartCondition, Key: gate, Value: corev1.PodCondition{Type: gate, Status: is},
			}}}, nil, w.now)
		}
	}
	w.step()
}

func gated() Config {
	return Config{Gates: func(_ *store.Snapshot, cluster string, pod *corev1.Pod) []corev1.PodReadinessGate {
		if cluster != "c" || pod.Labels["app"] != "store" {
			return nil
		}
		return []corev1.PodReadinessGate{{ConditionType: gate}}
	}}
}

func condition(p *corev1.Pod, of corev1.PodConditionType) corev1.PodCondition {
	for _, c := range p.Status.Conditions {
		if c.Type == of {
			return c
		}
	}
	return corev1.PodCondition{}
}

// TestRolloutWaitsForTheGate is the seed's stalled rollout: a Pod is ready when somebody else says so, and not before.
func TestRolloutWaitsForTheGate(t *testing.T) {
	w := newWorld(t, gated())
	w.put(deploy("v1", 2))
	w.step()
	w.runAll()
	w.expect("v1: 2, 0 ready, 0 terminating")
	p := w.pods()[0]
	if c := condition(p, corev1.ContainersReady); c.Status != corev1.ConditionTrue {
		t.Errorf("ContainersReady is %+v", c)
	}
	if c := condition(p, corev1.PodReady); c.Reason != "ReadinessGatesNotReady" || !strings.Contains(c.Message, `"`+gate+`" does not exist`) {
		t.Errorf("Ready is %+v", c)
	}
	w.open("v1", "")
	if c := condition(w.pods()[0], corev1.PodReady); !strings.Contains(c.Message, `"`+gate+`" is not "True", but `) {
		t.Errorf("Ready is %+v", c)
	}
	w.open("v1", corev1.ConditionTrue)
	w.expect("v1: 2, 2 ready, 0 terminating")

	w.put(deploy("v2", 2))
	w.step()
	w.runAll()
	w.advance(time.Hour)
	w.expect("v1: 2, 2 ready, 0 terminating; v2: 1, 0 ready, 0 terminating")
	w.open("v2", corev1.ConditionTrue)
	w.advance(2 * time.Second)
	w.expect("v1: 2, 2 ready, 1 terminating; v2: 2, 1 ready, 0 terminating")
	// One that closes again makes its Pod unready; the reflector of NEGs never does that.
	w.open("v2", corev1.ConditionFalse)
	w.expect("v1: 2, 2 ready, 1 terminating; v2: 2, 0 ready, 0 terminating")
}

func TestGatesOfUserPodsAreBound(t *testing.T) {
	w := newWorld(t, gated())
	p := &corev1.Pod{ObjectMeta: deploy("v1", 1).Spec.Template.ObjectMeta, Spec: deploy("v1", 1).Spec.Template.Spec}
	p.APIVersion, p.Kind, p.Name, p.Namespace = "v1", "Pod", "bare", "store"
	p.Spec.ReadinessGates = []corev1.PodReadinessGate{{ConditionType: "example.com/own"}}
	w.put(p)
	snapshot, touched := w.sub.Take()
	out := w.core.Step(Input{Now: w.now, Snapshot: snapshot, Touched: touched})
	if len(out.Bindings) != 1 || len(out.Bindings[0].Gates) != 2 || out.Bindings[0].Gates[1].ConditionType != gate {
		t.Errorf("bindings are %+v", out.Bindings)
	}
	if len(p.Spec.ReadinessGates) != 1 {
		t.Error("the user's object was changed")
	}
}

func TestProgressDeadline(t *testing.T) {
	w := newWorld(t, Config{})
	d := deploy("v1", 1)
	seconds := int32(60)
	d.Spec.ProgressDeadlineSeconds = &seconds
	w.put(d)
	w.step()
	progressing := func() string {
		for _, c := range w.deploymentStatus(d).Conditions {
			if c.Type == "Progressing" {
				return string(c.Status) + " " + c.Reason + " " + c.Message
			}
		}
		return ""
	}
	if got := progressing(); !strings.HasPrefix(got, "True NewReplicaSetCreated") && !strings.HasPrefix(got, "True ReplicaSetUpdated") {
		t.Error(got)
	}
	if !w.next.Equal(w.now.Add(60 * time.Second)) {
		t.Errorf("the next step is at %v", w.next)
	}
	w.advance(59 * time.Second)
	w.advance(time.Second)
	if got := progressing(); !strings.HasPrefix(got, "False ProgressDeadlineExceeded") || !strings.Contains(got, "has timed out progressing.") {
		t.Error(got)
	}
	w.runAll()
	if got := progressing(); !strings.HasPrefix(got, "True NewReplicaSetAvailable") {
		t.Error(got)
	}
	// More replicas are no rollout.
	d = d.DeepCopy()
	three := int32(3)
	d.Spec.Replicas = &three
	w.put(d)
	w.step()
	w.advance(time.Hour)
	if got := progressing(); !strings.HasPrefix(got, "True NewReplicaSetAvailable") {
		t.Error(got)
	}
	d = d.DeepCopy()
	d.Spec.Template.Spec.Containers[0].Image = "unknown"
	w.put(d)
	w.step()
	w.advance(30 * time.Second)
	if got := progressing(); !strings.HasPrefix(got, "True") {
		t.Error(got)
	}
	w.advance(time.Minute)
	if got := progressing(); !strings.HasPrefix(got, "False ProgressDeadlineExceeded") {
		t.Error(got)
	}
}

func TestInitContainersRunOneAfterTheOther(t *testing.T) {
	w := newWorld(t, Config{})
	d := deploy("v1", 1)
	always := corev1.ContainerRestartPolicyAlways
	d.Spec.Template.Spec.InitContainers = []corev1.Container{
		{Name: "first", Image: "v1"}, {Name: "beside", Image: "v1", RestartPolicy: &always}, {Name: "second", Image: "v1"},
	}
	w.put(d)
	w.step()
	pod := func() *corev1.Pod { return w.pods()[0] }
	take := func(name string) *Run {
		t.Helper()
		r := w.started[pod().Name+"/"+name]
		if r == nil || len(w.started) != 1 {
			t.Fatalf("%s is not what starts: %v", name, w.started)
		}
		delete(w.started, pod().Name+"/"+name)
		return r
	}
	end := func(r *Run, code int32) {
		w.pending = append(w.pending, Report{Pod: r.Pod, Container: r.Container.Name, Attempt: r.Attempt, Event: Exited, ExitCode: code})
		w.step()
	}
	first := take("first")
	if !first.Init {
		t.Error("the kubelet is not told that it is an init container")
	}
	w.report(first, Running)
	w.step()
	if p := pod(); p.Status.Phase != corev1.PodPending || p.Status.PodIP != "" ||
		p.Status.ContainerStatuses[0].State.Waiting.Reason != "PodInitializing" ||
		condition(p, corev1.PodInitialized).Message != "containers with incomplete status: [first beside second]" {
		t.Errorf("status is %+v", p.Status)
	}
	end(first, 1) // it fails, and is run again at once
	again := take("first")
	w.report(again, Running)
	w.step()
	end(again, 0)
	w.report(take("beside"), Running, Ready)
	w.step()
	second := take("second")
	w.report(second, Running)
	w.step()
	end(second, 0)
	w.report(take("app"), Running, Ready)
	w.step()
	w.expect("v1: 1, 1 ready, 0 terminating")
	if p := pod(); condition(p, corev1.PodInitialized).Status != corev1.ConditionTrue || p.Status.Phase != corev1.PodRunning {
		t.Errorf("status is %+v", p.Status)
	}
	if s := pod().Status.InitContainerStatuses; s[0].RestartCount != 1 || s[0].State.Terminated == nil || !s[0].Ready || s[1].State.Running == nil {
		t.Errorf("init containers are %+v", s)
	}
}

func TestImagePullBackOff(t *testing.T) {
	w := newWorld(t, Config{})
	w.put(deploy("unknown/app:v1", 1))
	w.step()
	w.advance(pullBackOff)
	state := w.pods()[0].Status.ContainerStatuses[0].State.Waiting
	if state.Reason != "ImagePullBackOff" || !strings.HasPrefix(state.Message, `Back-off pulling image "unknown/app:v1": ErrImagePull: `) ||
		!strings.Contains(state.Message, "spillway.yaml") {
		t.Errorf("state is %+v", state)
	}
	if w.reasons()["BackOff"] != `Back-off pulling image "unknown/app:v1"` {
		t.Errorf("events are %v", w.reasons())
	}
	w.put(node("n3", "us-west1-c")) // a reason to try again
	w.step()
	if got := w.pods()[0].Status.ContainerStatuses[0].State.Waiting.Reason; got != "ImagePullBackOff" {
		t.Errorf("it is %s again", got)
	}
}

func TestStartedAfterTheStartupProbe(t *testing.T) {
	w := newWorld(t, Config{})
	d := deploy("v1", 1)
	d.Spec.Template.Spec.Containers[0].StartupProbe = &corev1.Probe{}
	w.put(d)
	w.step()
	r := w.lastRun(w.pods()[0].Name)
	w.report(r, Running)
	w.step()
	started := func() bool { return *w.pods()[0].Status.ContainerStatuses[0].Started }
	if started() {
		t.Error("it counts as started before its probe says so")
	}
	w.report(r, StartedUp)
	w.step()
	if !started() {
		t.Error("it does not count as started")
	}
}
