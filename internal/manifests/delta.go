package manifests

import (
	"time"

	"github.com/spillway-lb/spillway/internal/store"
)

// Event is a file that is new, changed or gone.
type Event struct {
	// Path is relative to the directory, with slashes.
	Path string
	// Data is the file's content; it is not kept.
	Data []byte
	// ModTime is the file's modification time.
	ModTime time.Time
	// Gone says that there is no such file any more.
	Gone bool
	// Failure says why the file could not be read. Its objects keep their last good version.
	Failure *Failure
}

// Failure is why a file could not be read.
type Failure struct {
	Rule, Message string
}

// Upsert is an object to put into the store.
type Upsert struct {
	// Cluster is the object's cluster; empty for the Configuration.
	Cluster string
	Object  store.Object
	// Origin is FILE:LINE, or "implicit" for what no file holds: a namespace that is only used, the default cluster.
	Origin string
}

// Delta is what a step changed. Apply all of it in one transaction.
type Delta struct {
	// At is the time of the step, and so of its deletions.
	At      time.Time
	Upserts []Upsert
	Deletes []store.Ref
	// Problems are new since the last delta; Solved were reported before and are gone.
	Problems []Problem
	Solved   []Problem
	// Unread are files that are still to be read; only the first delta has any. Read are those of them that have been read
	// since, are gone, or are written to without end, which is a problem of theirs.
	Unread []Unread
	Read   []string
}

// Empty is true if there is nothing to do or to tell.
func (d *Delta) Empty() bool {
	return len(d.Upserts)+len(d.Deletes)+len(d.Problems)+len(d.Solved)+len(d.Unread)+len(d.Read) == 0
}

// Apply puts the delta into a store's transaction. What has a finalizer stays until that is gone.
func (d *Delta) Apply(tx *store.Tx) {
	for _, ref := range d.Deletes {
		tx.Remove(ref, d.At)
	}
	for _, u := range d.Upserts {
		tx.Put(u.Cluster, u.Object, u.Origin)
	}
}
