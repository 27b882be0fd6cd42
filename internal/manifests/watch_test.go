package manifests

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/fsnotify/fsnotify"
)

// directory is a directory under test, its watcher, and what a store would hold.
type directory struct {
	t       *testing.T
	root    string
	watcher *Watcher
	notify  *fsnotify.Watcher // nil when polling
	every   time.Duration     // rescans, if set
	objects map[string]string // object to origin
	deleted []string          // objects that were deleted, in order
	news    []string          // problems and solved problems, in order
}

// files are written, and the past is set as their modification time so that they count at once.
func newDirectory(t *testing.T, poll bool, files map[string]string) *directory {
	t.Helper()
	d := &directory{t: t, root: t.TempDir(), objects: map[string]string{}}
	for name, text := range files {
		d.write(name, text)
		past := time.Now().Add(-time.Hour)
		if err := os.Chtimes(filepath.Join(d.root, name), past, past); err != nil {
			t.Fatal(err)
		}
	}
	return d.start(poll)
}

func (d *directory) start(poll bool) *directory {
	d.t.Helper()
	watcher, first, err := open(d.root, "", func() *fsnotify.Watcher {
		if poll {
			return nil
		}
		d.notify = openNotify()
		return d.notify
	}, openPatience)
	if err != nil {
		d.t.Fatal(err)
	}
	d.watcher = watcher
	if d.every > 0 {
		watcher.every, watcher.pause = d.every, d.every
	}
	d.apply(first)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := watcher.Run(ctx); err != nil {
			d.t.Error(err)
		}
	}()
	d.t.Cleanup(func() { cancel(); <-done })
	return d
}

func (d *directory) apply(delta Delta) {
	for _, ref := range delta.Deletes {
		d.deleted = append(d.deleted, ref.Name)
		delete(d.objects, fmt.Sprintf("%s %s/%s", ref.Kind, ref.Namespace, ref.Name))
	}
	for _, u := range delta.Upserts {
		d.objects[fmt.Sprintf("%s %s/%s", u.Object.GetObjectKind().GroupVersionKind().Kind, u.Object.GetNamespace(), u.Object.GetName())] = u.Origin
	}
	for _, p := range delta.Problems {
		d.news = append(d.news, p.String())
	}
	for _, p := range delta.Solved {
		d.news = append(d.news, "ok "+p.String())
	}
}

// until takes deltas until the condition holds.
func (d *directory) until(what string, condition func() bool) {
	d.t.Helper()
	timeout := time.After(10 * time.Second)
	for !condition() {
		select {
		case delta := <-d.watcher.Deltas():
			d.apply(delta)
		case <-timeout:
			d.t.Fatalf("%s: objects %v, news %v", what, d.objects, d.news)
		}
	}
}

func (d *directory) write(name, text string) {
	d.t.Helper()
	full := filepath.Join(d.root, name)
	if err := os.MkdirAll(filepath.Dir(full), 0o755); err != nil {
		d.t.Fatal(err)
	}
	if err := os.WriteFile(full, []byte(text), 0o644); err != nil {
		d.t.Fatal(err)
	}
}

func (d *directory) path(name string) string { return filepath.Join(d.root, name) }

func (d *directory) must(err error) {
	d.t.Helper()
	if err != nil {
		d.t.Fatal(err)
	}
}

func (d *directory) has(service, origin string) bool {
	return d.objects["Service default/"+service] == origin
}

func service(name string) string {
	return "apiVersion: v1\nkind: Service\nmetadata: {name: " + name + "}\nspec: {ports: [{port: 80}]}\n"
}

func forBothWays(t *testing.T, test func(t *testing.T, poll bool)) {
	t.Run("notified", func(t *testing.T) { test(t, false) })
	t.Run("polling", func(t *testing.T) { test(t, true) })
}

