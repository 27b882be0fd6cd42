package wholefile_test

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/spillway-lb/spillway/internal/wholefile"
)

func names(t *testing.T, dir string) (out []string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		out = append(out, e.Name())
	}
	return out
}

func TestWriteReplaces(t *testing.T) {
	path := filepath.Join(t.TempDir(), "new", "a.state")
	for _, text := range []string{"one", "two"} {
		if err := wholefile.Write(path, []byte(text)); err != nil {
			t.Fatal(err)
		}
		if got, err := os.ReadFile(path); err != nil || string(got) != text {
			t.Errorf("%q, %v", got, err)
		}
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
	if got := names(t, filepath.Dir(path)); !slices.Equal(got, []string{"a.state"}) {
		t.Errorf("left: %q", got)
	}
}

// TestWhatCannotBeWritten leaves what was there, and nothing beside it.
func TestWhatCannotBeWritten(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "a.state")
	if err := os.MkdirAll(filepath.Join(path, "full"), 0o700); err != nil {
		t.Fatal(err)
	}
	if wholefile.Write(path, []byte("x")) == nil {
		t.Error("a directory was replaced")
	}
	if got := names(t, dir); !slices.Equal(got, []string{"a.state"}) {
		t.Errorf("left: %q", got)
	}
}

// TestCleanDeletesWhatKilledProcessesLeft: it may hold private keys, and nobody reads it.
func TestCleanDeletesWhatKilledProcessesLeft(t *testing.T) {
	dir, now := t.TempDir(), time.Now()
	for name, age := range map[string]time.Duration{"a.state": time.Hour, ".part-1": time.Hour, ".part-2": 0, "part-3": time.Hour} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("x"), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(filepath.Join(dir, name), now.Add(-age), now.Add(-age)); err != nil {
			t.Fatal(err)
		}
	}
	if err := wholefile.Clean(dir, now); err != nil {
		t.Fatal(err)
	}
	if got, want := names(t, dir), []string{".part-2", "a.state", "part-3"}; !slices.Equal(got, want) {
		t.Errorf("left: %q, want %q", got, want)
	}
	if err := wholefile.Clean(filepath.Join(dir, "nowhere"), now); err != nil {
		t.Error(err)
	}
}
