package servers

import (
	"errors"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestVersionIsThatOfTheModule(t *testing.T) {
	if v := Version(); !strings.HasPrefix(v, "v1.") {
		t.Errorf("version is %q", v)
	}
	want := "gitMajor=1 -X k8s.io/component-base/version.gitMinor=36"
	if got := linkerFlags("v1.36.3"); !strings.HasSuffix(got, want) || !strings.Contains(got, "gitVersion=v1.36.3 ") {
		t.Errorf("flags are %q", got)
	}
}

// TestEveryStagingModuleIsReplaced: k8s.io/kubernetes refers to them by path, and a module that is not replaced is v0.0.0.
func TestEveryStagingModuleIsReplaced(t *testing.T) {
	for line := range strings.Lines(goMod) {
		if fields := strings.Fields(line); len(fields) >= 2 && fields[1] == "v0.0.0" && !strings.Contains(goMod, "\t"+fields[0]+" => ") &&
			!strings.Contains(goMod, "replace "+fields[0]+" => ") {
			t.Errorf("%s has no replace line", fields[0])
		}
	}
}

func TestGivenServers(t *testing.T) {
	dir := t.TempDir()
	_, err := Ensure(t.Context(), Options{Given: dir})
	if err == nil || !strings.Contains(err.Error(), "has no etcd, no kube-apiserver") {
		t.Errorf("an empty directory: %v", err)
	}
	for _, p := range packages {
		if err := os.WriteFile(filepath.Join(dir, string(p.program)), nil, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	set, err := Ensure(t.Context(), Options{Given: dir})
	if err != nil || set.Path(Etcd) != filepath.Join(dir, "etcd") {
		t.Errorf("%+v, %v", set, err)
	}
}

func TestWithoutGo(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	err := Set{Dir: filepath.Join(t.TempDir(), "set")}.build(t.Context(), Options{})
	if err == nil || !strings.Contains(err.Error(), "--servers") {
		t.Errorf("%v", err)
	}
}

func TestNoRoom(t *testing.T) {
	if err := roomIn(t.TempDir(), math.MaxUint64); err == nil || !strings.Contains(err.Error(), "--servers") {
		t.Errorf("%v", err)
	}
	if err := roomIn(filepath.Join(t.TempDir(), "not"), 1); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("%v", err)
	}
}

func TestFollowCountsPackages(t *testing.T) {
	var seen []int
	b := builder{progress: func(done, total int) { seen = append(seen, done, total) }}
	last := b.follow(strings.NewReader("go: downloading x v1\nk8s.io/a\nk8s.io/b\n# k8s.io/b\nb.go:1:2: no such thing\n"), 9)
	if len(seen) != 4 || seen[2] != 2 || seen[3] != 9 {
		t.Errorf("progress is %v", seen)
	}
	if len(last) != 5 || last[4] != "b.go:1:2: no such thing" {
		t.Errorf("last lines are %q", last)
	}
}
