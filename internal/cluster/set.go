package cluster

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/runtime"

	spillwayv1alpha1 "github.com/spillway-lb/spillway/api/spillway/v1alpha1"
	"github.com/spillway-lb/spillway/internal/fact"
	"github.com/spillway-lb/spillway/internal/kind"
	"github.com/spillway-lb/spillway/internal/persist"
	"github.com/spillway-lb/spillway/internal/store"
)

// Defaults of Config.
const (
	DefaultStaleAfter  = 30 * time.Second
	DefaultForgetAfter = 7 * 24 * time.Hour
	defaultPoll        = 5 * time.Second
)

// Config is what a Set works with.
type Config struct {
	Store *store.Store
	// Install is the name by which objects that this install made are known.
	Install string
	// Project is that of every member.
	Project spillwayv1alpha1.Project
	// StaleAfter is how long a member may not answer before it is shown as stale, ForgetAfter how long what was last known of it
	// counts (0: for ever), Poll how often members are asked which kinds they have. Zero StaleAfter and Poll mean the defaults.
	StaleAfter, ForgetAfter, Poll time.Duration
	// Say tells operators, a line at a time.
	Say func(format string, args ...any)
	Now func() time.Time
}

// Set watches the members that are wanted.
type Set struct {
	config Config
	codecs runtime.NegotiatedSerializer
	counts *counts

	mu       sync.Mutex
	ctx      context.Context // nil before Run
	ended    bool
	followed bool
	members  map[string]*watcher
	// restored are the times of what earlier processes knew of clusters.
	restored map[string]time.Time
	settled  chan struct{}
	running  sync.WaitGroup
}

// New makes a Set of no members.
func New(c Config) *Set {
	c.StaleAfter, c.Poll = cmp.Or(c.StaleAfter, DefaultStaleAfter), cmp.Or(c.Poll, defaultPoll)
	s := &Set{
		config: c, codecs: codecs(), counts: newCounts(), members: map[string]*watcher{}, restored: map[string]time.Time{},
		settled: make(chan struct{}),
	}
	c.Store.Commit(func(tx *store.Tx) { tx.SetFact(fact.Listed("", kind.Cluster), false) })
	return s
}

// Restore puts what an earlier process knew into the store, as last known. It is called before Follow.
func (s *Set) Restore(objects []persist.Object) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.config.Store.Commit(func(tx *store.Tx) {
		for i := range objects {
			o := &objects[i]
			tx.PutLastKnown(o.Cluster, o.Object, o.Origin, o.SeenAt)
			if o.Written != nil {
				tx.Write(o.Ref(), o.Written)
			}
			if seen := s.restored[o.Cluster]; o.Cluster != "" && (seen.IsZero() || o.SeenAt.Before(seen)) {
				s.restored[o.Cluster] = o.SeenAt
			}
		}
	})
}

// Follow says which members are wanted from now on. Who is not among them any more is let go, with all its objects.
func (s *Set) Follow(members []Member) {
	s.mu.Lock()
	defer s.mu.Unlock()
	wanted := map[string]Member{}
	for _, m := range members {
		wanted[m.Name] = m
	}
	s.followed = true
	for _, name := range slices.Sorted(maps.Keys(s.members)) {
		w := s.members[name]
		next, still := wanted[name]
		switch {
		case !still:
			w.stop()
			s.forgo(name)
			delete(s.members, name)
			s.config.Say("cluster %s left: %s", name, w.member.Origin)
		case next.Version != w.member.Version || next.ConfigCluster != w.member.ConfigCluster:
			w.stop()
			s.restored[name] = w.lastHeard()
			s.join(next)
			s.config.Say("cluster %s is reached in another way: %s", name, next.Origin)
		default:
			w.move(next)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(wanted)) {
		if s.members[name] == nil {
			s.join(wanted[name])
			s.config.Say("cluster %s joined: %s", name, wanted[name].Origin)
		}
	}
	for cluster := range s.restored {
		if s.members[cluster] == nil {
			s.forgo(cluster) // not wanted any more
		}
		delete(s.restored, cluster)
	}
	s.look()
}

// join begins to watch a member; the lock is held.
func (s *Set) join(m Member) {
	w := newWatcher(s, m, s.restored[m.Name])
	s.members[m.Name] = w
	if s.ctx != nil && !s.ended {
		s.start(w)
	}
}

func (s *Set) start(w *watcher) {
	ctx, cancel := context.WithCancel(s.ctx)
	w.cancel = cancel
	s.running.Go(func() {
		defer close(w.done)
		w.run(ctx)
	})
}

// forgo takes everything of a cluster out of the store.
func (s *Set) forgo(cluster string) {
	snapshot := s.config.Store.Snapshot()
	s.config.Store.Commit(func(tx *store.Tx) {
		for _, k := range snapshot.Kinds() {
			for _, ref := range snapshot.List(k, cluster, "") {
				tx.Delete(ref)
			}
		}
		for _, k := range kind.All() {
			setListed(tx, cluster, k.Ref())
		}
	})
	s.counts.forget(cluster)
}

// Run watches until the context ends.
func (s *Set) Run(ctx context.Context) {
	s.mu.Lock()
	s.ctx = ctx
	for _, w := range s.members {
		s.start(w)
	}
	s.mu.Unlock()
	<-ctx.Done()
	s.mu.Lock()
	s.ended = true
	s.mu.Unlock()
	s.running.Wait()
}

// Settled is closed when there is no point in waiting any longer: everything of every member has been listed or restored, or its
// member does not answer.
func (s *Set) Settled() <-chan struct{} { return s.settled }

// news looks again at what all members have in common.
func (s *Set) news() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.look()
}

// look closes settled, and says that the members are known, when that is so; the lock is held.
func (s *Set) look() {
	settled, placed := s.followed, s.followed
	for _, w := range s.members {
		a, b := w.state()
		settled, placed = settled && a, placed && b
	}
	if placed {
		s.config.Store.Commit(func(tx *store.Tx) { setListed(tx, "", kind.Cluster) })
	}
	if !settled || !placed {
		return
	}
	select {
	case <-s.settled:
	default:
		close(s.settled)
	}
}

// Health is how a member is.
type Health struct {
	Name string
	// Stale: it does not answer. Waiting is what is not known of it yet, and why; "" if everything is.
	Stale   bool
	Waiting string
}

// Health lists the members by name.
func (s *Set) Health() []Health {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []Health
	for _, name := range slices.Sorted(maps.Keys(s.members)) {
		all = append(all, s.members[name].health())
	}
	return all
}

// Member is one of those that are wanted.
func (s *Set) Member(name string) (Member, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if w := s.members[name]; w != nil {
		return w.member, true
	}
	return Member{}, false
}

func (w *watcher) say(lines []string) {
	for _, line := range lines {
		w.set.config.Say("%s", fmt.Sprintf("cluster %s: %s", w.member.Name, line))
	}
}