func TestWatchFollowsFiles(t *testing.T) {
	forBothWays(t, func(t *testing.T, poll bool) {
		d := newDirectory(t, poll, map[string]string{"a.yaml": service("a"), "sub/b.yaml": service("b")})
		if !d.has("a", "a.yaml:1") || !d.has("b", "sub/b.yaml:1") {
			t.Fatalf("objects %v", d.objects)
		}
		d.write("new/deep/c.yaml", service("c"))
		d.until("a file in new folders", func() bool { return d.has("c", "new/deep/c.yaml:1") })
		d.write("a.yaml", service("a")+"---\n"+service("a2"))
		d.until("an edit", func() bool { return d.has("a2", "a.yaml:6") })
		d.write("tmp", service("a3"))
		d.must(os.Rename(d.path("tmp"), d.path("a.yaml")))
		d.until("a rename into place", func() bool { return d.has("a3", "a.yaml:1") && d.has("a", "") })
		d.must(os.Remove(d.path("a.yaml")))
		d.until("a deletion", func() bool { return d.has("a3", "") })
		d.must(os.RemoveAll(d.path("new")))
		d.until("a deleted folder", func() bool { return d.has("c", "") })
		d.must(os.Rename(d.path("sub"), d.path("moved")))
		d.until("a renamed folder", func() bool { return d.has("b", "sub/b.yaml:1") || d.has("b", "moved/b.yaml:1") })
		d.write("moved/b.yaml", service("b5"))
		d.until("an edit in a renamed folder", func() bool { return d.has("b5", "moved/b.yaml:1") && d.has("b", "") })
	})
}

func TestWatchRenamedFolder(t *testing.T) {
	forBothWays(t, func(t *testing.T, poll bool) {
		d := newDirectory(t, poll, map[string]string{"old/a.yaml": service("a"), "old/sub/b.yaml": service("b")})
		d.must(os.Rename(d.path("old"), d.path("new")))
		// A later change of another file says that the rename has been dealt with.
		d.write("marker.yaml", service("marker"))
		d.until("a later file", func() bool { return d.has("marker", "marker.yaml:1") })
		if len(d.deleted) > 0 {
			t.Errorf("a renamed folder deleted %v", d.deleted)
		}
		d.write("new/a.yaml", service("a2"))
		d.until("an edit in the renamed folder", func() bool { return d.has("a2", "new/a.yaml:1") })
		d.write("new/sub/b.yaml", service("b2"))
		d.until("an edit below the renamed folder", func() bool { return d.has("b2", "new/sub/b.yaml:1") })
		d.write("old/a.yaml", service("a3"))
		d.until("the old name, taken again", func() bool { return d.has("a3", "old/a.yaml:1") })
		d.write("old/a.yaml", service("a4"))
		d.until("an edit of it", func() bool { return d.has("a4", "old/a.yaml:1") })
	})
}

func TestWatchANewLoop(t *testing.T) {
	forBothWays(t, func(t *testing.T, poll bool) {
		d := newDirectory(t, poll, map[string]string{"sub/a.yaml": service("a")})
		d.must(os.Symlink(d.path("sub"), d.path("sub/loop")))
		d.until("the loop", func() bool { return len(d.news) == 1 })
		if !strings.Contains(d.news[0], "sub/loop: error: the link leads back to") {
			t.Errorf("problem %s", d.news[0])
		}
		d.must(os.Remove(d.path("sub/loop")))
		d.until("no loop", func() bool { return len(d.news) == 2 })
	})
}

func TestWatchKeepsTheLastGoodVersion(t *testing.T) {
	d := newDirectory(t, false, map[string]string{"a.yaml": service("a")})
	d.write("a.yaml", "apiVersion: v1\nkind: Service\nmetadata: {name: a")
	d.until("half a file", func() bool {
		return len(d.news) == 1 && strings.HasPrefix(d.news[0], "a.yaml:3:1: error: did not find expected")
	})
	if !d.has("a", "a.yaml:1") {
		t.Errorf("objects %v", d.objects)
	}
	if problems := d.watcher.Problems(); len(problems) != 1 {
		t.Errorf("problems %v", problems)
	}
	d.write("a.yaml", service("b"))
	d.until("a whole file", func() bool { return d.has("b", "a.yaml:1") && d.has("a", "") && len(d.news) == 2 })
}

