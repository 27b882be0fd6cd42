package manifests

import (
	"context"
	"errors"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"sync"
	"time"
)

// Read reads a directory once, without waiting for files to settle. namespace is a Loader's.
func Read(dir, namespace string) (Delta, []Problem, error) {
	t, err := scan(context.Background(), dir)
	if err != nil {
		return Delta{}, nil, err
	}
	var events []Event
	for _, r := range readAll(dir, t.files) {
		events = append(events, r.event)
	}
	loader := NewLoader()
	loader.Namespace = namespace
	delta := loader.Load(events, time.Now())
	return delta, loader.Problems(), nil
}

// reading is the event of a file, and whether the file stayed the same while it was read.
type reading struct {
	event     Event
	unchanged bool
}

// readAll reads files on every core. The order is that of paths.
func readAll(root string, files map[string]Stamp) []reading {
	names := slices.Sorted(maps.Keys(files))
	out := make([]reading, len(names))
	var workers sync.WaitGroup
	share := (len(names) + runtime.GOMAXPROCS(0) - 1) / runtime.GOMAXPROCS(0)
	for start := 0; start < len(names); start += share {
		workers.Go(func() {
			for i := start; i < min(start+share, len(names)); i++ {
				out[i].event, out[i].unchanged = read(root, names[i], files[names[i]])
			}
		})
	}
	workers.Wait()
	return out
}

// read returns a file's event, and false if it changed while it was read.
func read(root, name string, stamp Stamp) (Event, bool) {
	e := Event{Path: name, ModTime: stamp.ModTime, Gone: stamp.Missing()}
	if stamp.Failure != (Failure{}) {
		e.Failure = &stamp.Failure
		return e, true
	}
	if e.Gone {
		return e, true
	}
	data, err := os.ReadFile(filepath.Join(root, filepath.FromSlash(name)))
	if err != nil {
		e.Failure = &Failure{RuleUnreadable, reason(err)}
		return e, look(root, name).same(stamp)
	}
	e.Data = data
	return e, look(root, name).same(stamp)
}

// reason leaves the operation and path out of a file error.
func reason(err error) string {
	var pathError *fs.PathError
	if errors.As(err, &pathError) {
		return pathError.Err.Error()
	}
	return err.Error()
}
