package manifests

import (
	"context"
	"io/fs"
	"os"
	"syscall"
	"time"
)

const (
	// replacedQuiet is how long a directory that has been put in the place of another must be quiet before it counts:
	// what is not there yet may be on its way.
	replacedQuiet = 300 * time.Millisecond
	// replacedPatience bounds that wait while files keep coming.
	replacedPatience = 10 * time.Second

	goneText  = "the directory is gone; what it held keeps serving"
	emptyText = "the directory has been replaced by one without manifests; what was there keeps serving until a file comes"
)

// identity is which directory a path leads to.
type identity struct {
	real string
	info fs.FileInfo
}

func identify(dir string) (identity, error) {
	real, err := realPath(dir)
	if err != nil {
		return identity{}, err
	}
	info, err := os.Stat(real)
	if err == nil && !info.IsDir() {
		err = &fs.PathError{Op: "open", Path: dir, Err: syscall.ENOTDIR}
	}
	return identity{real, info}, err
}

func (i identity) same(other identity) bool {
	return i.real == other.real && i.info != nil && other.info != nil && os.SameFile(i.info, other.info)
}

// changedSince says whether entries came or went.
func (i identity) changedSince(before identity) bool {
	return before.info == nil || !i.info.ModTime().Equal(before.info.ModTime())
}

// absence is the state of a directory that is not, or not yet again, what its path says.
type absence struct {
	// text says what is wrong, "" if nothing is.
	text string
	// until is when a directory that was put in place counts, if it stays quiet; latest is when it counts anyhow.
	// Both are zero while there is none.
	until, latest time.Time
}

// waiting says that a directory was put in place and does not count yet.
func (a *absence) waiting() bool { return !a.until.IsZero() }

// stir puts the wait off: something happened in the directory.
func (a *absence) stir(now time.Time) {
	if a.waiting() {
		a.until = now.Add(replacedQuiet)
		if a.until.After(a.latest) {
			a.until = a.latest
		}
	}
}

// replaced follows the directory that the path leads to now. All of it is read anew, once it is quiet.
func (w *Watcher) replaced(ctx context.Context, now identity) {
	w.root = now
	w.watches.renew()
	at := time.Now()
	w.absent.until, w.absent.latest = at.Add(replacedQuiet), at.Add(replacedPatience)
	w.rescan(ctx, true)
}

// lose keeps everything while the directory is not there: then no file is known to be deleted.
func (w *Watcher) lose(ctx context.Context, text string) error {
	w.absent = absence{text: text}
	return w.send(ctx, []Event{{Path: ".", Failure: &Failure{RuleUnreadable, text}}})
}

// checkRoot compares the directory with the one that is followed. It says whether what is known of files counts now.
func (w *Watcher) checkRoot(ctx context.Context) (counts bool, err error) {
	now, err := identify(w.dir)
	switch {
	case err != nil:
		return false, w.lose(ctx, goneText)
	case !now.same(w.root):
		w.replaced(ctx, now)
		return false, nil
	case w.absent.waiting() && time.Now().Before(w.absent.until):
		return false, nil
	case w.absent.waiting() && len(w.settler.Known()) > 0 && w.empty(ctx):
		return false, w.lose(ctx, emptyText)
	}
	return w.absent.text == "" || w.absent.waiting(), nil
}

// empty says whether the directory has no manifest at all.
func (w *Watcher) empty(ctx context.Context) bool {
	t, err := scan(ctx, w.dir)
	return err == nil && len(t.files) == 0
}

// tick is the net below the notifications: it finds a directory that was replaced, or came back, and looks at
// everything now and then.
func (w *Watcher) tick(ctx context.Context) error {
	now, err := identify(w.dir)
	if err != nil {
		if w.absent.text == goneText {
			return nil
		}
		return w.lose(ctx, goneText)
	}
	unheard := !w.watches.polling() && now.changedSince(w.root) && !w.heard
	w.heard = false
	back := w.absent.text != "" && !w.absent.waiting() && (w.absent.text == goneText || !w.empty(ctx))
	if back || !now.same(w.root) {
		w.replaced(ctx, now)
		return nil
	}
	w.root = now
	if unheard {
		w.watches.renew()
	}
	if unheard || time.Since(w.scanned) >= w.pause {
		w.rescan(ctx, false)
	}
	if len(w.settler.Waiting()) > 0 || len(w.unread.files) > 0 {
		return w.send(ctx, nil) // some may have been waited for long enough
	}
	return nil
}
