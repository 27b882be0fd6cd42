package recompute

import (
	"iter"
	"slices"
)

// reads is the reverse index: which units read a key.
type reads struct {
	sets map[string]*readers
	// under is the index of the engine that was forked, and here its memos' copies in the fork.
	under *reads
	here  func(*memo) *memo
}

// readers are the memos that read a key. Most keys have one.
type readers struct {
	key  string // the one copy that all of them keep
	one  *memo
	more map[*memo]struct{}
}

// add notes that a memo reads a key, and returns the copy of the key that is to be kept.
func (r *reads) add(read string, m *memo) string {
	set := r.sets[read]
	if set == nil {
		set = &readers{key: read}
		r.sets[read] = set
	}
	switch {
	case set.one == nil || set.one == m:
		set.one = m
	case set.more == nil:
		set.more = map[*memo]struct{}{m: {}}
	default:
		set.more[m] = struct{}{}
	}
	return set.key
}

// drop removes one read and tells whether nobody reads the key any more.
func (r *reads) drop(read string, m *memo) (last bool) {
	if set := r.sets[read]; set != nil {
		if set.one == m {
			set.one = nil
		}
		delete(set.more, m)
		if set.one == nil && len(set.more) == 0 {
			delete(r.sets, read)
		}
	}
	return !r.any(read)
}

func (r *reads) any(read string) bool {
	for range r.of(read) {
		return true
	}
	return false
}

// of yields the memos that read a key, some perhaps twice.
func (r *reads) of(read string) iter.Seq[*memo] {
	return func(yield func(*memo) bool) {
		if set := r.sets[read]; set != nil {
			if set.one != nil && !yield(set.one) {
				return
			}
			for m := range set.more {
				if !yield(m) {
					return
				}
			}
		}
		if r.under == nil {
			return
		}
		for base := range r.under.of(read) {
			if m := r.here(base); m != nil && m.readsKey(read) && !yield(m) {
				return
			}
		}
	}
}

func (m *memo) readsKey(read string) bool {
	if _, ok := m.reading[read]; ok {
		return true
	}
	_, ok := slices.BinarySearch(m.reads, read)
	return ok
}

// record notes a read of a memo that is running.
func (e *Engine) record(read string, m *memo) {
	if _, known := m.reading[read]; !known {
		m.reading[e.reads.add(read, m)] = struct{}{}
	}
}

// newReading returns an empty set for a memo that is about to run; the sets of small memos are used again.
func (e *Engine) newReading() map[string]struct{} {
	if n := len(e.spare); n > 0 {
		set := e.spare[n-1]
		e.spare = e.spare[:n-1]
		return set
	}
	return make(map[string]struct{}, maxSpareReads)
}

const maxSpareReads = 32

// keepReads replaces a memo's reads by those of the run that ended, and forgets what it does not read any more. A unit
// that keeps what it published keeps the units that it read for that, too: what is published may name their resources.
func (e *Engine) keepReads(m *memo) {
	if m.kept != nil {
		for _, unit := range *m.kept {
			e.record(readUnit(e.memo(unit).id), m)
		}
	}
	old, reading := m.reads, m.reading
	m.reads, m.reading = make([]string, 0, len(reading)), nil
	for read := range reading {
		m.reads = append(m.reads, read)
	}
	slices.Sort(m.reads)
	for _, read := range old {
		if _, still := reading[read]; !still {
			e.dropRead(read, m)
		}
	}
	if len(reading) <= maxSpareReads {
		clear(reading)
		e.spare = append(e.spare, reading)
	}
}

func (e *Engine) dropRead(read string, m *memo) {
	if !e.reads.drop(read, m) {
		return
	}
	if unit, ok := unitOfRead(read); ok {
		if read := e.known(unit); read != nil {
			e.orphans = append(e.orphans, read)
		}
	}
}
