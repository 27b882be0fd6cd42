package manifests

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// replacement is a directory that gets replaced under its watcher.
type replacement struct {
	*directory
	source string // holds a copy of it, with another version of web.yaml
}

func newReplacement(t *testing.T, poll bool) *replacement {
	t.Helper()
	top := t.TempDir()
	r := &replacement{directory: &directory{t: t, root: filepath.Join(top, "dir"), objects: map[string]string{}}, source: filepath.Join(top, "source")}
	for root, version := range map[string]string{r.root: "v1", r.source: "v2"} {
		d := &directory{t: t, root: root}
		d.write("web.yaml", service("web")+"---\n"+service(version))
		d.write("sub/same.yaml", service("same"))
	}
	r.start(poll)
	r.until("the first version", func() bool { return r.has("same", "sub/same.yaml:1") && r.has("v1", "web.yaml:6") })
	return r
}

func (r *replacement) copyIn() {
	r.t.Helper()
	r.must(os.CopyFS(r.root, os.DirFS(r.source)))
}

// follows wants the second version, nothing deleted that both have, and later edits to be seen.
func (r *replacement) follows() {
	r.t.Helper()
	r.until("the second version", func() bool { return r.has("v2", "web.yaml:6") && r.has("v1", "") })
	if slices.Contains(r.deleted, "web") || slices.Contains(r.deleted, "same") {
		r.t.Errorf("deleted on the way: %v", r.deleted)
	}
	r.lives()
}

// lives wants edits to be seen.
func (r *replacement) lives() {
	r.t.Helper()
	r.write("sub/same.yaml", service("same")+"---\n"+service("edit"))
	r.write("new.yaml", service("new"))
	r.until("edits", func() bool { return r.has("edit", "sub/same.yaml:6") && r.has("new", "new.yaml:1") })
}

func TestWatchADirectoryThatIsCopiedAnew(t *testing.T) {
	forBothWays(t, func(t *testing.T, poll bool) {
		r := newReplacement(t, poll)
		r.must(os.RemoveAll(r.root))
		r.copyIn()
		r.follows()
	})
}

func TestWatchADirectoryThatIsSwapped(t *testing.T) {
	forBothWays(t, func(t *testing.T, poll bool) {
		r := newReplacement(t, poll)
		r.must(os.Rename(r.root, r.root+".old"))
		r.must(os.Rename(r.source, r.root))
		r.follows()
	})
}

func TestWatchADirectoryThatIsMadeAnewWhenEmpty(t *testing.T) {
	forBothWays(t, func(t *testing.T, poll bool) {
		r := newReplacement(t, poll)
		r.must(os.Remove(filepath.Join(r.root, "web.yaml")))
		r.must(os.RemoveAll(filepath.Join(r.root, "sub")))
		r.until("deletions", func() bool { return r.has("web", "") && r.has("same", "") })
		r.must(os.Remove(r.root))
		r.copyIn()
		r.until("the copy", func() bool { return r.has("v2", "web.yaml:6") && r.has("same", "sub/same.yaml:1") })
		r.lives()
	})
}

func TestWatchADirectoryThatComesBack(t *testing.T) {
	forBothWays(t, func(t *testing.T, poll bool) {
		r := newReplacement(t, poll)
		away := r.root + ".away"
		r.must(os.Rename(r.root, away))
		r.must(os.Mkdir(r.root, 0o755))
		r.must(os.Remove(r.root))
		r.must(os.Rename(away, r.root))
		r.lives()
		if len(r.deleted) > 0 {
			t.Errorf("deleted %v", r.deleted)
		}
	})
}

// An empty directory in the place of a full one is on its way to something else.
func TestWatchADirectoryThatIsEmptyForAWhile(t *testing.T) {
	forBothWays(t, func(t *testing.T, poll bool) {
		r := newReplacement(t, poll)
		away := r.root + ".away"
		r.must(os.Rename(r.root, away))
		r.must(os.Mkdir(r.root, 0o755))
		r.until("a word about it", func() bool {
			return slices.ContainsFunc(r.news, func(n string) bool { return strings.Contains(n, "replaced by one without manifests") })
		})
		r.must(os.Remove(r.root))
		r.must(os.Rename(away, r.root))
		r.until("a word that it is back", func() bool { return strings.HasPrefix(r.news[len(r.news)-1], "ok ") })
		r.lives()
		if len(r.deleted) > 0 {
			t.Errorf("deleted %v", r.deleted)
		}
	})
}

func TestWatchAReleaseLink(t *testing.T) {
	forBothWays(t, func(t *testing.T, poll bool) {
		r := newReplacement(t, true)
		link := filepath.Join(t.TempDir(), "current")
		r.must(os.Symlink(r.root, link))
		linked := &replacement{directory: &directory{t: t, root: link, objects: map[string]string{}}, source: r.source}
		linked.start(poll)
		linked.until("the first release", func() bool { return linked.has("v1", "web.yaml:6") })
		r.must(os.Symlink(r.source, link+".new"))
		r.must(os.Rename(link+".new", link))
		linked.follows()
	})
}

// The system may lose events, and the watches with them.
func TestWatchWithoutAWordFromTheSystem(t *testing.T) {
	r := newReplacement(t, false)
	for _, watched := range r.notify.WatchList() {
		r.must(r.notify.Remove(watched))
	}
	r.must(os.RemoveAll(r.root))
	r.copyIn()
	r.follows()
}

func TestWatchLooksAtEverythingNowAndThen(t *testing.T) {
	d := &directory{t: t, root: t.TempDir(), objects: map[string]string{}, every: 50 * time.Millisecond}
	d.write("sub/a.yaml", service("a"))
	d.start(false)
	d.until("the first version", func() bool { return d.has("a", "sub/a.yaml:1") })
	for _, watched := range d.notify.WatchList() {
		d.must(d.notify.Remove(watched))
	}
	d.write("sub/a.yaml", service("a")+"---\n"+service("b"))
	d.until("an edit that nobody told of", func() bool { return d.has("b", "sub/a.yaml:6") })
	d.write("sub/a.yaml", service("c"))
	d.until("an edit under the watch that was renewed", func() bool { return d.has("c", "sub/a.yaml:1") && d.has("b", "") })
}
