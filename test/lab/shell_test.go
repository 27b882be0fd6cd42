package lab

import (
	"context"
	"os/exec"
	"testing"
	"time"
)

func openBash(t *testing.T) *Shell {
	t.Helper()
	path, err := exec.LookPath("bash")
	if err != nil {
		t.Skip(err)
	}
	s, err := Open(exec.Command(path))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

func TestShellKeepsVariables(t *testing.T) {
	s := openBash(t)
	for _, step := range []struct {
		commands, want string
		status         int
	}{
		{"VIP=$(echo 1)\ncat <<EOF\nhere\nEOF", "here\n", 0},
		{"printf $VIP", "1", 0},
		{"cat; echo oops >&2; false", "oops\n", 1},
	} {
		if printed, status, err := s.Run(t.Context(), step.commands); printed != step.want || status != step.status || err != nil {
			t.Errorf("%q: %q, %d, %v", step.commands, printed, status, err)
		}
	}
}

func TestShellThatHangs(t *testing.T) {
	s := openBash(t)
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, _, err := s.Run(ctx, "while :; do :; done"); err == nil {
		t.Error("it has ended")
	}
}
