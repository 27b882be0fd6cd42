package lab

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// pause is how long to wait before the same is asked again.
const pause = 300 * time.Millisecond

// TestPagesAreRead holds without a lab: every tutorial has commands, and shows what they print.
func TestPagesAreRead(t *testing.T) {
	for _, path := range pages(t) {
		shows := 0
		for _, s := range read(t, path) {
			if s.Shows {
				shows++
			}
		}
		if shows < 3 {
			t.Errorf("%s shows what %d commands print", path, shows)
		}
	}
}

func pages(t *testing.T) []string {
	t.Helper()
	paths, err := filepath.Glob("../../docs/tutorials/*.md")
	if err != nil || len(paths) == 0 {
		t.Fatalf("there are no tutorials: %v", err)
	}
	return paths
}

func read(t *testing.T, path string) []Step {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	steps, err := Parse(string(text))
	if err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	return steps
}

// TestTutorials follows every page, in one lab.
func TestTutorials(t *testing.T) {
	r := newRig(t)
	for _, path := range pages(t) {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".md"), func(t *testing.T) { r.follow(t, path) })
	}
}

func (r *rig) follow(t *testing.T, path string) {
	shell, err := Open(r.inside("bash"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = shell.Close() }()
	for _, step := range read(t, path) {
		began := time.Now()
		if err := follow(t.Context(), shell, step); err != nil {
			t.Errorf("%s:%d: %v", path, step.Line, err)
			t.Logf("Pods:\n%s", r.tell("kubectl", "get", "pods", "-A", "-o", "wide"))
			t.Logf("events:\n%s", r.tell("kubectl", "get", "events", "-A"))
			t.FailNow()
		}
		t.Logf("line %d, %.1f s: %s", step.Line, time.Since(began).Seconds(), strings.ReplaceAll(step.Commands, "\n", "; "))
	}
}

// follow runs a step; one that changes nothing is run until it prints what the page shows.
func follow(ctx context.Context, shell *Shell, step Step) error {
	ctx, cancel := context.WithTimeout(ctx, 2*patience)
	defer cancel()
	for deadline := time.Now().Add(patience); ; {
		printed, status, err := shell.Run(ctx, step.Commands)
		if err != nil {
			return fmt.Errorf("%w\nit printed:\n%s", err, printed)
		}
		if err = step.check(printed, status); err == nil {
			return nil
		}
		if step.Changes() || time.Now().After(deadline) {
			return fmt.Errorf("%w\nit printed:\n%s", err, printed)
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (s Step) check(printed string, status int) error {
	if status != 0 {
		return fmt.Errorf("exit status %d", status)
	}
	if s.Shows {
		return Compare(s.Want, printed)
	}
	return nil
}
