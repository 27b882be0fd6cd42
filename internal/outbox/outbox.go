package outbox

import (
	"context"
	"sync"
	"time"

	"k8s.io/client-go/dynamic"

	"github.com/spillway-lb/spillway/internal/guard"
	"github.com/spillway-lb/spillway/internal/store"
)

// Config is what an outbox works with.
type Config struct {
	Store *store.Store
	// Clients has a client for a cluster's API server, if there is one.
	Clients func(cluster string) (dynamic.Interface, bool)
	Owner   Owner
	Limits  Limits
	Now     func() time.Time
	// Guard keeps a panic in one request from ending the process; nil does so without a word.
	Guard *guard.Guard
	// Say tells an operator what an API server does not take.
	Say func(format string, args ...any)
}

// Outbox writes for one store. Make one with New.
type Outbox struct {
	config  Config
	Metrics *Metrics
	client  *client
}

// New makes an outbox. Nothing is written before Run.
func New(c Config) *Outbox {
	return &Outbox{config: c, Metrics: newMetrics(), client: newClient(c.Clients)}
}

// requestTime bounds a request, also one that is in flight when writing has to end.
const requestTime = 10 * time.Second

// Run writes until the context ends, and returns when what was in flight has ended. What happened before since has been told by who
// wrote before; zero is nobody.
func (o *Outbox) Run(ctx context.Context, since time.Time) {
	owner := o.config.Owner
	owner.Since = since
	core := NewCore(owner, o.config.Limits)
	core.Trouble = o.trouble
	sub := o.config.Store.Subscribe()
	defer o.config.Store.Unsubscribe(sub)
	defer o.Metrics.waiting.Set(0)
	answers := make(chan answer)
	var flying sync.WaitGroup
	inFlight := 0
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		now := o.config.Now()
		if ctx.Err() == nil {
			for _, op := range core.Next(now) {
				inFlight++
				flying.Go(func() { answers <- answer{op, o.do(ctx, op)} })
			}
		}
		o.Metrics.waiting.Set(float64(core.Waiting()))
		if at, ok := core.Due(now); ok {
			timer.Reset(at.Sub(now))
		}
		select {
		case <-ctx.Done():
			for range inFlight {
				a := <-answers
				o.count(a)
			}
			flying.Wait()
			return
		case <-sub.Ready():
			observe(core, sub)
		case a := <-answers:
			inFlight--
			o.count(a)
			core.Done(o.config.Now(), a.op, a.result)
		case <-timer.C:
		}
	}
}

type answer struct {
	op     *Op
	result Result
}

// observe tells the core which entries are others.
func observe(core *Core, sub *store.Subscription) {
	snapshot, touched := sub.Take()
	seen := map[store.Ref]struct{}{}
	for _, read := range touched {
		for _, of := range []func(string) (store.Ref, bool){store.ObjectOf, store.StatusOf, store.WrittenOf} {
			ref, ok := of(read)
			if !ok {
				continue
			}
			if _, again := seen[ref]; !again {
				seen[ref] = struct{}{}
				core.Observe(ref, snapshot.Get(ref))
			}
			break
		}
	}
}

// do sends a request. One that has begun is not given up because writing has to end.
func (o *Outbox) do(ctx context.Context, op *Op) (r Result) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), requestTime)
	defer cancel()
	defer o.config.Guard.Recover("outbox", func() { r = Result{Class: Failed, Text: "internal error"} })
	return o.client.do(ctx, op)
}

func (o *Outbox) count(a answer) {
	o.Metrics.requests.WithLabelValues(string(a.op.Verb), a.op.Ref.Kind, a.result.Class.String()).Inc()
}

func (o *Outbox) trouble(about store.Ref, class Class, text string) {
	if class == Unserved {
		return // a CRD that a cluster does not have is no fault; who asks for it sees that kubectl does not know it
	}
	o.config.Say("%s cannot be written: %s: %s", about, class, text)
}
