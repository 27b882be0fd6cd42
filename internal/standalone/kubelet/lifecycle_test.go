package kubelet

import (
	"context"
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

func TestVerdict(t *testing.T) {
	spec := &corev1.Probe{SuccessThreshold: 2, FailureThreshold: 3}
	for _, tc := range []struct {
		name     string
		good     bool
		outcomes string // + and -
		want     string // p passes, f fails, . nothing
	}{
		{"readiness needs successes in a row", false, "+-++", "...p"},
		{"failures in a row turn it", true, "--+---", ".....f"},
		{"more failures say nothing new", true, "-----", "..f.."},
		{"what was never good fails once", false, "----", "..f."},
		{"and back", true, "---++", "..f.p"},
	} {
		v := newVerdict(spec, tc.good)
		got := ""
		for _, o := range tc.outcomes {
			got += map[change]string{same: ".", passes: "p", fails: "f"}[v.take(o == '+')]
		}
		if got != tc.want {
			t.Errorf("%s: %s, want %s", tc.name, got, tc.want)
		}
	}
	if v := newVerdict(&corev1.Probe{}, false); v.failureLimit != 3 || v.successLimit != 1 || period(&corev1.Probe{}) != 10*time.Second {
		t.Errorf("defaults are %+v", v)
	}
}

func httpProbe(path string, failures int32) *corev1.Probe {
	return &corev1.Probe{
		FailureThreshold: failures, PeriodSeconds: 1, TimeoutSeconds: 5,
		ProbeHandler: corev1.ProbeHandler{HTTPGet: &corev1.HTTPGetAction{Path: path, Port: intstr.FromInt32(8080)}},
	}
}

// TestLivenessRestarts: a container that its liveness probe gives up is ended, and its end told.
func TestLivenessRestarts(t *testing.T) {
	h := newHarness(t, time.Millisecond)
	h.run("spillway/test-app", func(r *workload.Run) {
		r.Grace = 10 * time.Second
		r.Env = []workload.EnvVar{{Name: "HEALTH", Value: "500"}}
		r.Container.LivenessProbe = httpProbe("/health", 1)
	})
	h.want(workload.Running)
	var told []string
	for {
		r := <-h.reports
		if r.Event == workload.Exited {
			break
		}
		if r.Event == workload.Told {
			told = append(told, r.Reason+": "+r.Message)
		}
	}
	want := "Unhealthy: Liveness probe failed: HTTP probe failed with statuscode: 500\nKilling: Container c failed liveness probe, will be restarted"
	if got := strings.Join(told, "\n"); got != want {
		t.Errorf("told:\n%s\nwant\n%s", got, want)
	}
}

func TestStartupProbeComesFirst(t *testing.T) {
	h := newHarness(t, time.Millisecond)
	h.run("spillway/test-app", func(r *workload.Run) { r.Container.StartupProbe = httpProbe("/health", 3) })
	h.want(workload.Running)
	h.want(workload.StartedUp)
	h.want(workload.Ready)
}

func TestStartupProbeThatFails(t *testing.T) {
	h := newHarness(t, time.Millisecond)
	h.run("spillway/test-app", func(r *workload.Run) {
		r.Grace = 10 * time.Second
		r.Container.StartupProbe = httpProbe("/status/503", 1)
	})
	h.want(workload.Running)
	h.want(workload.Told)
	if r := h.want(workload.Told); r.Message != "Container c failed startup probe, will be restarted" {
		t.Errorf("told is %+v", r)
	}
	h.want(workload.Exited)
}

func TestInitContainerEnds(t *testing.T) {
	h := newHarness(t, time.Millisecond)
	h.run("busybox:1.36", func(r *workload.Run) {
		r.Init = true
		r.Container.Command = []string{"sh", "-c", "echo hello; exit 3"}
	})
	h.want(workload.Running)
	if r := h.want(workload.Exited); r.ExitCode != 3 {
		t.Errorf("report is %+v", r)
	}
}

// hooked is a mapped command that notes its SIGTERM in a file, and what its hook has noted by then.
func hooked(t *testing.T, h *harness, hook *corev1.LifecycleHandler) (notes func() string) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "notes")
	script := `trap 'echo term >>"$NOTES"; exit 0' TERM; echo up >>"$NOTES"; while :; do sleep 0.05; done`
	h.run("app", func(r *workload.Run) {
		r.Image = &spillwayv1alpha1.Image{Command: []string{"sh", "-c", script}}
		r.Env = []workload.EnvVar{{Name: "NOTES", Value: file}}
		r.Container.Lifecycle = &corev1.Lifecycle{PreStop: hook}
	})
	notes = func() string {
		b, _ := os.ReadFile(file)
		return strings.ReplaceAll(string(b), "\n", " ")
	}
	h.until("the command's trap", func() bool { return notes() != "" })
	return notes
}

