package leader_test

import (
	"context"
	"encoding/json"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/tools/leaderelection/resourcelock"

	"github.com/spillway-lb/spillway/internal/leader"
)

// lease is a Lease that replicas share.
type lease struct {
	mu      sync.Mutex
	record  *resourcelock.LeaderElectionRecord
	version int
}

// lock is one replica's way to it, which can be cut.
type lock struct {
	*lease
	name string
	cut  atomic.Bool
	seen int
}

var errCut = errors.New("the network is away")

func (l *lock) Get(context.Context) (*resourcelock.LeaderElectionRecord, []byte, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.cut.Load() {
		return nil, nil, errCut
	}
	if l.record == nil {
		return nil, nil, apierrors.NewNotFound(schema.GroupResource{Resource: "leases"}, "x")
	}
	l.seen = l.version
	copied := *l.record
	raw, err := json.Marshal(copied)
	return &copied, raw, err
}

func (l *lock) Create(_ context.Context, r resourcelock.LeaderElectionRecord) error {
	return l.set(r, true)
}

func (l *lock) Update(_ context.Context, r resourcelock.LeaderElectionRecord) error {
	return l.set(r, false)
}

func (l *lock) set(r resourcelock.LeaderElectionRecord, create bool) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case l.cut.Load():
		return errCut
	case create && l.record != nil, !create && l.seen != l.version:
		return errors.New("conflict")
	}
	l.version++
	l.seen, l.record = l.version, &r
	return nil
}

func (l *lock) RecordEvent(string) {}
func (l *lock) Identity() string   { return l.name }
func (l *lock) Describe() string   { return l.name }

// TestOneOfTwoWrites: never both; when one loses the network, or ends, the other goes on, and knows since when nobody has written.
func TestOneOfTwoWrites(t *testing.T) {
	shared := &lease{}
	var writing, overlaps atomic.Int32
	starts := make(chan string, 10)
	sinces := make(chan time.Time, 10)
	run := func(ctx context.Context, l *lock) chan struct{} {
		done := make(chan struct{})
		elected := leader.New(leader.Config{
			Lock: l, Lease: 2 * time.Second, Renew: time.Second, Retry: 100 * time.Millisecond, Say: t.Logf,
		})
		go func() {
			defer close(done)
			err := elected.Run(ctx, func(ctx context.Context, since time.Time) {
				if writing.Add(1) > 1 {
					overlaps.Add(1)
				}
				starts <- l.name
				sinces <- since
				<-ctx.Done()
				writing.Add(-1)
			})
			if err != nil {
				t.Error(err)
			}
		}()
		return done
	}
	a, b := &lock{lease: shared, name: "a"}, &lock{lease: shared, name: "b"}
	ctxA, endA := context.WithCancel(t.Context())
	ctxB, endB := context.WithCancel(t.Context())
	doneA := run(ctxA, a)
	first := <-starts
	if since := <-sinces; first != "a" || !since.IsZero() {
		t.Errorf("%s leads first; somebody wrote until %v", first, since)
	}
	doneB := run(ctxB, b)
	a.cut.Store(true)
	if second := <-starts; second != "b" {
		t.Errorf("%s leads second", second)
	}
	if since := <-sinces; since.IsZero() {
		t.Error("the second one does not know who wrote before")
	}
	a.cut.Store(false)
	endB()
	<-doneB
	if third := <-starts; third != "a" {
		t.Errorf("%s leads third", third)
	}
	endA()
	<-doneA
	if n := overlaps.Load(); n > 0 {
		t.Errorf("two wrote at a time, %d times", n)
	}
}
