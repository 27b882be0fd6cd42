package passive

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"sync"
	"time"
	"weak"
)

// tick is how often those that fail are looked at.
const tick = 500 * time.Millisecond

// Records are those of one proxy. A nil Records has no record for anything.
type Records struct {
	changed func()
	wake    chan struct{} // receives when the first one is watched

	mu sync.Mutex
	// all are those that chains hold, by what they are of; watched those that are looked at.
	all     map[Use]weak.Pointer[Record]
	watched map[*Record]struct{}
	// swept is how many there were when the ones that nobody holds were last thrown out.
	swept int
}

// New makes one. changed is called when Failing has become different, and must not wait for anything.
func New(changed func()) *Records {
	return &Records{
		changed: changed, wake: make(chan struct{}, 1), all: map[Use]weak.Pointer[Record]{}, watched: map[*Record]struct{}{},
	}
}

// minSweep is how many records are no matter.
const minSweep = 64

// Record is the one of a version of an extension: the same for all who ask for the same. It takes the place of another version's.
func (s *Records) Record(u Use, version string) *Record {
	if s == nil {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	old := s.all[u].Value()
	if old != nil && old.version == version {
		return old
	}
	if old != nil {
		s.ignore(old)
		old.told = nil
	}
	r := &Record{use: u, version: version, records: s}
	s.all[u] = weak.Make(r)
	if len(s.all) > 2*s.swept+minSweep {
		maps.DeleteFunc(s.all, func(_ Use, p weak.Pointer[Record]) bool { return p.Value() == nil })
		s.swept = len(s.all)
	}
	return r
}

// watch begins to look at a record, unless another version has taken its place. One that nobody holds has not: it was refused.
func (s *Records) watch(r *Record) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if newest := s.all[r.use].Value(); newest != nil && newest != r || r.watched.Swap(true) {
		return
	}
	s.all[r.use] = weak.Make(r)
	s.watched[r] = struct{}{}
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// ignore ends it.
func (s *Records) ignore(r *Record) {
	delete(s.watched, r)
	r.forget()
	r.watched.Store(false)
}

// Failing are the extensions that keep failing, in order.
func (s *Records) Failing() []Failing {
	if s == nil {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []Failing
	for r := range s.watched {
		if f, ok := r.failing(); ok {
			out = append(out, f)
		}
	}
	slices.SortFunc(out, func(a, b Failing) int {
		return cmp.Or(cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Resource, b.Resource), cmp.Compare(a.Chain, b.Chain), cmp.Compare(a.Extension, b.Extension))
	})
	return out
}

// Run looks at those that fail until the context ends.
func (s *Records) Run(ctx context.Context) {
	ticker := time.NewTicker(tick)
	defer ticker.Stop()
	for {
		ticker.Stop()
		select {
		case <-ctx.Done():
			return
		case <-s.wake:
			ticker.Reset(tick)
		}
		for more := true; more; {
			select {
			case <-ctx.Done():
				return
			case now := <-ticker.C:
				more = s.Step(now)
			}
		}
	}
}

// Step looks at those that fail. more: some are left to be looked at again.
func (s *Records) Step(now time.Time) (more bool) {
	changed := false
	s.mu.Lock()
	for r := range s.watched {
		news, idle := r.step(now)
		changed = changed || news
		if idle {
			s.ignore(r)
		}
	}
	more = len(s.watched) > 0
	s.mu.Unlock()
	if changed {
		s.changed()
	}
	return more
}