func TestPreStopComesBeforeSIGTERM(t *testing.T) {
	h := newHarness(t, time.Millisecond)
	notes := hooked(t, h, &corev1.LifecycleHandler{Exec: &corev1.ExecAction{
		Command: []string{"sh", "-c", `sleep 0.2; echo hook >>"$NOTES"`},
	}})
	h.stop(30 * time.Second)
	h.until("its end", func() bool { return (<-h.reports).Event == workload.Stopped })
	if got := notes(); got != "up hook term " {
		t.Errorf("in order: %s", got)
	}
}

func TestPreStopThatCannotRunIsTold(t *testing.T) {
	h := newHarness(t, time.Millisecond)
	h.run("nginx", func(r *workload.Run) {
		r.Container.Lifecycle = &corev1.Lifecycle{PreStop: &corev1.LifecycleHandler{
			Exec: &corev1.ExecAction{Command: []string{"nginx", "-s", "quit"}},
		}}
	})
	h.want(workload.Running)
	h.want(workload.Ready)
	h.stop(10 * time.Second)
	if r := h.want(workload.Told); r.Reason != "FailedPreStopHook" || !strings.Contains(r.Message, "nothing is executed for a built-in image") {
		t.Errorf("told is %+v", r)
	}
	h.want(workload.Stopped)
}

// signalled runs test-app, tells it to end and returns what kills it.
func signalled(t *testing.T, h *harness, behaviour string, before func(at string)) (kill context.CancelFunc, at string) {
	t.Helper()
	h.run("spillway/test-app", func(r *workload.Run) { r.Env = []workload.EnvVar{{Name: "SIGTERM", Value: behaviour}} })
	at = url(h.want(workload.Running), 8080)
	h.want(workload.Ready)
	if before != nil {
		before(at)
	}
	ctx, cancel := context.WithCancel(context.Background())
	t.Cleanup(cancel)
	go h.k.Close(ctx)
	return cancel, at
}

func TestSIGTERMIgnored(t *testing.T) {
	h := newHarness(t, time.Millisecond)
	kill, at := signalled(t, h, "unhealthy", nil)
	h.until("its health fails", func() bool {
		body, _, err := fetch(at + "/health")
		return err == nil && body == "leaving\n"
	})
	if body, _, err := fetch(at + "/"); err != nil || body != "p\n" {
		t.Errorf("it does not serve on: %q, %v", body, err)
	}
	kill()
	h.until("it is killed", func() bool {
		_, _, err := fetch(at + "/")
		return err != nil
	})
}

func TestSIGTERMQuits(t *testing.T) {
	h := newHarness(t, time.Millisecond)
	var finish func() (string, error)
	_, at := signalled(t, h, "quit", func(at string) { finish = inFlight(t, at) })
	h.until("it is gone", func() bool {
		_, _, err := fetch(at + "/")
		return err != nil
	})
	if body, err := finish(); err == nil {
		t.Errorf("the request in flight was answered: %q", body)
	}
}

func TestGRPCProbe(t *testing.T) {
	h := newHarness(t, time.Millisecond)
	h.run("grpc_app", func(r *workload.Run) {
		r.Container.ReadinessProbe = &corev1.Probe{ProbeHandler: corev1.ProbeHandler{GRPC: &corev1.GRPCAction{Port: 50051}}}
	})
	h.want(workload.Running)
	h.want(workload.Listening)
	h.want(workload.Ready)
}
