package storm

import (
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

var (
	edits = flag.Int("edits", 60, "random edits to make")
	over  = flag.Duration("over", 8*time.Second, "time to make them in")
	seed  = flag.Uint64("seed", 1, "seed of the edits")
	burst = flag.Int("burst", 12, "edits after which to wait until the last one is in force; 0 judges by the clock")
)

// TestNoRequestIsLost is the bar: every answer is one that the state before or after the edit in flight explains.
// `make storm` runs the long form.
func TestNoRequestIsLost(t *testing.T) {
	binary := filepath.Join(t.TempDir(), "spillway")
	build := exec.Command("go", "build", "-o", binary, "../../cmd/spillway")
	build.Stderr = os.Stderr
	if err := build.Run(); err != nil {
		t.Fatal(err)
	}
	report, err := Run(t.Context(), binary, t.TempDir(), Plan{Edits: *edits, Over: *over, Burst: *burst, Seed: *seed})
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d edits, %d answers by status %v", report.Edits, report.Answers, report.ByStatus)
	if report.Answers < 10**edits {
		t.Errorf("only %d answers: the clients were not steady", report.Answers)
	}
	for i, line := range report.Unexplained {
		if i == 20 {
			t.Errorf("... and %d more", len(report.Unexplained)-i)
			break
		}
		t.Error(line)
	}
}
