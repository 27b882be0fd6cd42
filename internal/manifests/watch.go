package manifests

import (
	"context"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/fsnotify/fsnotify"
)

const (
	// tickInterval is how often the directory itself is looked at, and where the system cannot tell of changes everything.
	tickInterval = 500 * time.Millisecond
	// rescanInterval is how often everything is looked at where the system tells of changes: it can lose some.
	rescanInterval = 15 * time.Second
	// scanShare bounds the time that is spent on looking at everything: one part in so many.
	scanShare = 20
	// rescanDelay is the pause before everything is looked at, so that many events make one scan.
	rescanDelay = 20 * time.Millisecond
	// coalesce is the pause after a delta while more files wait, so that a copied folder makes a few large deltas.
	coalesce = 2 * time.Millisecond
	// openPatience bounds how long Open waits for files that are being written.
	openPatience = 500 * time.Millisecond
)

// Watcher follows a directory. Open it, Run it, and take Deltas.
type Watcher struct {
	dir     string // as given
	root    identity
	absent  absence
	loader  *Loader
	settler *Settler
	deltas  chan Delta
	watches *watches
	unread  unread // files of the start

	notes   map[string]Stamp // what the last scan had to say of folders
	heard   bool             // of a change in the directory itself, since the last tick
	scanned time.Time        // when everything was last looked at
	every   time.Duration    // is how often that is done, at least while it is cheap
	pause   time.Duration    // until it is done again
	soon    <-chan time.Time // fires when everything is to be looked at; nil if nobody asked
	partial bool             // the last scan came to a limit

	mu       sync.Mutex
	problems []Problem // a copy for other goroutines
}

// Open reads the directory once. It fails only if there is no directory. namespace is a Loader's.
func Open(dir, namespace string) (*Watcher, Delta, error) {
	return open(dir, namespace, openNotify, openPatience)
}

func open(dir, namespace string, notify func() *fsnotify.Watcher, patience time.Duration) (*Watcher, Delta, error) {
	root, err := identify(dir)
	if err != nil {
		return nil, Delta{}, err
	}
	started := time.Now()
	t, err := scan(context.Background(), dir)
	if err != nil {
		return nil, Delta{}, err
	}
	w := &Watcher{
		dir: dir, root: root, loader: NewLoader(), settler: NewSettler(), deltas: make(chan Delta), watches: newWatches(notify),
		every: rescanInterval,
	}
	w.loader.Namespace = namespace
	w.watches.follow(t)
	w.took(t, started)
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
	events = append(events, w.firstToSettle(now.Add(patience))...)
	delta := w.load(events)
	delta.Unread = w.unread.begin(w.settler, w.loader.layout)
	return w, delta, nil
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
	defer w.watches.close()
	ticker := time.NewTicker(tickInterval)
	defer ticker.Stop()
	var due <-chan time.Time // nil while no file is waited for
	for {
		if due == nil {
			due = w.dueAfter(0)
		}
		events, failures := w.watches.channels()
		var err error
		select {
		case <-ctx.Done():
			return nil
		case e, open := <-events:
			if !open {
				w.watches.close()
				break
			}
			w.changed(ctx, e)
		case <-failures: // events may have been lost
			w.rescanSoon()
		case <-w.soon:
			w.rescan(ctx, false)
		case <-ticker.C:
			err = w.tick(ctx)
		case <-due:
			err = w.flush(ctx)
			due = w.dueAfter(coalesce)
		}
		if err != nil {
			return nil
		}
	}
}

// dueAfter fires when the next file is due, but not before the given time has passed. Nothing becomes due earlier than
// was thought before, so a timer that is running never needs to be set anew, however many events come.
func (w *Watcher) dueAfter(pause time.Duration) <-chan time.Time {
	next, ok := w.settler.Next()
	if w.absent.waiting() {
		next, ok = w.absent.until, true
	} else if w.absent.text != "" {
		return nil // the tick looks for the directory
	}
	if !ok {
		return nil
	}
	return time.After(max(pause, time.Until(next)))
}

// flush reads the files that are due and sends what follows.
func (w *Watcher) flush(ctx context.Context) error {
	counts, err := w.checkRoot(ctx)
	if !counts || err != nil {
		return err
	}
	events := w.readDue(time.Now())
	if w.absent.text != "" {
		events = append(events, Event{Path: ".", Gone: true})
	}
	w.absent = absence{}
	return w.send(ctx, events)
}

// readDue reads the files that are due and still as they were.
func (w *Watcher) readDue(now time.Time) []Event {
	var events []Event
	for _, name := range w.settler.Due(now) {
		stamp := w.look(name)
		e, unchanged := read(w.dir, name, stamp)
		if !unchanged {
			w.settler.Observe(name, w.look(name), now)
			continue
		}
		if w.settler.Settled(name, stamp, now) {
			events = append(events, e)
		}
	}
	return events
}

// look is the stamp of a path now. A folder has one only if the last scan had something to say of it.
func (w *Watcher) look(name string) Stamp {
	stamp := look(w.dir, name)
	if note, ok := w.notes[name]; ok && stamp.Missing() {
		if _, err := os.Stat(filepath.Join(w.dir, filepath.FromSlash(name))); err == nil {
			return note
		}
	}
	return stamp
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
	now := time.Now()
	for _, name := range w.settler.Overdue(now) {
		events = append(events, Event{Path: name, ModTime: now, Failure: &beingWritten})
	}
	delta := w.loader.Load(events, now)
	delta.Read = w.unread.read(w.settler)
	if len(delta.Problems)+len(delta.Solved) > 0 {
		w.mu.Lock()
		w.problems = w.loader.Problems()
		w.mu.Unlock()
	}
	return delta
}

