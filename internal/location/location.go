// Package location runs one location of the fleet: a proxy and the prober whose verdicts it obeys.
//
// In: the control plane's transactions. Out: published roots, and for each transaction a word on how it ended. A root is
// published when the backend services that were not in use before have a first verdict, or after a bounded time, so that
// an edit to a never-used Service gives no burst of 503.
//
//	l := location.New(location.Config{Root: p.Root(), Prober: prober, Publish: p.Commit})
//	go l.Run(ctx)
//	l.Apply(tx)
package location

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
	"github.com/spillway-lb/spillway/internal/proxy/config"
)

// firstVerdictWait bounds the wait for first verdicts. A probe on a local network takes about a millisecond; an endpoint
// that says nothing for this long would not have served its first requests either.
const firstVerdictWait = 500 * time.Millisecond

// publishRetry is how long after a publication that did not work in whole it is tried again: a port may have come free,
// an address come to the machine.
const publishRetry = 5 * time.Second

// againPause is the least time between two tries of what cannot do its part. A try that is refused doubles it, up to
// againLongest: nothing but a transaction may ever help.
const (
	againPause   = time.Second
	againLongest = time.Minute
)

// verdictPoll is how often the wait looks.
const verdictPoll = 500 * time.Microsecond

// Prober probes the endpoints of the newest root.
type Prober interface {
	Follow(*config.Root)
}

// Config says what a location is made of.
type Config struct {
	// Root is where it starts: the proxy's own.
	Root   *config.Root
	Prober Prober
	// Publish puts a root in force. Its error names what did not work of it (a port that could not be bound).
	Publish func(*config.Root) error
	// Partly, if not nil, says what Publish could do in another way only than it was to (a port bound in another's place),
	// which is no error; "" is nothing.
	Partly func() string
	// Retry is how long after an error, or while something is done partly, Publish gets the same root again, without a
	// transaction; 0 is 5 s.
	Retry time.Duration
	// Applied, if not nil, is told how every step ended, and of a retry that changed something: the number of the newest
	// transaction in force, and what does not work of it: Publish's error, why something could not be tried again, and a *config.Refused with the resources that are
	// in quarantine and the number of the newest transaction that was dealt with, joined; or nil.
	Applied func(seq uint64, err error)
}

// Location applies transactions one after the other. Make one with New.
type Location struct {
	config Config

	// Owned by Run:
	root       *config.Root
	quarantine config.Quarantine
	dealt      uint64        // the newest transaction that is in force but for what is in quarantine
	failure    error         // Publish's last
	stuck      error         // why what cannot do its part could not even be tried again
	pause      time.Duration // from the last such try to the next

	mu      sync.Mutex
	pending *lbv1.Transaction // not applied yet, merged
	ready   chan struct{}
	speak   chan struct{} // receives when it is to say again how things are
}

// New makes a location; Run sets it going.
func New(c Config) *Location {
	if c.Applied == nil {
		c.Applied = func(uint64, error) {}
	}
	if c.Retry == 0 {
		c.Retry = publishRetry
	}
	return &Location{config: c, root: c.Root, ready: make(chan struct{}, 1), speak: make(chan struct{}, 1)}
}

// Apply hands over the next transaction and does not wait for it.
func (l *Location) Apply(tx *lbv1.Transaction) {
	l.mu.Lock()
	l.pending = merge(l.pending, tx)
	l.mu.Unlock()
	select {
	case l.ready <- struct{}{}:
	default:
	}
}

// Speak has Applied told again how things are, because of what has changed beside transactions. It waits for nothing.
func (l *Location) Speak() {
	select {
	case l.speak <- struct{}{}:
	default:
	}
}

