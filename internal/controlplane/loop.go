package controlplane

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
	"github.com/spillway-lb/spillway/internal/location"
	"github.com/spillway-lb/spillway/internal/proxy/config"
	"github.com/spillway-lb/spillway/internal/recompute"
	"github.com/spillway-lb/spillway/internal/store"
	"github.com/spillway-lb/spillway/internal/translate"
)

const (
	// maxHoldOff bounds the pause between rounds, in which changes gather.
	maxHoldOff = 100 * time.Millisecond
	// awaitTime bounds the wait for what a revision calls for; a step of the stand-in controllers takes well under a
	// millisecond.
	awaitTime = 100 * time.Millisecond
	// expiryInterval is how often old events are looked for.
	expiryInterval = time.Minute
	// settleTime bounds how long statuses wait for the proxies that they speak of: a new backend service has half a second
	// for its first verdict. What is not there then is said to be pending.
	settleTime = time.Second
	// countInterval is how often at most it is said of many objects how many proxies have them.
	countInterval = 5 * time.Second
	// verdictInterval bounds how often verdicts become facts, so that flapping endpoints cost little.
	verdictInterval = 200 * time.Millisecond
	// maxRepeats bounds the rounds that facts of one settlement may lead to.
	maxRepeats = 5
	// stuckTime is how long a turn of the loop may take: far longer than the first round of the largest fleet does.
	stuckTime = 2 * time.Minute
	// keepInterval is how often at most what is published is handed out to be kept.
	keepInterval = 2 * time.Second
)

// Sink takes what is published: data planes in this process, or a server that they connect to.
type Sink interface {
	// Follow says where proxies are wanted.
	Follow([]config.Location)
	// Apply takes the next transaction, and waits for nobody.
	Apply(*lbv1.Transaction)
}

// Applier takes the writes that units want.
type Applier interface {
	Apply(changes []recompute.WriteChange, touched []string, now time.Time)
	Expire(now time.Time)
}

// Model keeps what is published.
type Model interface {
	Apply(*lbv1.Transaction)
	Get(kind, name string) *lbv1.Resource
}

// Config is what a loop is made of.
type Config struct {
	Store   *store.Store
	Engine  *recompute.Engine
	Model   Model
	Applier Applier
	// Home is a region that is a location without a cluster, or "".
	Home string
	// Await returns when what a revision calls for (Pods, EndpointSlices) has been added to the store; nil: nothing is.
	Await func(ctx context.Context, revision uint64)
	// Inherited is what an earlier process had published, in one transaction; nil for nothing. The engine knows of it.
	Inherited *lbv1.Transaction
	// Keep, if not nil, is given what is published now and then, and by Flush; it returns at once.
	Keep func(seq uint64, units map[recompute.ID]recompute.Published)
	// Look commits the facts about the outside that a round is about to read; nil has none.
	Look func(snapshot *store.Snapshot, touched []string)
	// Say tells an operator what must not happen, and of proxies in trouble.
	Say func(format string, args ...any)
	// Settled, if not nil, is told when what rounds say about objects has been written, if anything.
	Settled func()
	// Now is the clock.
	Now func() time.Time
}

// Loop runs rounds: the first change runs at once; while a round runs, and for as long again, changes gather for the next,
// so that translating never takes more than half of a core's time.
type Loop struct {
	config    Config
	sink      Sink
	publisher *translate.Publisher
	feedback  *feedback
	Metrics   *Metrics

	sub        *store.Subscription
	flush      chan chan struct{}
	foresights chan foresight
	seen       *store.Snapshot // by the last round; nil before the first
	keepAt     time.Time       // when what is published may be kept again
	unkept     bool
	notBefore  time.Time // of the next round
	verdictsAt time.Time // when verdicts may become facts again
	countAt    time.Time // when counts of many may be told again
	counting   bool      // there are some to be told then
	// held are status writes that wait for proxies, until deadline.
	held     []recompute.WriteChange
	deadline time.Time
	spoke    bool              // a round ran since Settled was told
	trouble  map[string]string // by location, its last error
	withheld map[config.Refusal]bool

	// turning is when the turn began that is under way, in nanoseconds of the epoch; 0 between turns.
	turning atomic.Int64

	mu       sync.Mutex // guards progress, which metrics read
	progress *Progress
	holders  *Holders
	failures *Failures
}

// New makes a loop; it hears of data planes before Run. A sink that needs the loop as its feedback is set with To.
func New(c Config) *Loop {
	return &Loop{
		config: c, publisher: translate.NewPublisher(), feedback: newFeedback(), Metrics: newMetrics(), flush: make(chan chan struct{}),
		trouble: map[string]string{}, withheld: map[config.Refusal]bool{}, progress: NewProgress(c.Model.Get),
		holders: NewHolders(c.Model.Get), failures: NewFailures(),
		foresights: make(chan foresight),
	}
}

