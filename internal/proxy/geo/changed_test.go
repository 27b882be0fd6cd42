package geo

import (
	"path/filepath"
	"testing"
)

// Who wants to know of problems is called when they are others, and only then.
func TestChanged(t *testing.T) {
	file, other := filepath.Join(t.TempDir(), "a.mmdb"), filepath.Join(t.TempDir(), "b.mmdb")
	calls := 0
	d := &Databases{Changed: func() { calls++ }}
	for _, step := range []struct {
		name  string
		do    func()
		calls int
	}{
		{"none", func() { d.Use(nil) }, 0},
		{"a missing one", func() { d.Use([]string{file}) }, 1},
		{"the same", func() { d.Use([]string{file}) }, 1},
		{"looked at again", d.Refresh, 1},
		{"another one beside it", func() { d.Use([]string{file, other}) }, 2},
		{"a file that is read", func() { write(t, file, newWritten().bytes()); d.Refresh() }, 3},
		{"the same of it", d.Refresh, 3},
		{"broken", func() { write(t, file, []byte("no database")); d.Refresh() }, 4},
		{"not in use any more", func() { d.Use(nil) }, 5},
	} {
		if step.do(); calls != step.calls {
			t.Errorf("%s: %d calls, want %d", step.name, calls, step.calls)
		}
	}
}
