package manifests

import (
	"context"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func scanned(t *testing.T, d *directory) tree {
	t.Helper()
	got, err := scan(context.Background(), d.root)
	d.must(err)
	return got
}

// Folders with a link to each other have as many paths as permutations: each is read once all the same.
func TestScanOfLinkedFolders(t *testing.T) {
	d := &directory{t: t, root: t.TempDir()}
	const n = 12
	for i := range n {
		d.write(fmt.Sprintf("d%d/s.yaml", i), service(fmt.Sprint("s", i)))
		for j := range n {
			if i != j {
				d.must(os.Symlink(fmt.Sprintf("../d%d", j), d.path(fmt.Sprintf("d%d/to%d", i, j))))
			}
		}
	}
	got := scanned(t, d)
	if len(got.files) != n || len(got.folders) != n+1 {
		t.Errorf("%d files in %d folders: %v", len(got.files), len(got.folders), slices.Sorted(maps.Keys(got.files)))
	}
}

// A folder that two clusters link to belongs to both.
func TestScanOfAFolderThatClustersShare(t *testing.T) {
	d := &directory{t: t, root: t.TempDir()}
	shared := &directory{t: t, root: t.TempDir()}
	shared.write("web.yaml", service("web"))
	for _, cluster := range []string{"east", "west"} {
		d.write(cluster+"/cluster.yaml", "kind: Cluster\n")
		d.must(os.Symlink(shared.root, d.path(cluster+"/common")))
		d.must(os.Symlink(shared.root, d.path(cluster+"/again")))
	}
	d.must(os.Symlink("../west", d.path("east/neighbour")))
	want := []string{"east/again/web.yaml", "east/cluster.yaml", "west/again/web.yaml", "west/cluster.yaml"}
	if got := slices.Sorted(maps.Keys(scanned(t, d).files)); !slices.Equal(got, want) {
		t.Errorf("files %v, want %v", got, want)
	}
}

func TestScanDoesNotLeaveThroughTheRoot(t *testing.T) {
	d := &directory{t: t, root: t.TempDir()}
	d.write("a.yaml", service("a"))
	d.must(os.Symlink("/", d.path("root")))
	got := scanned(t, d)
	if len(got.files) != 2 || got.files["root"].Failure.Rule != RuleSymlinkLoop {
		t.Errorf("%d files, %+v", len(got.files), got.files["root"])
	}
	t.Chdir(filepath.Dir(d.root))
	got, err := scan(context.Background(), filepath.Base(d.root))
	if err != nil || len(got.files) != 2 {
		t.Errorf("by a relative path: %d files, %v", len(got.files), err)
	}
}

func TestScanLimits(t *testing.T) {
	for name, c := range map[string]struct {
		limits limits
		want   string
	}{
		"folders": {limits{depth: 9, folders: 3, files: 99}, "more than 3 folders"},
		"files":   {limits{depth: 9, folders: 99, files: 3}, "more than 3 files"},
		"depth":   {limits{depth: 2, folders: 99, files: 99}, "more than 2 deep"},
	} {
		t.Run(name, func(t *testing.T) {
			d := &directory{t: t, root: t.TempDir()}
			for i := range 6 {
				d.write(strings.Repeat("deep/", i)+"s.yaml", service("s"))
			}
			got, err := c.limits.scan(context.Background(), d.root, ".")
			d.must(err)
			var said []string
			for _, stamp := range got.files {
				if stamp.Failure.Rule == RuleTooMany {
					said = append(said, stamp.Failure.Message)
				}
			}
			if len(said) != 1 || !strings.Contains(said[0], c.want) || got.partial != (name != "depth") {
				t.Errorf("said %v, partial %v", said, got.partial)
			}
		})
	}
}

func TestScanEndsWithItsContext(t *testing.T) {
	d := &directory{t: t, root: t.TempDir()}
	d.write("sub/a.yaml", service("a"))
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if got, err := scan(ctx, d.root); err == nil || len(got.files) > 0 {
		t.Errorf("files %v, error %v", got.files, err)
	}
}

// What a limit kept out of sight is not deleted.
func TestWatchBeyondALimit(t *testing.T) {
	d := newDirectory(t, true, map[string]string{"a/1.yaml": service("a"), "b/2.yaml": service("b")})
	seen := tree{files: map[string]Stamp{}, folders: map[string]string{}, partial: true}
	for name, gone := range map[string]bool{"a/1.yaml": false, "c/3.yaml": true} {
		if stamp := d.watcher.unseen(name, seen); stamp.Missing() != gone {
			t.Errorf("%s: %+v", name, stamp)
		}
	}
	if _, err := os.Stat(filepath.Join(d.root, "a", "1.yaml")); err != nil {
		t.Fatal(err)
	}
}