// To sets where transactions go; it is called once, before Run.
func (l *Loop) To(s Sink) { l.sink = s }

// Run runs rounds until the context ends; the first one is made of everything that is in the store.
func (l *Loop) Run(ctx context.Context) {
	l.publish(l.config.Inherited)
	l.commit(l.holders.Changes()) // who had an address before the restart has it in the first round, too
	l.sub = l.config.Store.Subscribe()
	defer l.config.Store.Unsubscribe(l.sub)
	expiry := time.NewTicker(expiryInterval)
	defer expiry.Stop()
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		now := l.config.Now()
		var ready <-chan struct{}
		if !now.Before(l.notBefore) {
			ready = l.sub.Ready()
		}
		timer.Reset(l.pause(now))
		l.turning.Store(0)
		select {
		case <-ctx.Done():
			return
		case <-expiry.C:
			l.turn()
			l.config.Applier.Expire(l.config.Now())
		case <-timer.C:
		case <-l.feedback.news:
		case kept := <-l.flush:
			l.turn()
			l.keep()
			close(kept)
		case f := <-l.foresights:
			l.foresee(f)
		case <-ready:
			l.turn()
			l.await(ctx)
			l.round()
		}
		l.turn()
		l.hear()
		l.settle()
		l.tellVerdicts()
		if l.unkept && !l.config.Now().Before(l.keepAt) {
			l.keep()
		}
	}
}

// turn notes that a turn is under way.
func (l *Loop) turn() {
	if l.turning.Load() == 0 {
		l.turning.Store(l.config.Now().UnixNano())
	}
}

// Stuck says that the loop hangs: what changes in the store reaches nobody any more.
func (l *Loop) Stuck() bool {
	began := l.turning.Load()
	return began != 0 && l.config.Now().Sub(time.Unix(0, began)) > stuckTime
}

// Flush hands out what is published, to be kept, and returns then. It does nothing when the loop does not run.
func (l *Loop) Flush(ctx context.Context) {
	kept := make(chan struct{})
	select {
	case l.flush <- kept:
		<-kept
	case <-ctx.Done():
	}
}

func (l *Loop) keep() {
	if l.config.Keep != nil {
		began := l.config.Now()
		l.config.Keep(l.config.Engine.Published())
		now := l.config.Now()
		// Gathering takes no more than a twentieth of a core's time.
		l.keepAt = now.Add(max(keepInterval, 20*now.Sub(began)))
	}
	l.unkept = false
}

// pause is how long nothing is due but news.
func (l *Loop) pause(now time.Time) time.Duration {
	pause := time.Hour
	due := func(at time.Time) {
		if wait := at.Sub(now); wait > 0 {
			pause = min(pause, wait)
		}
	}
	due(l.notBefore)
	if len(l.held) > 0 {
		due(l.deadline)
	}
	if l.feedback.anyVerdicts() {
		due(l.verdictsAt)
	}
	if l.counting {
		due(l.countAt)
	}
	if l.unkept {
		due(l.keepAt)
	}
	return pause
}

// await gives the stand-in controllers time to answer what a round is about to see.
func (l *Loop) await(ctx context.Context) {
	if l.config.Await == nil {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, awaitTime)
	defer cancel()
	l.config.Await(ctx, l.config.Store.Snapshot().Revision())
}

// round translates what changed and publishes it. What it says about objects is held back.
func (l *Loop) round() {
	began := l.config.Now()
	snapshot, touched := l.take()
	if len(touched) == 0 {
		return
	}
	round := l.config.Engine.Run(snapshot, touched)
	l.seen = snapshot
	for _, p := range round.Problems {
		l.Metrics.broken.Inc()
		l.config.Say("internal error: %s: %s", p.Unit, p.Text)
	}
	l.publish(round.Tx)
	// New proxies start with all that is published; after the first round that is nothing of an earlier process's any more.
	if concernsClusters(touched) {
		l.sink.Follow(Locations(snapshot, l.config.Home))
		l.hear()
	}
	l.unkept = true
	l.Metrics.rounds.Inc()
	now := l.config.Now()
	l.Metrics.roundTime.Observe(now.Sub(began).Seconds())
	objects, statuses := split(round.Writes)
	l.config.Applier.Apply(objects, touched, now)
	if len(l.held) == 0 {
		l.deadline = now.Add(settleTime)
	}
	l.held, l.spoke = append(l.held, statuses...), true
	l.notBefore = now.Add(min(now.Sub(began), maxHoldOff))
}

// take returns what changed, with the facts about the outside that it calls for.
func (l *Loop) take() (*store.Snapshot, []string) {
	snapshot, touched := l.sub.Take()
	if l.config.Look == nil || len(touched) == 0 {
		return snapshot, touched
	}
	l.config.Look(snapshot, touched)
	snapshot, more := l.sub.Take()
	return snapshot, append(touched, more...)
}

