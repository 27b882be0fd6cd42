package serve

import (
	"context"
	"time"

	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
	"github.com/spillway-lb/spillway/internal/recompute"
	"github.com/spillway-lb/spillway/internal/status"
	"github.com/spillway-lb/spillway/internal/store"
	"github.com/spillway-lb/spillway/internal/translate"
)

const (
	// maxHoldOff bounds the pause between rounds, in which changes gather.
	maxHoldOff = 100 * time.Millisecond
	// standinWait bounds the wait for the stand-in controllers; a step of theirs takes well under a millisecond.
	standinWait = 100 * time.Millisecond
	// expiryInterval is how often old events are looked for.
	expiryInterval = time.Minute
)

// computer runs the recompute loop: the first change runs at once; while a round runs, and for as long again, changes
// gather for the next, so that translating never takes more than half of a core's time.
type computer struct {
	store *store.Store
	// await returns when what a revision calls for (Pods, EndpointSlices) has been added.
	await     func(ctx context.Context, revision uint64)
	sub       *store.Subscription
	engine    *recompute.Engine
	publisher *translate.Publisher
	writer    *status.Writer
	model     *model
	planes    *planes
	report    *reporter
	counts    *counts

	statuses *statuses
}

func (c *computer) run(ctx context.Context) {
	expiry := time.NewTicker(expiryInterval)
	defer expiry.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case now := <-expiry.C:
			c.writer.Expire(now)
		case <-c.sub.Ready():
			began := time.Now()
			c.awaitStandin(ctx)
			c.round()
			if !pause(ctx, min(time.Since(began), maxHoldOff)) {
				return
			}
		}
	}
}

func (c *computer) awaitStandin(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, standinWait)
	defer cancel()
	c.await(ctx, c.store.Snapshot().Revision())
}

// pause waits; it returns false if the context ended.
func pause(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}

// round publishes first and writes statuses after that.
func (c *computer) round() {
	began := time.Now()
	snapshot, touched := c.sub.Take()
	c.planes.follow(snapshot, touched)
	round := c.engine.Run(snapshot, touched)
	for _, p := range round.Problems {
		c.counts.broken.Inc()
		c.report.say("internal error: %s: %s", p.Unit, p.Text)
	}
	seq := c.publish(round.Tx)
	c.counts.rounds.Inc()
	c.counts.roundTime.Observe(time.Since(began).Seconds())
	objects, statuses := split(round.Writes)
	c.writer.Apply(objects, touched, time.Now())
	c.statuses.add(seq, statuses)
}

// publish hands a transaction over, without what a proxy would refuse; it returns its number, or 0.
func (c *computer) publish(tx *lbv1.Transaction) uint64 {
	tx, refusals := c.publisher.Check(tx)
	for _, r := range refusals {
		c.counts.unpublished.Inc()
		c.report.say("internal error: not published: %s %s: %s", r.Kind, r.Name, r.Reason)
	}
	if tx == nil {
		return 0
	}
	c.model.apply(tx)
	c.planes.apply(tx)
	return tx.GetSeq()
}

// split takes derived objects apart, which others may be waiting for, from what is said about objects.
func split(changes []recompute.WriteChange) (objects, statuses []recompute.WriteChange) {
	for _, w := range changes {
		if w.Part == recompute.PartObject {
			objects = append(objects, w)
		} else {
			statuses = append(statuses, w)
		}
	}
	return objects, statuses
}

// touches says whether a read key of an object of the kind is among those touched.
func touches(touched []string, kind string) bool {
	for _, read := range touched {
		if ref, ok := store.ObjectOf(read); ok && ref.Kind == kind {
			return true
		}
	}
	return false
}

// everything is the transaction that makes the model from nothing.
func everything(m *lbv1.Model) *lbv1.Transaction {
	return &lbv1.Transaction{Seq: m.GetSeq(), Upserts: m.GetResources()}
}
