// Package persist keeps over a restart what cannot be found out again: the last-known objects of clusters that may be away
// or broken at the next start, what controllers wrote about objects, and what was published.
//
// In: a State, and a place for it. Out: one file that is there in whole or not at all, and readable by its owner only, as
// it holds private keys; and the State back, without what is too old.
//
//	err := persist.Save(path, &persist.State{SavedAt: now, Seq: seq, Units: units, Objects: objects})
//	state, err := persist.Load(path, persist.Limits{Now: now, MaxAge: 24 * time.Hour, New: newObject})
//
// A file that cannot be used is an error that says why; the State is then empty and usable, and the caller goes on.
package persist

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"time"

	"github.com/spillway-lb/spillway/internal/recompute"
	"github.com/spillway-lb/spillway/internal/store"
	"github.com/spillway-lb/spillway/internal/wholefile"
)

// State is what is kept.
type State struct {
	SavedAt time.Time
	// Seq and Units are what Engine.Published returned.
	Seq   uint64
	Units map[recompute.ID]recompute.Published
	// Objects are those of every cluster, in order of their Refs.
	Objects []Object
}

// Object is one object as it was last known.
type Object struct {
	Cluster string
	Object  store.Object
	Origin  string
	// SeenAt is when its source last had it; it stays as it is while the source is away.
	SeenAt time.Time
	// Written is what controllers wrote about it, or nil.
	Written *store.Written
}

// Ref names the object.
func (o *Object) Ref() store.Ref { return store.RefTo(o.Cluster, o.Object) }

// Limits are what Load goes by.
type Limits struct {
	Now time.Time
	// MaxAge is how long ago an object may have been seen, or what is published may have been saved, to count still.
	MaxAge time.Duration
	// New makes an empty object of a type; ok is false for a kind that is not known (any more).
	New func(apiVersion, kind string) (o store.Object, ok bool)
}

// Of gathers a snapshot's objects, but those that keep leaves out. An object that is only last known stays as old as it is.
func Of(snapshot *store.Snapshot, now time.Time, keep func(*store.Entry) bool) []Object {
	var out []Object
	for _, kind := range snapshot.Kinds() {
		snapshot.Walk(kind, "", "", func(e *store.Entry) bool {
			if keep(e) {
				seen := now
				if !e.LastKnown.IsZero() {
					seen = e.LastKnown
				}
				out = append(out, Object{e.Ref.Cluster, e.Object, e.Origin, seen, e.Written})
			}
			return true
		})
	}
	return out
}

// Save replaces the file: whoever reads it sees the old one or the new one.
func Save(path string, s *State) error {
	b, err := Encode(s)
	if err != nil {
		return err
	}
	return wholefile.Write(path, b)
}

// Load reads the file and drops what is too old. No file is an empty state and no error.
func Load(path string, l Limits) (*State, error) {
	b, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return &State{}, nil
	}
	if err != nil {
		return &State{}, err
	}
	s, err := Read(b, l)
	if err != nil {
		return &State{}, fmt.Errorf("%s is ignored: %w", path, err)
	}
	return s, nil
}

// Read is Decode without what is too old.
func Read(b []byte, l Limits) (*State, error) {
	s, err := Decode(b, l.New)
	if err != nil {
		return nil, err
	}
	s.expire(l)
	return s, nil
}

func (s *State) expire(l Limits) {
	old := func(at time.Time) bool { return l.Now.Sub(at) > l.MaxAge }
	s.Objects = slices.DeleteFunc(s.Objects, func(o Object) bool { return old(o.SeenAt) })
	if old(s.SavedAt) {
		s.Units = nil // Seq stays: numbers must not come twice
	}
}