// publish hands a transaction over, without what a proxy would refuse.
func (l *Loop) publish(tx *lbv1.Transaction) {
	if tx == nil {
		return
	}
	tx, refusals := l.publisher.Check(tx)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.withhold(refusals)
	if tx == nil {
		return
	}
	l.progress.Publish(tx)
	l.holders.Publish(tx)
	l.config.Model.Apply(tx)
	l.sink.Apply(tx)
}

// withhold takes what the publisher holds back now, and tells what is new of it.
func (l *Loop) withhold(refusals []config.Refusal) {
	now := make(map[config.Refusal]bool, len(refusals))
	var all []Withheld
	for _, r := range refusals {
		now[r] = true
		all = append(all, Withheld{Refusal: r, Resource: l.publisher.Waiting(r.Kind, r.Name)})
		if !l.withheld[r] {
			l.Metrics.unpublished.Inc()
			l.config.Say("internal error: not published: %s %s: %s", r.Kind, r.Name, r.Reason)
		}
	}
	l.withheld = now
	l.progress.Withhold(all)
}

// hear takes what the data planes said.
func (l *Loop) hear() {
	events := l.feedback.takeEvents()
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, e := range events {
		switch e.kind {
		case opened:
			l.progress.Open(e.location)
		case closed:
			l.progress.Close(e.location)
			l.failures.Close(e.location)
			delete(l.trouble, e.location)
		case reported:
			l.progress.Report(e.report)
			l.failures.Report(e.report.Location, e.report.Failing)
			l.complain(e)
		}
	}
}

// complain tells a location's error once.
func (l *Loop) complain(e event) {
	text := ""
	if e.report.Trouble != nil {
		text = e.report.Trouble.Error()
	}
	if len(e.report.Refused) > 0 {
		l.Metrics.refused.WithLabelValues(location.Region(e.location)).Inc()
	}
	if text != "" && text != l.trouble[e.location] {
		l.config.Say("the proxy in %s: %s", e.location, text)
	}
	l.trouble[e.location] = text
}

// settle says what is held back when the proxies have dealt with it, or its time is over; what they know becomes facts
// first, and units speak again on those.
func (l *Loop) settle() {
	for range maxRepeats {
		changes, ok := l.settled()
		if !ok {
			return
		}
		if len(changes) == 0 {
			break
		}
		l.commit(changes)
		l.round()
	}
	if len(l.held) > 0 {
		l.config.Applier.Apply(stillWanted(l.held), nil, l.config.Now())
		l.held = nil
	}
	if l.spoke && l.config.Settled != nil {
		l.config.Settled()
	}
	l.spoke = false
}

// settled returns the facts that changed, unless proxies still have time.
func (l *Loop) settled() (changes []FactChange, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.held) > 0 && !l.progress.Settled() {
		if l.config.Now().Before(l.deadline) {
			return nil, false
		}
		l.progress.Hurry()
	}
	exact := !l.config.Now().Before(l.countAt)
	changes = slices.Concat(l.progress.Changes(exact), l.holders.Changes(), l.failures.Changes())
	if l.counting = l.progress.Counting(); exact && len(changes) > manyCounts {
		l.countAt = l.config.Now().Add(countInterval)
	}
	return changes, true
}

func (l *Loop) commit(changes []FactChange) {
	if len(changes) == 0 {
		return
	}
	l.config.Store.Commit(func(tx *store.Tx) {
		for _, c := range changes {
			tx.SetFact(c.Fact, c.Value)
		}
	})
}

// tellVerdicts makes facts of verdicts, now and then.
func (l *Loop) tellVerdicts() {
	now := l.config.Now()
	if now.Before(l.verdictsAt) || !l.feedback.anyVerdicts() {
		return
	}
	verdicts := l.feedback.takeVerdicts()
	l.config.Store.Commit(func(tx *store.Tx) {
		for f, value := range verdicts {
			tx.SetFact(f, value)
		}
	})
	l.verdictsAt = now.Add(verdictInterval)
}

// Taken is the newest transaction that each location has dealt with.
func (l *Loop) Taken() map[string]uint64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.progress.Taken()
}

// split takes derived objects apart, which others may be waiting for, from what is said about objects.
func split(changes []recompute.WriteChange) (objects, statuses []recompute.WriteChange) {
	at := slices.IndexFunc(changes, func(w recompute.WriteChange) bool { return w.Part != recompute.PartObject })
	if at < 0 {
		return changes, nil
	}
	for _, w := range changes {
		if w.Part == recompute.PartObject {
			objects = append(objects, w)
		} else {
			statuses = append(statuses, w)
		}
	}
	return objects, statuses
}
