package lab

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// The environment of the tests that need a lab.
const (
	binaryVariable = "SPILLWAY_LAB_TEST" // the program; without it these tests are skipped
	labVariable    = "SPILLWAY_LAB"      // a lab that runs already, instead of a new one
)

// patience bounds every wait for something to become true. It is long because test machines are slow.
const patience = 2 * time.Minute

// rig is a lab of the tutorials' three clusters.
type rig struct {
	binary, root string
	env          []string
}

// newRig brings up a lab for a test, with more arguments of lab up, and takes it down behind it.
func newRig(t *testing.T, args ...string) *rig {
	t.Helper()
	binary := os.Getenv(binaryVariable)
	if binary == "" {
		t.Skipf("a lab takes a minute, a gigabyte and servers to build; `make lab-test` runs this (%s names the program)", binaryVariable)
	}
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	r := &rig{binary: binary, root: root, env: os.Environ()}
	if os.Getenv(labVariable) != "" {
		return r
	}
	// The addresses of sockets are at most 107 bytes, so the test's own directory would not do.
	state, err := os.MkdirTemp("", "sl")
	if err != nil {
		t.Fatal(err)
	}
	r.env = append(r.env, "XDG_STATE_HOME="+state, labVariable+"=test")
	t.Cleanup(func() {
		if out, err := r.command("lab", "down").CombinedOutput(); err != nil {
			t.Errorf("lab down: %v\n%s", err, out)
		}
		if err := os.RemoveAll(state); err != nil {
			t.Error(err)
		}
	})
	up := r.command(append([]string{"lab", "up"}, args...)...)
	up.Stdout, up.Stderr = os.Stdout, os.Stderr // a build takes minutes
	if err := up.Run(); err != nil {
		t.Fatalf("lab up: %v", err)
	}
	return r
}

// command is the program, in the project's directory.
func (r *rig) command(args ...string) *exec.Cmd {
	cmd := exec.Command(r.binary, args...)
	cmd.Env, cmd.Dir = r.env, r.root
	return cmd
}

// inside is a command in the lab.
func (r *rig) inside(args ...string) *exec.Cmd {
	return r.command(append([]string{"lab", "exec", "--"}, args...)...)
}

// tell is what a command in the lab prints.
func (r *rig) tell(args ...string) string {
	var out bytes.Buffer
	cmd := r.inside(args...)
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Run(); err != nil {
		out.WriteString(err.Error())
	}
	return strings.TrimSpace(out.String())
}