func TestWatchFollowsLinks(t *testing.T) {
	forBothWays(t, func(t *testing.T, poll bool) {
		elsewhere := t.TempDir()
		d := &directory{t: t, root: elsewhere}
		d.write("real.yaml", service("real"))
		d.write("folder/in.yaml", service("in"))
		d = &directory{t: t, root: t.TempDir(), objects: map[string]string{}}
		d.must(os.Symlink(filepath.Join(elsewhere, "real.yaml"), d.path("link.yaml")))
		d.must(os.Symlink(filepath.Join(elsewhere, "folder"), d.path("folder")))
		d.must(os.Symlink(d.root, d.path("loop")))
		d.must(os.Symlink("nowhere", d.path("broken.yaml")))
		d.start(poll)
		d.until("links", func() bool {
			return d.has("real", "link.yaml:1") && d.has("in", "folder/in.yaml:1") && len(d.news) == 2
		})
		if all := strings.Join(d.news, "\n"); !strings.Contains(all, "loop: error: the link leads back to") || !strings.Contains(all, "broken.yaml: error: the link points to nothing") {
			t.Errorf("problems %s", all)
		}
		d.must(os.WriteFile(filepath.Join(elsewhere, "real.yaml"), []byte(service("other")), 0o644))
		d.until("an edit of a link's target", func() bool { return d.has("other", "link.yaml:1") })
		d.must(os.WriteFile(filepath.Join(elsewhere, "folder", "more.yaml"), []byte(service("more")), 0o644))
		d.until("a new file in a linked folder", func() bool { return d.has("more", "folder/more.yaml:1") })
		d.must(os.Remove(d.path("loop")))
		d.until("the loop is solved", func() bool { return strings.HasPrefix(d.news[len(d.news)-1], "ok loop:") })
	})
}

func TestWatchMountedConfigMap(t *testing.T) {
	d := &directory{t: t, root: t.TempDir(), objects: map[string]string{}}
	d.write("..1/a.yaml", service("a"))
	d.write("..2/a.yaml", service("b"))
	d.must(os.Symlink("..1", d.path("..data")))
	d.must(os.Symlink("..data/a.yaml", d.path("a.yaml")))
	d.start(false)
	d.until("the first version", func() bool { return d.has("a", "a.yaml:1") })
	d.must(os.Symlink("..2", d.path("..tmp")))
	d.must(os.Rename(d.path("..tmp"), d.path("..data")))
	d.until("the swapped version", func() bool { return d.has("b", "a.yaml:1") })
}

func TestWatchLargeAndSpecialFiles(t *testing.T) {
	d := newDirectory(t, false, map[string]string{"a.yaml": service("a"), "big.yaml": service("b") + "#" + strings.Repeat("x", 10_000_000)})
	if len(d.news) != 1 || !strings.Contains(d.news[0], "big.yaml: error: the file has 10000") || !d.has("a", "a.yaml:1") {
		t.Fatalf("objects %v, news %v", d.objects, d.news)
	}
	d.must(os.Mkdir(d.path("folder.yaml"), 0o755))
	d.write("folder.yaml/c.yaml", service("c"))
	d.until("a folder with a file's name", func() bool { return d.has("c", "folder.yaml/c.yaml:1") })
	d.write("a.yaml", service("a")+"#"+strings.Repeat("x", 10_000_000))
	d.until("a file that grew too large", func() bool { return len(d.news) == 2 })
	if !d.has("a", "a.yaml:1") {
		t.Error("a file that grew too large lost its objects")
	}
}

