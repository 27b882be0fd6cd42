package workload

import (
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	spillwayv1alpha1 "github.com/spillway-lb/spillway/api/spillway/v1alpha1"
)

func TestCrashesBackOff(t *testing.T) {
	w := newWorld(t, Config{})
	w.put(deploy("v1", 1))
	w.step()
	for i, want := range []time.Duration{0, time.Second, 2 * time.Second, 4 * time.Second, 8 * time.Second} {
		w.runAll()
		pod := w.pods()[0]
		if got := pod.Status.ContainerStatuses[0].RestartCount; int(got) != i {
			t.Errorf("crash %d: %d restarts", i, got)
		}
		last := w.lastRun(pod.Name)
		w.report(last, Exited)
		w.step()
		if want > 0 {
			w.expect("v1: 1, 0 ready, 0 terminating")
			if reason := w.pods()[0].Status.ContainerStatuses[0].State.Waiting.Reason; reason != "CrashLoopBackOff" {
				t.Errorf("crash %d: reason is %s", i, reason)
			}
			w.advance(want - time.Millisecond)
			if len(w.started) != 0 {
				t.Errorf("crash %d: started before its time", i)
			}
			w.advance(time.Millisecond)
		} else {
			w.step()
		}
		if len(w.started) != 1 {
			t.Fatalf("crash %d: not started again", i)
		}
	}
	w.runAll()
	w.now = w.now.Add(resetBackOff)
	w.report(w.lastRun(w.pods()[0].Name), Exited)
	w.step()
	w.step()
	if len(w.started) != 1 {
		t.Error("a container that ran for long has its back-off still")
	}
}

// lastRun makes up the order that the container's current attempt came from.
func (w *world) lastRun(pod string) *Run {
	for id, name := range w.names {
		if p := w.core.pods[id]; name == pod && p != nil {
			return &Run{Pod: id, Container: p.containers[0].spec, Attempt: p.containers[0].attempt}
		}
	}
	w.t.Fatalf("no Pod %s", pod)
	return nil
}

func TestOldNewsIsNoNews(t *testing.T) {
	w := newWorld(t, Config{})
	w.put(deploy("v1", 1))
	w.step()
	w.runAll()
	r := w.lastRun(w.pods()[0].Name)
	r.Attempt--
	w.report(r, Exited)
	w.step()
	w.expect("v1: 1, 1 ready, 0 terminating")
}

func TestTerminationGracePeriod(t *testing.T) {
	w := newWorld(t, Config{})
	d := deploy("v1", 1)
	seconds := int64(7)
	d.Spec.Template.Spec.TerminationGracePeriodSeconds = &seconds
	w.put(d)
	w.step()
	w.runAll()
	name := w.pods()[0].Name
	d = d.DeepCopy()
	d.Spec.Replicas = new(int32)
	w.put(d)
	w.step()
	if s := w.stopped[name]; s == nil || s.Grace != 7*time.Second {
		t.Fatalf("order is %+v", s)
	}
	if at := w.pods()[0].DeletionTimestamp; at == nil || !at.Time.Equal(w.now.Add(7*time.Second)) {
		t.Errorf("deletionTimestamp is %v", at)
	}
	if w.reasons()["Killing"] != "Stopping container app" {
		t.Errorf("events are %v", w.reasons())
	}
}

func TestImageMappingStartsARollout(t *testing.T) {
	w := newWorld(t, Config{})
	w.put(deploy("unknown/app:v1", 1))
	w.step()
	state := w.pods()[0].Status.ContainerStatuses[0].State.Waiting
	if state.Reason != "ErrImagePull" || !strings.Contains(state.Message, "spillway.yaml") {
		t.Errorf("state is %+v", state)
	}
	config := &spillwayv1alpha1.Configuration{
		TypeMeta: metav1.TypeMeta{APIVersion: "spillway.dev/v1alpha1", Kind: "Configuration"},
		Spec: spillwayv1alpha1.ConfigurationSpec{Images: []spillwayv1alpha1.Image{
			{Image: "unknown/*", Command: []string{"true"}},
		}},
	}
	w.put(config)
	w.step()
	run := w.started[w.pods()[1].Name+"/app"]
	if run == nil {
		run = w.started[w.pods()[0].Name+"/app"]
	}
	w.report(run, Running)
	w.step()
	for _, p := range w.pods() {
		if p.Status.PodIP != "" {
			t.Errorf("%s has an address before it listens", p.Name)
		}
	}
	w.report(run, Listening)
	w.runAll()
	w.advance(time.Second)
	w.expect("unknown/app:v1: 1, 1 ready, 0 terminating")
	if p := w.pods()[0]; p.Status.PodIP == "" {
		t.Errorf("%s has no address", p.Name)
	}
}

