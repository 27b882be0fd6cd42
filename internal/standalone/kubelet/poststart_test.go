package kubelet

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	spillwayv1alpha1 "github.com/spillway-lb/spillway/api/spillway/v1alpha1"
	"github.com/spillway-lb/spillway/internal/standalone/workload"
)

func postStart(h corev1.LifecycleHandler) *corev1.Lifecycle { return &corev1.Lifecycle{PostStart: &h} }

func execHook(command ...string) corev1.LifecycleHandler {
	return corev1.LifecycleHandler{Exec: &corev1.ExecAction{Command: command}}
}

// TestPostStartComesBeforeReady: the hook of a mapped command runs with the command's environment, and nothing is said of the container
// before it has ended.
func TestPostStartComesBeforeReady(t *testing.T) {
	h := newHarness(t, time.Millisecond)
	dir := t.TempDir()
	notes := filepath.Join(dir, "notes")
	h.run("app", func(r *workload.Run) {
		r.Image = &spillwayv1alpha1.Image{
			Command: []string{"sh", "-c", `echo "$PORT $POD_ROOT $PWD" >>"$NOTES.command"; while :; do sleep 0.05; done`},
			Env:     []spillwayv1alpha1.EnvVar{{Name: "MAPPED", Value: "mapped"}}, WorkingDir: dir,
		}
		r.Env = []workload.EnvVar{{Name: "NOTES", Value: notes}}
		r.Container.ReadinessProbe = &corev1.Probe{ProbeHandler: corev1.ProbeHandler{Exec: execHook("sh", "-c", `echo ready >>"$NOTES"`).Exec}}
		r.Container.Lifecycle = postStart(execHook("sh", "-c",
			`until [ -e "$NOTES.go" ]; do sleep 0.01; done; echo "$MAPPED" >>"$NOTES"; echo "$PORT $POD_ROOT $PWD" >"$NOTES.hook"`))
	})
	h.want(workload.Running)
	read := func(suffix string) string {
		b, _ := os.ReadFile(notes + suffix)
		return string(b)
	}
	h.until("the command runs", func() bool { return strings.HasSuffix(read(".command"), "\n") })
	if err := os.WriteFile(notes+".go", nil, 0o600); err != nil {
		t.Fatal(err)
	}
	h.until("the container is ready", func() bool { return (<-h.reports).Event == workload.Ready })
	if got := read(""); !strings.HasPrefix(got, "mapped\nready\n") {
		t.Errorf("in order: %q", got)
	}
	if hook, command := read(".hook"), read(".command"); hook != command {
		t.Errorf("port, volumes and directory of the hook are %q, of the command %q", hook, command)
	}
}

// TestPostStartThatFails kills the container.
func TestPostStartThatFails(t *testing.T) {
	for name, hook := range map[string]corev1.LifecycleHandler{
		"exec":    execHook("sh", "-c", "exit 3"),
		"httpGet": {HTTPGet: &corev1.HTTPGetAction{Path: "/status/503", Port: intstr.FromInt32(8080)}},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHarness(t, time.Millisecond)
			h.run("spillway/test-app", func(r *workload.Run) {
				r.Grace = 10 * time.Second
				r.Container.Lifecycle = postStart(hook)
			})
			h.want(workload.Running)
			if r := h.want(workload.Told); r.Reason != "FailedPostStartHook" || !strings.HasPrefix(r.Message, "PostStartHook failed: ") {
				t.Errorf("told is %+v", r)
			}
			if r := h.want(workload.Told); r.Reason != "Killing" || r.Message != "FailedPostStartHook" {
				t.Errorf("told is %+v", r)
			}
			h.want(workload.Exited)
		})
	}
}

// TestPostStartThatCannotRunIsTold: nothing is executed for a built-in image, which is no fault of its container.
func TestPostStartThatCannotRunIsTold(t *testing.T) {
	h := newHarness(t, time.Millisecond)
	h.run("nginx", func(r *workload.Run) { r.Container.Lifecycle = postStart(execHook("nginx", "-s", "reload")) })
	h.want(workload.Running)
	if r := h.want(workload.Told); r.Reason != "FailedPostStartHook" || !strings.Contains(r.Message, "nothing is executed for a built-in image") {
		t.Errorf("told is %+v", r)
	}
	h.want(workload.Ready)
}

// TestPostStartEndsWithItsPod: a Pod that is to stop does not wait for a hook that never ends.
func TestPostStartEndsWithItsPod(t *testing.T) {
	h := newHarness(t, time.Millisecond)
	h.run("spillway/test-app", func(r *workload.Run) {
		r.Container.Lifecycle = postStart(corev1.LifecycleHandler{Sleep: &corev1.SleepAction{Seconds: 100_000}})
	})
	h.want(workload.Running)
	h.stop(10 * time.Second)
	h.want(workload.Stopped)
}