// Run applies transactions until the context ends.
func (l *Location) Run(ctx context.Context) {
	// When it is time: transactions, which may come without a pause, do not put it off.
	var retryAt, againFrom time.Time
	for {
		var retry, again <-chan time.Time
		switch {
		case l.amiss() == "":
			retryAt = time.Time{}
		case retryAt.IsZero():
			retryAt = time.Now().Add(l.config.Retry)
			fallthrough
		default:
			retry = time.After(time.Until(retryAt))
		}
		if at, ok := l.root.AgainAt(); ok {
			again = time.After(max(time.Until(at), time.Until(againFrom)))
		}
		select {
		case <-ctx.Done():
			return
		case <-l.ready:
			l.step(ctx)
		case <-l.speak:
			l.tell()
		case <-retry:
			retryAt = time.Time{}
			l.retry()
		case now := <-again:
			l.again(now)
			againFrom = now.Add(l.pause)
		}
	}
}

// step applies what is pending and publishes the result.
func (l *Location) step(ctx context.Context) {
	tx := l.take()
	if tx == nil {
		return
	}
	l.dealt = max(l.dealt, tx.GetSeq())
	if next, applied := l.quarantine.Apply(l.root, tx); applied != nil {
		l.config.Prober.Follow(next)
		AwaitVerdicts(ctx, next)
		l.root, l.failure, l.stuck = next, l.config.Publish(next), nil
	}
	l.tell()
}

// retry publishes the root again, and tells what has become different.
func (l *Location) retry() {
	was := l.amiss()
	l.failure = l.config.Publish(l.root)
	if l.amiss() != was {
		l.tell()
	}
}

// amiss is what another publication of the same root may mend, or "".
func (l *Location) amiss() string {
	text := ""
	if l.failure != nil {
		text = l.failure.Error() + "\n"
	}
	if l.config.Partly != nil {
		text += l.config.Partly()
	}
	return text
}

// again tries what could not do its part, such as a plugin that did not start. What became of it is a new root's, as it says when
// the next try is due. A try that is refused is told once, and leaves the root in force.
func (l *Location) again(now time.Time) {
	next, err := l.root.Again(now)
	if err != nil {
		err = fmt.Errorf("what cannot do its part cannot be tried again: %w", err)
	}
	l.pause = nextPause(l.pause, min(againPause, l.config.Retry), err != nil)
	switch {
	case err != nil:
		if l.stuck == nil || l.stuck.Error() != err.Error() {
			l.stuck = err
			l.tell()
		}
	case next != nil:
		l.config.Prober.Follow(next)
		l.root, l.failure, l.stuck = next, l.config.Publish(next), nil
		l.tell()
	}
}

// nextPause is how long after a try the next may be.
func nextPause(last, shortest time.Duration, refused bool) time.Duration {
	if !refused {
		return shortest
	}
	return min(max(2*last, shortest), againLongest)
}

// tell says how things are. A transaction of which nothing was for this location is in force with nothing done.
func (l *Location) tell() {
	seq, refused := l.root.Seq(), l.refused()
	if refused == nil {
		seq = max(seq, l.dealt)
	}
	l.config.Applied(seq, errors.Join(l.failure, l.stuck, refused))
}

// refused is what is in quarantine, or nil.
func (l *Location) refused() error {
	if refusals := l.quarantine.Refusals(); len(refusals) > 0 {
		return &config.Refused{Seq: l.dealt, Resources: refusals}
	}
	return nil
}

func (l *Location) take() *lbv1.Transaction {
	l.mu.Lock()
	defer l.mu.Unlock()
	tx := l.pending
	l.pending = nil
	return tx
}

// AwaitVerdicts waits until no backend service that the root brought is without any verdict, for a bounded time.
func AwaitVerdicts(ctx context.Context, root *config.Root) {
	if len(root.Awaiting()) == 0 {
		return
	}
	bound := time.NewTimer(firstVerdictWait)
	defer bound.Stop()
	poll := time.NewTicker(verdictPoll)
	defer poll.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-bound.C:
			return
		case <-poll.C:
			if len(root.Awaiting()) == 0 {
				return
			}
		}
	}
}