func TestWatchLostDirectory(t *testing.T) {
	d := newDirectory(t, false, map[string]string{"dir/a.yaml": service("a")})
	inner := &directory{t: t, root: d.path("dir"), objects: map[string]string{}}
	inner.start(false)
	inner.until("the first version", func() bool { return inner.has("a", "a.yaml:1") })
	d.must(os.Rename(d.path("dir"), d.path("away")))
	inner.until("the directory is lost", func() bool { return len(inner.news) == 1 })
	if !inner.has("a", "a.yaml:1") {
		t.Error("a lost directory took its objects along")
	}
	d.must(os.Rename(d.path("away"), d.path("dir")))
	inner.write("b.yaml", service("b"))
	inner.until("the directory is back", func() bool { return inner.has("b", "b.yaml:1") && len(inner.news) == 2 })
}

func TestOpenWaitsForFreshFiles(t *testing.T) {
	d := &directory{t: t, root: t.TempDir()}
	d.write("west/web.yaml", service("web"))
	d.write("west/cluster.yaml", "apiVersion: spillway.dev/v1alpha1\nkind: Cluster\nmetadata: {name: west}\n")
	watcher, first, err := Open(d.root, "")
	ended, end := context.WithCancel(context.Background())
	end()
	d.must(watcher.Run(ended))
	if err != nil || len(first.Upserts) != 3 || first.Upserts[0].Cluster != "west" || len(first.Problems) > 0 {
		t.Errorf("%+v %v", first, err)
	}
}

// TestOpenTellsWhatIsUnread has files that are written to when the directory is opened.
func TestOpenTellsWhatIsUnread(t *testing.T) {
	d := newDirectory(t, false, map[string]string{
		"west/cluster.yaml": "apiVersion: spillway.dev/v1alpha1\nkind: Cluster\nmetadata: {name: west}\n",
		"west/old.yaml":     service("old"),
	})
	written := time.Now().Add(time.Hour) // the clock of a file system may be another
	for _, name := range []string{"west/web.yaml", "east/cluster.yaml", "west/gone.yaml"} {
		d.write(name, service("web"))
		d.must(os.Chtimes(d.path(name), written, written))
	}
	watcher, first, err := open(d.root, "", openNotify, 0)
	d.must(err)
	want := []Unread{{"east/cluster.yaml", ""}, {"west/gone.yaml", "west"}, {"west/web.yaml", "west"}}
	if !slices.Equal(first.Unread, want) || len(first.Read) > 0 {
		t.Errorf("unread are %v, want %v", first.Unread, want)
	}
	d.must(os.Remove(d.path("west/gone.yaml")))
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error)
	go func() { done <- watcher.Run(ctx) }()
	var read []string
	for len(read) < len(want) {
		delta := <-watcher.Deltas()
		read = append(read, delta.Read...)
	}
	cancel()
	for range watcher.Deltas() { // what is under way
	}
	d.must(<-done)
}

// TestWhatNeverSettlesIsNotWaitedForLong has no file hold back the others for ever: it is said, once, and read when it can be.
func TestWhatNeverSettlesIsNotWaitedForLong(t *testing.T) {
	start := time.Unix(100, 0)
	s := NewSettler()
	s.Observe("a.yaml", Stamp{Size: 1, ModTime: start}, start)
	s.Observe("b.yaml", Stamp{Size: 1, ModTime: start}, start)
	var u unread
	if got := u.begin(s, layout{}); len(got) != 2 || got[0].Cluster != "default" {
		t.Errorf("unread are %v", got)
	}
	s.Count("b.yaml", Stamp{Size: 1, ModTime: start})
	for i, c := range []struct {
		at            time.Duration
		overdue, read []string
	}{
		{0, nil, []string{"b.yaml"}},
		{writingPatience - 1, nil, nil},
		{writingPatience, []string{"a.yaml"}, []string{"a.yaml"}},
		{time.Hour, nil, nil},
	} {
		s.Observe("a.yaml", Stamp{Size: int64(i + 2), ModTime: start}, start.Add(c.at)) // somebody writes
		overdue := s.Overdue(start.Add(c.at))
		if read := u.read(s); !slices.Equal(overdue, c.overdue) || !slices.Equal(read, c.read) {
			t.Errorf("step %d: overdue are %v, read %v, want %v, %v", i, overdue, read, c.overdue, c.read)
		}
	}
	if due := s.Due(start.Add(time.Hour + SettleTime)); !slices.Equal(due, []string{"a.yaml"}) {
		t.Errorf("when nobody writes any more, %v are due", due)
	}
}

