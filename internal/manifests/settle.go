package manifests

import (
	"maps"
	"path"
	"slices"
	"time"
)

// SettleTime is how long a file's size and modification time must stay the same before it counts.
const SettleTime = 20 * time.Millisecond

// deletionPatience bounds how long a deletion waits for further ones: `rm -r` takes files one by one, and what it means
// shows in the end only, when the folder is gone, or there again with other files.
const deletionPatience = 500 * time.Millisecond

// Stamp is what is compared of a file. The zero value is a file that is not there.
type Stamp struct {
	Size    int64
	ModTime time.Time
	// Failure is set for what is there but cannot be read.
	Failure Failure
}

// Missing says whether there is no such file.
func (s Stamp) Missing() bool { return s.ModTime.IsZero() && s.Failure == Failure{} }

func (s Stamp) same(other Stamp) bool {
	return s.Size == other.Size && s.ModTime.Equal(other.ModTime) && s.Failure == other.Failure
}

// Settler decides which files count. It does no I/O and reads no clock: it is told what was seen, and when.
type Settler struct {
	pending map[string]observation
	counted map[string]Stamp
}

// writingPatience bounds how long a file that somebody writes to is waited for before that is said, and the others go on
// without it.
const writingPatience = 10 * time.Second

// observation is a state of a file, since when it has been so, and since when the file is waited for.
type observation struct {
	stamp        Stamp
	since, began time.Time
	// overdue: it has been said that the file is written to without end.
	overdue bool
}

// due is when the file counts. A file that is gone waits for the last of those that are there, as long again at most: a
// file that is renamed leaves one name and comes under another, and in between its objects would be deleted. And it
// waits until no more go.
func (o observation) due(last latest) time.Time {
	due := o.since.Add(SettleTime)
	if !o.stamp.Missing() {
		return due
	}
	return laterOf(within(last.gone, due, deletionPatience), within(last.there, due, SettleTime))
}

// within is a time that is not before the earliest, nor later than that and the patience.
func within(t, earliest time.Time, patience time.Duration) time.Time {
	if most := earliest.Add(patience); t.After(most) {
		return most
	}
	return laterOf(t, earliest)
}

func laterOf(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// latest is when the last of the files that are waited for has settled, of those that are there and of those that are
// gone; the zero time if none is.
type latest struct {
	there, gone time.Time
}

// NewSettler starts without files.
func NewSettler() *Settler {
	return &Settler{pending: map[string]observation{}, counted: map[string]Stamp{}}
}

// Observe tells how a file looks now. A file that looks as it did when it last counted is not waited for.
func (s *Settler) Observe(name string, stamp Stamp, now time.Time) {
	if p, ok := s.pending[name]; ok && p.stamp.same(stamp) {
		return
	}
	counted, known := s.counted[name]
	if known && counted.same(stamp) || !known && stamp.Missing() {
		delete(s.pending, name)
		return
	}
	s.await(name, stamp, now)
}

// await waits for a file anew, or still.
func (s *Settler) await(name string, stamp Stamp, now time.Time) {
	next := observation{stamp: stamp, since: now, began: now}
	if p, ok := s.pending[name]; ok && !p.stamp.Missing() && !stamp.Missing() {
		next.began, next.overdue = p.began, p.overdue
	}
	s.pending[name] = next
}

// Overdue returns, once, the files that have been written to for too long. Whatever comes of them counts when it does.
func (s *Settler) Overdue(now time.Time) []string {
	var overdue []string
	for name, p := range s.pending {
		if !p.overdue && !p.stamp.Missing() && now.Sub(p.began) >= writingPatience {
			p.overdue = true
			s.pending[name] = p
			s.counted[name] = Stamp{Failure: beingWritten}
			overdue = append(overdue, name)
		}
	}
	slices.Sort(overdue)
	return overdue
}

// beingWritten is what counts of a file that is written to without end.
var beingWritten = Failure{RuleUnreadable, "somebody has been writing to the file for 10 s; what it held last keeps serving until nobody does"}

// Touch is Observe for a file that is known to have been written to: it counts anew even if it looks as it did.
func (s *Settler) Touch(name string, stamp Stamp, now time.Time) {
	if p, ok := s.pending[name]; stamp.Missing() || ok && p.stamp.same(stamp) {
		s.Observe(name, stamp, now)
		return
	}
	s.await(name, stamp, now)
}

// Due returns the files that have been the same for long enough. Look at each again, Observe it, and if Settled still
// agrees, read it. All files wait for a cluster.yaml that is being written: it says where the others belong.
func (s *Settler) Due(now time.Time) []string {
	var due []string
	last := s.latest()
	for name, p := range s.pending {
		if !now.Before(p.due(last)) {
			due = append(due, name)
		} else if isLayoutFile(name) && !p.overdue {
			return nil
		}
	}
	slices.Sort(due)
	return due
}

// Settled says whether a file is still as it was when it was found due, and if so marks it as counted.
func (s *Settler) Settled(name string, stamp Stamp, now time.Time) bool {
	p, ok := s.pending[name]
	if !ok || !p.stamp.same(stamp) {
		s.Observe(name, stamp, now)
		return false
	}
	s.Count(name, stamp)
	return true
}

// Count marks a file as counted without waiting.
func (s *Settler) Count(name string, stamp Stamp) {
	delete(s.pending, name)
	if stamp.Missing() {
		delete(s.counted, name)
		return
	}
	s.counted[name] = stamp
}

// Next returns when the next file is due, and false if none is waited for.
func (s *Settler) Next() (time.Time, bool) {
	var next, layout time.Time
	last := s.latest()
	for name, p := range s.pending {
		at := p.due(last)
		if next.IsZero() || at.Before(next) {
			next = at
		}
		if isLayoutFile(name) && !p.overdue && at.After(layout) {
			layout = at
		}
	}
	if layout.After(next) {
		next = layout
	}
	return next, !next.IsZero()
}

func (s *Settler) latest() latest {
	var last latest
	for _, p := range s.pending {
		settled := p.since.Add(SettleTime)
		if p.stamp.Missing() {
			last.gone = laterOf(last.gone, settled)
		} else {
			last.there = laterOf(last.there, settled)
		}
	}
	return last
}

func isLayoutFile(name string) bool { return path.Base(name) == ClusterFile }

// Waiting returns the files that are there, do not count yet and may soon, sorted.
func (s *Settler) Waiting() []string {
	var waiting []string
	for name, p := range s.pending {
		if !p.stamp.Missing() && !p.overdue {
			waiting = append(waiting, name)
		}
	}
	slices.Sort(waiting)
	return waiting
}

// Known returns every file that counts or is waited for, sorted.
func (s *Settler) Known() []string {
	known := map[string]bool{}
	for name := range s.counted {
		known[name] = true
	}
	for name := range s.pending {
		known[name] = true
	}
	return slices.Sorted(maps.Keys(known))
}
