package status

import (
	"time"

	"github.com/spillway-lb/spillway/internal/fact"
	"github.com/spillway-lb/spillway/internal/kind"
	"github.com/spillway-lb/spillway/internal/store"
)

// sweep lets derived objects go that an earlier process left in API servers and nobody wants: as soon as all is listed, and rounds
// have been told so.
type sweep struct {
	// listed are the facts of lists as rounds have read them; heard: the last Apply was of a round that read one anew.
	listed map[store.Fact]bool
	heard  bool
	// ever: there have been lists to wait for, so there are API servers.
	ever bool
	// done: what is there and not wanted is an orphan.
	done bool
}

func newSweep() sweep { return sweep{listed: map[store.Fact]bool{}} }

// hear takes the lists that a round read anew. What such a round held is not wanted yet.
func (s *sweep) hear(t Target, touched []string) {
	s.heard = false
	for _, read := range touched {
		f, ok := store.FactOf(read)
		if !ok || f.Kind != fact.KindListed {
			continue
		}
		s.heard, s.ever = true, true
		if listed, known := t.Fact(f).(bool); known {
			s.listed[f] = listed
		} else {
			delete(s.listed, f)
		}
	}
	if s.heard {
		s.done = false
	}
}

// pending says that a list is on its way, as a round has read it or by now.
func (s *sweep) pending(t Target) bool {
	for _, key := range t.Facts(fact.KindListed) {
		f := store.Fact{Kind: fact.KindListed, Key: key}
		if listed, _ := t.Fact(f).(bool); !listed || !s.listed[f] {
			return true
		}
	}
	for _, listed := range s.listed {
		if !listed {
			return true
		}
	}
	return !s.ever
}

// run sweeps once whenever lists have come in.
func (s *sweep) run(t Target, wanted map[store.Ref]*wanted, now time.Time) {
	if s.done || s.heard || s.pending(t) {
		return
	}
	s.done = true
	var left []store.Ref
	for _, k := range kind.All() {
		t.Walk(k.Ref(), "", "", func(e *store.Entry) bool {
			if e.Origin == Origin && wanted[e.Ref] == nil {
				left = append(left, e.Ref)
			}
			return true
		})
	}
	for _, ref := range left {
		orphan(t, ref, now)
	}
}

// orphan lets an object go that nobody wants, if it was derived. Events have a life of their own.
func orphan(t Target, ref store.Ref, now time.Time) {
	if e := t.Get(ref); e != nil && e.Origin == Origin && store.FromServer(e.Object) && ref.Kind != kind.Event {
		forgo(t, e, now)
	}
}