func TestReadinessOfAllContainers(t *testing.T) {
	w := newWorld(t, Config{})
	d := deploy("v1", 1)
	d.Spec.Template.Spec.Containers = append(d.Spec.Template.Spec.Containers, corev1.Container{Name: "side", Image: "v1"})
	w.put(d)
	w.step()
	pod := w.pods()[0].Name
	w.report(w.started[pod+"/app"], Running, Ready)
	w.step()
	w.expect("v1: 1, 0 ready, 0 terminating")
	w.report(w.started[pod+"/side"], Running, Ready)
	w.step()
	w.expect("v1: 1, 1 ready, 0 terminating")
	w.report(w.started[pod+"/side"], Unready)
	w.step()
	w.expect("v1: 1, 0 ready, 0 terminating")
}

func TestMatchImage(t *testing.T) {
	for _, tc := range []struct {
		pattern, image string
		want           bool
	}{
		{"nginx", "nginx:1.25", true},
		{"nginx", "nginx@sha256:abc", true},
		{"nginx:1.25", "nginx:1.26", false},
		{"example.com:5000/app", "example.com:5000/app:v1", true},
		{"example.com/*", "example.com/a/b:v1", true},
		{"*/app:*", "example.com/app:v1", true},
		{"*", "anything", true},
		{"*app", "example.com/application", false},
	} {
		if got := MatchImage(tc.pattern, tc.image); got != tc.want {
			t.Errorf("MatchImage(%q, %q) = %t", tc.pattern, tc.image, got)
		}
	}
}

func TestEnvironment(t *testing.T) {
	w := newWorld(t, Config{})
	w.put(&corev1.ConfigMap{
		TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "ConfigMap"}, ObjectMeta: metav1.ObjectMeta{Namespace: "store", Name: "m"},
		Data: map[string]string{"A": "1", "B": "2"},
	})
	yes := true
	d := deploy("v1", 1)
	c := &d.Spec.Template.Spec.Containers[0]
	c.EnvFrom = []corev1.EnvFromSource{
		{Prefix: "P_", ConfigMapRef: &corev1.ConfigMapEnvSource{LocalObjectReference: corev1.LocalObjectReference{Name: "m"}}},
		{SecretRef: &corev1.SecretEnvSource{LocalObjectReference: corev1.LocalObjectReference{Name: "none"}, Optional: &yes}},
	}
	field := func(name, path string) corev1.EnvVar {
		return corev1.EnvVar{Name: name, ValueFrom: &corev1.EnvVarSource{FieldRef: &corev1.ObjectFieldSelector{FieldPath: path}}}
	}
	c.Env = []corev1.EnvVar{
		{Name: "P_B", Value: "over"},
		{Name: "SUM", Value: "$(P_A)+$(P_B) $$(P_A) $(NOBODY) $"},
		field("POD", "metadata.name"), field("NODE", "spec.nodeName"), field("IP", "status.podIP"),
		field("APP", "metadata.labels['app']"), field("SA", "spec.serviceAccountName"),
		{Name: "CPU", ValueFrom: &corev1.EnvVarSource{ResourceFieldRef: &corev1.ResourceFieldSelector{Resource: "limits.cpu"}}},
	}
	w.put(d)
	w.step()
	pod := w.pods()[0]
	run := w.started[pod.Name+"/app"]
	got := map[string]string{}
	for _, v := range run.Env {
		got[v.Name] = v.Value
	}
	for name, want := range map[string]string{
		"P_A": "1", "P_B": "over", "SUM": "1+over $(P_A) $(NOBODY) $", "POD": pod.Name, "NODE": pod.Spec.NodeName,
		"IP": run.IP.String(), "APP": "store", "SA": "default", "CPU": "0",
	} {
		if got[name] != want {
			t.Errorf("%s is %q, want %q", name, got[name], want)
		}
	}
}
