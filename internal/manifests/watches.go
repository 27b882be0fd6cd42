package manifests

import (
	"errors"
	"os"
	"path/filepath"
	"slices"

	"github.com/fsnotify/fsnotify"
)

// watches are what the system is asked to tell of, and by which paths it is known here.
type watches struct {
	open    func() *fsnotify.Watcher // nil where the system cannot tell
	notify  *fsnotify.Watcher        // nil where changes are looked for by polling
	folders map[string]string        // folders to their real paths
	aliases map[string][]string      // real paths of folders and of links' targets to the paths they are known by
}

// openNotify returns nil where the system has no notifications to give.
func openNotify() *fsnotify.Watcher {
	notify, err := fsnotify.NewWatcher()
	if err != nil {
		return nil
	}
	return notify
}

func newWatches(open func() *fsnotify.Watcher) *watches {
	w := &watches{open: open}
	w.renew()
	return w
}

// renew forgets everything and begins anew: a watch follows a folder, not its name, and ends without a word.
func (w *watches) renew() {
	w.close()
	w.folders, w.aliases = map[string]string{}, map[string][]string{}
	w.notify = w.open()
}

func (w *watches) close() {
	if w.notify != nil {
		_ = w.notify.Close()
		w.notify = nil
	}
}

// polling says that nobody tells of changes.
func (w *watches) polling() bool { return w.notify == nil }

func (w *watches) channels() (<-chan fsnotify.Event, <-chan error) {
	if w.notify == nil {
		return nil, nil
	}
	return w.notify.Events, w.notify.Errors
}

// follow watches the folders of a tree, and those that its links lead to. Real paths are watched, once each: the
// system knows a folder by one name only.
func (w *watches) follow(t tree) {
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

func (w *watches) followLink(name, full string) {
	if target, err := realPath(full); err == nil {
		w.know(target, name)
		w.watch(filepath.Dir(target))
	}
}

func (w *watches) know(real, name string) {
	if !slices.Contains(w.aliases[real], name) {
		w.aliases[real] = append(w.aliases[real], name)
	}
}

func (w *watches) forget(real, name string) {
	w.aliases[real] = slices.DeleteFunc(w.aliases[real], func(other string) bool { return other == name })
	if len(w.aliases[real]) == 0 {
		delete(w.aliases, real)
	}
}

// leave ends what is known of the folders for which the function says so.
func (w *watches) leave(gone func(name, real string) bool) {
	var left []string
	for name, real := range w.folders {
		if gone(name, real) {
			delete(w.folders, name)
			w.forget(real, name)
			left = append(left, real)
		}
	}
	w.unwatch(left)
}

// unwatch ends the watches of folders that are known by no name, unless a link's target lies in them. The watch of a
// folder that has been renamed would tell of its changes under the old name, and end when the new one is watched.
func (w *watches) unwatch(folders []string) {
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
func (w *watches) watch(real string) {
	if w.notify == nil {
		return
	}
	if err := w.notify.Add(real); err != nil && !errors.Is(err, os.ErrNotExist) {
		w.close()
	}
}
