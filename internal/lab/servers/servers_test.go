package servers

import (
	"context"
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

// fakeGo puts a go command first in PATH that makes empty programs.
func fakeGo(t *testing.T) {
	t.Helper()
	const script = `#!/bin/sh
if [ "$1" = list ]; then echo a; exit; fi
while [ "$1" != -o ]; do shift; done
out=$2; shift 2
for p; do name=${p##*/}; [ "$name" = v3 ] && name=server; : >"$out$name"; chmod +x "$out$name"; done
echo built >>"$GO_RUNS"
`
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "go"), []byte(script), 0o700); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", dir+":"+os.Getenv("PATH"))
}

// TestABuildThatWasInterrupted says how it goes on; the next one clears up behind it, and the one after that has nothing to do.
func TestABuildThatWasInterrupted(t *testing.T) {
	if free := roomIn(t.TempDir(), roomForBuild); free != nil {
		t.Skip(free)
	}
	fakeGo(t)
	cache, runs := t.TempDir(), filepath.Join(t.TempDir(), "runs")
	t.Setenv("GO_RUNS", runs)
	ctx, cancel := context.WithCancel(t.Context())
	_, err := Ensure(ctx, Options{Cache: cache, Begin: func(string) { cancel() }})
	if err == nil || !strings.Contains(err.Error(), "interrupted") {
		t.Errorf("interrupted: %v", err)
	}
	left := filepath.Join(cache, unfinished+"1")
	if err := os.Mkdir(left, 0o700); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		set, err := Ensure(t.Context(), Options{Cache: cache})
		if err != nil || len(set.missing()) > 0 {
			t.Fatalf("%+v, %v", set, err)
		}
	}
	if _, err := os.Stat(left); err == nil {
		t.Error("what was left stayed")
	}
	if text, err := os.ReadFile(runs); err != nil || string(text) != "built\n" {
		t.Errorf("the go command built %q, %v", text, err)
	}
}
