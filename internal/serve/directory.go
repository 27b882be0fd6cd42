package serve

import (
	"context"
	"slices"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/spillway-lb/spillway/internal/manifests"
	"github.com/spillway-lb/spillway/internal/store"
)

// reopenInterval is how often a directory that is not there is looked for.
const reopenInterval = 500 * time.Millisecond

// directory feeds the manifests into the store.
type directory struct {
	path string
	// namespace is that of objects that name none.
	namespace string
	store     *store.Store
	report    *reporter
	// restore knows what an earlier process knew.
	restore *restorer
	// problems is how much is wrong now.
	problems prometheus.Gauge
	// read is closed when the directory has been read for the first time.
	read chan struct{}
}

// follow keeps the store up to date until the context ends. A directory that is not there is waited for.
func (d *directory) follow(ctx context.Context) {
	watcher, first, err := manifests.Open(d.path, d.namespace)
	if err != nil {
		d.report.say("cannot read %s: %v; waiting for it", d.path, err)
	}
	for err != nil {
		select {
		case <-ctx.Done():
			return
		case <-time.After(reopenInterval):
		}
		watcher, first, err = manifests.Open(d.path, d.namespace)
	}
	d.begin(&first)
	close(d.read)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		// Run fails with its context only.
		_ = watcher.Run(ctx)
	}()
	for delta := range watcher.Deltas() {
		gone := d.named(delta.Deletes)
		d.apply(&delta, false)
		d.report.reload(delta.Upserts, gone)
		d.report.problems(&delta)
	}
	<-ended
}

// named are those of some objects that a file holds; namespaces that are only used come and go by themselves.
func (d *directory) named(refs []store.Ref) []store.Ref {
	snapshot := d.store.Snapshot()
	return slices.DeleteFunc(slices.Clone(refs), func(ref store.Ref) bool {
		e := snapshot.Get(ref)
		return e != nil && e.Origin == implicit
	})
}

// begin takes in what is there at the start.
func (d *directory) begin(first *manifests.Delta) {
	d.apply(first, true)
	objects := 0
	for _, u := range first.Upserts {
		if u.Origin != implicit {
			objects++
		}
	}
	d.report.problems(first)
	kept := d.restore.count()
	if kept > 0 {
		d.report.say("broken and empty files keep what they last held: %d objects", kept)
	}
	for _, f := range first.Unread {
		d.report.say("%s: is being written to; it is read when nobody does", f.Path)
	}
	switch {
	case objects > 0:
		d.report.say("objects in %s: %d", d.path, objects)
	case slices.ContainsFunc(first.Problems, func(p manifests.Problem) bool { return p.Severity == manifests.Error }):
		d.report.say("no usable object in %s; waiting for the files to be mended", d.path)
	case kept == 0 && len(first.Unread) == 0:
		d.report.say("no object in %s; waiting for YAML files", d.path)
	}
}

func (d *directory) apply(delta *manifests.Delta, first bool) {
	d.problems.Add(float64(len(delta.Problems) - len(delta.Solved)))
	d.store.Commit(func(tx *store.Tx) { d.restore.apply(tx, delta, first) })
}