// TestWhatWasOverdueCountsAgain has a file that is as it was before somebody wrote for long, or gone, be read all the same.
func TestWhatWasOverdueCountsAgain(t *testing.T) {
	start := time.Unix(100, 0)
	before := Stamp{Size: 1, ModTime: start}
	for _, after := range []Stamp{before, {}} {
		s := NewSettler()
		s.Count("a.yaml", before)
		s.Observe("a.yaml", Stamp{Size: 2, ModTime: start}, start)
		if got := s.Overdue(start.Add(writingPatience)); len(got) != 1 {
			t.Errorf("overdue are %v", got)
		}
		s.Observe("a.yaml", after, start.Add(time.Minute))
		if due := s.Due(start.Add(2 * time.Minute)); len(due) != 1 {
			t.Errorf("%+v is not read", after)
		}
	}
}

// TestAClusterFileThatIsWrittenForEverHoldsNobodyBack lets other files count.
func TestAClusterFileThatIsWrittenForEverHoldsNobodyBack(t *testing.T) {
	start := time.Unix(100, 0)
	s := NewSettler()
	s.Observe("cluster.yaml", Stamp{Size: 1, ModTime: start}, start)
	s.Observe("a.yaml", Stamp{Size: 1, ModTime: start}, start)
	now := start.Add(writingPatience)
	s.Observe("cluster.yaml", Stamp{Size: 2, ModTime: start}, now)
	if due := s.Due(now); len(due) > 0 {
		t.Errorf("%v are due before that is said", due)
	}
	s.Overdue(now)
	if due := s.Due(now); !slices.Equal(due, []string{"a.yaml"}) {
		t.Errorf("due are %v", due)
	}
	if next, ok := s.Next(); !ok || next.After(now) {
		t.Errorf("next at %v", next)
	}
}

func TestWatchACopiedFolder(t *testing.T) {
	d := newDirectory(t, false, nil)
	const n = 500
	for i := range n {
		d.write(fmt.Sprintf("folder%d/s%d.yaml", i%7, i), service(fmt.Sprintf("s%d", i)))
	}
	d.until("every file", func() bool { return len(d.objects) == n+2 })
	d.must(os.Rename(d.path("folder3"), filepath.Join(t.TempDir(), "away")))
	d.until("a folder less", func() bool { return len(d.objects) == n+2-(n+3)/7 })
}

func TestOpenNeedsADirectory(t *testing.T) {
	d := newDirectory(t, true, map[string]string{"a.yaml": service("a")})
	for _, dir := range []string{d.path("nowhere"), d.path("a.yaml")} {
		if _, _, err := Open(dir, ""); err == nil {
			t.Errorf("%s opens", dir)
		}
	}
}

func TestReadTakesFreshFiles(t *testing.T) {
	d := &directory{t: t, root: t.TempDir()}
	d.write("a.yaml", service("a")+"  extra: 1\n")
	_, problems, err := Read(d.root, "")
	if err != nil || len(problems) != 1 || !HasErrors(problems) || problems[0].File != "a.yaml" {
		t.Errorf("%v %v", problems, err)
	}
	if _, _, err := Read(d.path("nowhere"), ""); err == nil {
		t.Error("no error")
	}
}
