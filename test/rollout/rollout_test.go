package rollout

import (
	"context"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

var (
	rate     = flag.Int("rate", 100, "requests a second")
	replicas = flag.Int("replicas", 4, "Pods of the Deployment")
	all      = flag.Bool("all", false, "measure also what is not promised")
)

// TestRollingUpdateLosesNoRequest is the bar. `make rollout` runs the long form.
func TestRollingUpdateLosesNoRequest(t *testing.T) {
	binary := filepath.Join(t.TempDir(), "spillway")
	build := exec.Command("go", "build", "-o", binary, "../../cmd/spillway")
	build.Stderr = os.Stderr
	if err := build.Run(); err != nil {
		t.Fatal(err)
	}
	plans := []Plan{
		{Name: "with readiness gates", Replicas: *replicas, Gates: true},
		{Name: "one replica, maxSurge 1, maxUnavailable 0", Replicas: 1, MaxSurge: "1", MaxUnavailable: "0"},
	}
	if *all {
		plans = append(plans,
			Plan{Name: "without readiness gates", Replicas: *replicas},
			Plan{Name: "one replica with a readiness gate", Replicas: 1, Gates: true, MaxSurge: "1", MaxUnavailable: "0"},
			Plan{Name: "a program that ignores SIGTERM", Replicas: *replicas, Gates: true, SIGTERM: "ignore"},
			Plan{Name: "a program that quits on SIGTERM", Replicas: *replicas, Gates: true, SIGTERM: "quit"},
		)
	}
	for i, plan := range plans {
		t.Run(plan.Name, func(t *testing.T) {
			plan.Rate = *rate
			ctx, cancel := context.WithTimeout(t.Context(), 8*time.Minute)
			defer cancel()
			report, err := Run(ctx, binary, t.TempDir(), plan)
			if report != nil {
				t.Log(report)
			}
			if err != nil {
				t.Fatal(err)
			}
			if report.Sent == 0 || report.Pods <= plan.Replicas {
				t.Errorf("%d requests reached %d Pods: that was no rolling update under load", report.Sent, report.Pods)
			}
			if plan.Gates && report.Gated != plan.Replicas {
				t.Errorf("%d of %d Pods have a gate", report.Gated, plan.Replicas)
			}
			if promised := i < 2; promised && report.Failures() > 0 {
				t.Errorf("%d requests failed", report.Failures())
			}
		})
	}
}
