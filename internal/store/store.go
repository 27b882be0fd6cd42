package store

import (
	"maps"
	"slices"
	"sync"
	"sync/atomic"

	iradix "github.com/hashicorp/go-immutable-radix/v2"
)

// Store is the only place where objects live. Commits are serialised; reads take a snapshot.
type Store struct {
	indexes map[string][]Index // by kind

	mu      sync.Mutex // held by a commit
	subs    []*Subscription
	current atomic.Pointer[Snapshot]
}

// New makes an empty store with fixed indexes.
func New(indexes ...Index) *Store {
	s := &Store{indexes: map[string][]Index{}}
	for _, ix := range indexes {
		s.indexes[ix.Kind] = append(s.indexes[ix.Kind], ix)
	}
	s.current.Store(&Snapshot{objects: iradix.New[*Entry](), indexes: iradix.New[Ref](), facts: iradix.New[factEntry]()})
	return s
}

// Snapshot returns the newest state.
func (s *Store) Snapshot() *Snapshot { return s.current.Load() }

// Commit applies what f does to the transaction, as one step, and tells the subscribers. A transaction that changes
// nothing makes no new revision, nor does one that only renews resourceVersions; nobody is told.
func (s *Store) Commit(f func(*Tx)) *Snapshot {
	s.mu.Lock()
	defer s.mu.Unlock()
	old := s.current.Load()
	tx := s.begin(old)
	f(tx)
	if !tx.changed && !tx.renewed {
		return old
	}
	next := tx.commit()
	if !tx.changed {
		next.revision = old.revision
		s.current.Store(next)
		return next
	}
	s.current.Store(next)
	for _, sub := range s.subs {
		sub.add(next, tx.touched)
	}
	return next
}

// Candidate returns what a transaction would make of a snapshot, and the read keys that it would touch, sorted. Nothing is
// committed and nobody told.
func (s *Store) Candidate(base *Snapshot, f func(*Tx)) (*Snapshot, []string) {
	tx := s.begin(base)
	f(tx)
	return tx.commit(), slices.Sorted(maps.Keys(tx.touched))
}

// Subscribe returns a subscription that starts with everything that is there now.
func (s *Store) Subscribe() *Subscription {
	s.mu.Lock()
	defer s.mu.Unlock()
	sub := &Subscription{ready: make(chan struct{}, 1), touched: map[string]struct{}{}}
	snapshot := s.current.Load()
	first := map[string]struct{}{}
	snapshot.objects.Root().Walk(func(_ []byte, e *Entry) bool {
		first[ReadObject(e.Ref)] = struct{}{}
		return false
	})
	snapshot.facts.Root().Walk(func(_ []byte, e factEntry) bool {
		first[ReadFact(e.fact)] = struct{}{}
		return false
	})
	sub.add(snapshot, first)
	s.subs = append(s.subs, sub)
	return sub
}

// Unsubscribe ends a subscription.
func (s *Store) Unsubscribe(sub *Subscription) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.subs = slices.DeleteFunc(s.subs, func(other *Subscription) bool { return other == sub })
}

// Subscription gathers changes until its owner takes them.
type Subscription struct {
	ready chan struct{}

	mu       sync.Mutex
	snapshot *Snapshot
	touched  map[string]struct{}
}

// Ready receives after a change. One receive may stand for many changes.
func (s *Subscription) Ready() <-chan struct{} { return s.ready }

// Take returns the newest snapshot and the read keys touched since the last Take, sorted.
func (s *Subscription) Take() (*Snapshot, []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	touched := slices.Sorted(maps.Keys(s.touched))
	s.touched = map[string]struct{}{}
	return s.snapshot, touched
}

func (s *Subscription) add(snapshot *Snapshot, touched map[string]struct{}) {
	s.mu.Lock()
	s.snapshot = snapshot
	maps.Copy(s.touched, touched)
	s.mu.Unlock()
	select {
	case s.ready <- struct{}{}:
	default:
	}
}
