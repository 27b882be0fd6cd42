package manifests

import (
	"context"
	"errors"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/fsnotify/fsnotify"
)

// pollInterval is how often the directory is looked at where the system cannot tell of changes.
const pollInterval = 500 * time.Millisecond

// coalesce is the pause after a delta while more files wait, so that a copied folder makes a few large deltas.
const coalesce = 2 * time.Millisecond

// openPatience bounds how long Open waits for files that are being written.
const openPatience = 500 * time.Millisecond

// Watcher follows a directory. Open it, Run it, and take Deltas.
type Watcher struct {
	root    string
	loader  *Loader
	settler *Settler
	deltas  chan Delta
	notify  *fsnotify.Watcher // nil where changes are looked for by polling
	lost    bool              // the directory itself is gone

	folders map[string]string   // folders to their real paths
	aliases map[string][]string // real paths of folders and of links' targets to the paths they are known by

	mu       sync.Mutex
	problems []Problem // a copy for other goroutines
}

// Open reads the directory once. It fails only if there is no directory.
func Open(dir string) (*Watcher, Delta, error) {
	notify, err := fsnotify.NewWatcher()
	if err != nil {
		notify = nil
	}
	return open(dir, notify)
}

func open(dir string, notify *fsnotify.Watcher) (*Watcher, Delta, error) {
	w := &Watcher{
		root: dir, loader: NewLoader(), settler: NewSettler(), deltas: make(chan Delta), notify: notify,
		folders: map[string]string{}, aliases: map[string][]string{},
	}
	t, err := scan(dir, ".")
	if err != nil {
		if notify != nil {
			_ = notify.Close()
		}
		return nil, Delta{}, err
	}
	w.follow(t)
	now := time.Now()
	var events []Event
	for _, e := range readAll(dir, t.files) {
		stamp := t.files[e.event.Path]
		if now.Sub(stamp.ModTime) < SettleTime || !e.unchanged {
			w.settler.Observe(e.event.Path, stamp, now)
			continue
		}
		w.settler.Count(e.event.Path, stamp)
		events = append(events, e.event)
	}
	events = append(events, w.firstToSettle(now.Add(openPatience))...)
	return w, w.load(events), nil
}

// firstToSettle waits for files that were written just before the directory was opened.
func (w *Watcher) firstToSettle(deadline time.Time) []Event {
	var events []Event
	for {
		next, waiting := w.settler.Next()
		if !waiting || next.After(deadline) {
			return events
		}
		<-time.After(time.Until(next))
		events = append(events, w.readDue(time.Now())...)
	}
}

// Deltas gives what changes, in order. Run closes it.
func (w *Watcher) Deltas() <-chan Delta { return w.deltas }

// Problems returns everything that is wrong now. Any goroutine may call it.
func (w *Watcher) Problems() []Problem {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.problems
}

// Run follows the directory until the context ends.
func (w *Watcher) Run(ctx context.Context) error {
	defer close(w.deltas)
	var events chan fsnotify.Event
	var failures chan error
	poll := time.NewTicker(pollInterval)
	defer poll.Stop()
	if w.notify != nil {
		defer w.notify.Close()
		events, failures = w.notify.Events, w.notify.Errors
	}
	var due <-chan time.Time // nil while no file is waited for
	for {
		if due == nil {
			due = w.dueAfter(0)
		}
		select {
		case <-ctx.Done():
			return nil
		case e, open := <-events:
			if !open {
				events = nil
				break
			}
			w.changed(e)
		case _, open := <-failures: // events may have been lost
			if !open {
				failures = nil
			}
			w.rescan(false)
		case <-poll.C:
			if err := w.poll(ctx); err != nil {
				return nil
			}
		case <-due:
			if err := w.flush(ctx); err != nil {
				return nil
			}
			due = w.dueAfter(coalesce)
		}
	}
}

// dueAfter fires when the next file is due, but not before the given time has passed. Nothing becomes due earlier than
// was thought before, so a timer that is running never needs to be set anew, however many events come.
func (w *Watcher) dueAfter(pause time.Duration) <-chan time.Time {
	next, ok := w.settler.Next()
	if !ok {
		return nil
	}
	return time.After(max(pause, time.Until(next)))
}

// flush reads the files that are due and sends what follows.
func (w *Watcher) flush(ctx context.Context) error {
	now := time.Now()
	if _, err := os.Stat(w.root); err != nil {
		return w.lose(ctx, w.settler.Due(now))
	}
	return w.send(ctx, w.readDue(now))
}

// readDue reads the files that are due and still as they were.
func (w *Watcher) readDue(now time.Time) []Event {
	var events []Event
	for _, name := range w.settler.Due(now) {
		stamp := look(w.root, name)
		e, unchanged := read(w.root, name, stamp)
		if !unchanged {
			w.settler.Observe(name, look(w.root, name), now)
			continue
		}
		if w.settler.Settled(name, stamp, now) {
			events = append(events, e)
		}
	}
	return events
}

// lose keeps everything while the directory itself is gone: then no file is known to be deleted.
func (w *Watcher) lose(ctx context.Context, due []string) error {
	for _, name := range due {
		w.settler.Forget(name)
	}
	w.lost = true
	return w.send(ctx, []Event{{Path: ".", Failure: &Failure{RuleUnreadable, "the directory is gone; what it held keeps serving"}}})
}

// poll looks for a lost directory, and for changes where the system does not tell of them.
func (w *Watcher) poll(ctx context.Context) error {
	if w.notify == nil {
		w.rescan(false)
	}
	if !w.lost {
		return nil
	}
	if _, err := os.Stat(w.root); err != nil {
		return nil
	}
	w.lost = false
	w.rescan(false)
	return w.send(ctx, []Event{{Path: ".", Gone: true}})
}