// changed looks at what an event is about, under every path that it is known by.
func (w *Watcher) changed(ctx context.Context, e fsnotify.Event) {
	w.absent.stir(time.Now())
	if e.Name == w.root.real && (e.Has(fsnotify.Rename) || e.Has(fsnotify.Remove)) {
		w.root = identity{} // whatever the path leads to is another one, or needs to be watched again
		w.soon = time.After(0)
		return
	}
	w.heard = w.heard || filepath.Dir(e.Name) == w.root.real
	written := e.Has(fsnotify.Write) || e.Has(fsnotify.Create)
	for _, name := range slices.Clone(w.watches.aliases[e.Name]) {
		if _, folder := w.watches.folders[name]; folder && e.Has(fsnotify.Rename) {
			w.abandon(name, time.Now())
		}
		w.lookAgain(ctx, name, written)
	}
	for _, folder := range slices.Clone(w.watches.aliases[filepath.Dir(e.Name)]) {
		base := filepath.Base(e.Name)
		if strings.HasPrefix(base, "..") { // a mounted ConfigMap has been swapped
			w.rescan(ctx, true)
			return
		}
		if !isTemporary(base) {
			w.lookAgain(ctx, path.Join(folder, base), written)
		}
	}
}

// lookAgain observes one path: a file, or a folder with everything below it.
func (w *Watcher) lookAgain(ctx context.Context, name string, written bool) {
	now := time.Now()
	full := filepath.Join(w.dir, filepath.FromSlash(name))
	link, linkErr := os.Lstat(full)
	isLink := linkErr == nil && link.Mode()&os.ModeSymlink != 0
	info, err := os.Stat(full)
	if err == nil && info.IsDir() {
		real, err := realPath(full)
		switch {
		case !written && (err != nil || w.watches.folders[name] == real):
		case isLink:
			w.rescanSoon()
		default:
			w.adopt(ctx, name, now)
		}
		return
	}
	if _, known := w.watches.folders[name]; known {
		w.abandon(name, now)
	}
	if err == nil && !isManifestFile(name) {
		return
	}
	stamp := w.look(name)
	if written {
		w.settler.Touch(name, stamp, now)
	} else {
		w.settler.Observe(name, stamp, now)
	}
	if isLink {
		w.watches.followLink(name, full)
	}
}

// adopt takes in a folder that is new, or may be another than it was. It is read once more after it is watched, so
// that nothing is missed in between.
func (w *Watcher) adopt(ctx context.Context, folder string, now time.Time) {
	for range 2 {
		t, err := scanFolder(ctx, w.dir, folder)
		if err != nil || t.linked || t.partial || w.partial {
			w.rescanSoon()
			return
		}
		w.take(folder, t, now, true)
	}
}

// abandon observes that everything below a folder is gone.
func (w *Watcher) abandon(folder string, now time.Time) { w.take(folder, tree{}, now, false) }

// rescanSoon asks for a look at everything. Links need it: which of several ways to a folder counts, only that tells.
func (w *Watcher) rescanSoon() {
	if w.soon == nil {
		w.soon = time.After(rescanDelay)
	}
}

// rescan looks at everything; with written, also at what looks as it did.
func (w *Watcher) rescan(ctx context.Context, written bool) {
	w.soon = nil
	if now, err := identify(w.dir); err == nil && !now.same(w.root) {
		w.replaced(ctx, now)
		return
	}
	started := time.Now()
	if t, err := scan(ctx, w.dir); err == nil {
		w.take(".", t, time.Now(), written)
		w.took(t, started)
	}
}

// took notes what a scan of everything found, and when the next is worth its time.
func (w *Watcher) took(t tree, started time.Time) {
	w.partial = t.partial
	w.notes = map[string]Stamp{}
	for name, stamp := range t.files {
		if stamp.Failure != (Failure{}) {
			w.notes[name] = stamp
		}
	}
	w.scanned = time.Now()
	w.pause = w.every
	if w.watches.polling() {
		w.pause = 0
	}
	w.pause = max(w.pause, scanShare*w.scanned.Sub(started))
}

// take observes everything in and below a folder. What is there may look as it did and yet be something else if the
// folder has been put there. What a partial scan did not find may be there.
func (w *Watcher) take(folder string, t tree, now time.Time, written bool) {
	below := func(name string) bool {
		return folder == "." || name == folder || strings.HasPrefix(name, folder+"/")
	}
	w.watches.leave(func(name, real string) bool { return below(name) && t.folders[name] != real && !t.partial })
	w.watches.follow(t)
	observe := w.settler.Observe
	if written {
		observe = w.settler.Touch
	}
	for name, stamp := range t.files {
		observe(name, stamp, now)
	}
	for _, name := range w.settler.Known() {
		if _, there := t.files[name]; !there && below(name) {
			w.settler.Observe(name, w.unseen(name, t), now)
		}
	}
}

// unseen is the stamp of a file that a scan did not find.
func (w *Watcher) unseen(name string, t tree) Stamp {
	if t.partial {
		return look(w.dir, name)
	}
	return Stamp{}
}