func (w *Watcher) send(ctx context.Context, events []Event) error {
	delta := w.load(events)
	if delta.Empty() {
		return nil
	}
	select {
	case w.deltas <- delta:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (w *Watcher) load(events []Event) Delta {
	delta := w.loader.Load(events, time.Now())
	if len(delta.Problems)+len(delta.Solved) > 0 {
		w.mu.Lock()
		w.problems = w.loader.Problems()
		w.mu.Unlock()
	}
	return delta
}

// changed looks at what an event is about, under every path that it is known by.
func (w *Watcher) changed(e fsnotify.Event) {
	written := e.Has(fsnotify.Write) || e.Has(fsnotify.Create)
	for _, name := range slices.Clone(w.aliases[e.Name]) {
		if _, folder := w.folders[name]; folder && e.Has(fsnotify.Rename) {
			w.abandon(name, time.Now())
		}
		w.lookAgain(name, written)
	}
	for _, folder := range slices.Clone(w.aliases[filepath.Dir(e.Name)]) {
		base := filepath.Base(e.Name)
		if strings.HasPrefix(base, "..") { // a mounted ConfigMap has been swapped
			w.rescan(true)
			return
		}
		if !isTemporary(base) {
			w.lookAgain(path.Join(folder, base), written)
		}
	}
}

// lookAgain observes one path: a file, or a folder with everything below it.
func (w *Watcher) lookAgain(name string, written bool) {
	now := time.Now()
	full := filepath.Join(w.root, filepath.FromSlash(name))
	info, err := os.Stat(full)
	if err == nil && info.IsDir() {
		if real, err := filepath.EvalSymlinks(full); written || err == nil && w.folders[name] != real {
			w.adopt(name, now)
		}
		return
	}
	if _, known := w.folders[name]; known {
		w.abandon(name, now)
	}
	if err == nil && !isManifestFile(name) {
		return
	}
	stamp := look(w.root, name)
	if written {
		w.settler.Touch(name, stamp, now)
	} else {
		w.settler.Observe(name, stamp, now)
	}
	if link, err := os.Lstat(full); err == nil && link.Mode()&os.ModeSymlink != 0 {
		w.followLink(name, full)
	}
}

// adopt takes in a folder that is new, or may be another than it was. It is read once more after it is watched, so
// that nothing is missed in between.
func (w *Watcher) adopt(folder string, now time.Time) {
	for range 2 {
		t, err := scan(w.root, folder)
		if err != nil {
			return
		}
		w.take(folder, t, now, true)
	}
}

// abandon observes that everything below a folder is gone.
func (w *Watcher) abandon(folder string, now time.Time) { w.take(folder, tree{}, now, false) }

// rescan looks at everything; with written, also at what looks as it did.
func (w *Watcher) rescan(written bool) {
	if t, err := scan(w.root, "."); err == nil {
		w.take(".", t, time.Now(), written)
	}
}

// take observes everything in and below a folder. What is there may look as it did and yet be something else if the
// folder has been put there.
func (w *Watcher) take(folder string, t tree, now time.Time, written bool) {
	below := func(name string) bool {
		return folder == "." || name == folder || strings.HasPrefix(name, folder+"/")
	}
	var left []string
	for name, real := range w.folders {
		if below(name) && t.folders[name] != real {
			delete(w.folders, name)
			w.forget(real, name)
			left = append(left, real)
		}
	}
	w.unwatch(left)
	w.follow(t)
	observe := w.settler.Observe
	if written {
		observe = w.settler.Touch
	}
	for name, stamp := range t.files {
		observe(name, stamp, now)
	}
	for _, name := range w.settler.Known() {
		if _, there := t.files[name]; !there && below(name) {
			w.settler.Observe(name, Stamp{}, now)
		}
	}
}

// follow watches the folders of a tree, and those that its links lead to. Real paths are watched, once each: the
// system knows a folder by one name only.
func (w *Watcher) follow(t tree) {
	for name, real := range t.folders {
		w.folders[name] = real
		w.know(real, name)
		w.watch(real)
	}
	for name, target := range t.links {
		w.know(target, name)
		w.watch(filepath.Dir(target))
	}
}

func (w *Watcher) followLink(name, full string) {
	if target, err := filepath.EvalSymlinks(full); err == nil {
		w.know(target, name)
		w.watch(filepath.Dir(target))
	}
}

func (w *Watcher) know(real, name string) {
	if !slices.Contains(w.aliases[real], name) {
		w.aliases[real] = append(w.aliases[real], name)
	}
}

func (w *Watcher) forget(real, name string) {
	w.aliases[real] = slices.DeleteFunc(w.aliases[real], func(other string) bool { return other == name })
	if len(w.aliases[real]) == 0 {
		delete(w.aliases, real)
	}
}

// unwatch ends the watches of folders that are known by no name, unless a link's target lies in them. The watch of a
// folder that has been renamed would tell of its changes under the old name, and end when the new one is watched.
func (w *Watcher) unwatch(folders []string) {
	if w.notify == nil || len(folders) == 0 {
		return
	}
	needed := map[string]bool{}
	for known := range w.aliases {
		needed[known], needed[filepath.Dir(known)] = true, true
	}
	for _, folder := range folders {
		if !needed[folder] {
			_ = w.notify.Remove(folder) // an error: the system has ended the watch already
		}
	}
}

// watch falls back to polling if the system has no watch left.
func (w *Watcher) watch(real string) {
	if w.notify == nil {
		return
	}
	if err := w.notify.Add(real); err != nil && !errors.Is(err, os.ErrNotExist) {
		_ = w.notify.Close()
		w.notify = nil
	}
}
