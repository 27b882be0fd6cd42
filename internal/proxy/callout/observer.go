package callout

import (
	"context"
	"io"
	"strconv"
	"sync"
	"time"

	"github.com/spillway-lb/spillway/internal/proxy/callout/frame"
	"github.com/spillway-lb/spillway/internal/proxy/extension"
	"github.com/spillway-lb/spillway/internal/proxy/header"
	"github.com/spillway-lb/spillway/internal/proxy/message"
)

const (
	// maxObserved is how much waits for a callout that observes and is slower than the exchange; with more it sees no more.
	maxObserved = 256 << 10
	// observerGrace is what it gets to take the rest when the exchange has ended.
	observerGrace = 5 * time.Second
)

// observer shows an exchange to a callout aside: nothing waits for it, and what it answers counts for nothing.
type observer struct {
	extension.Pass
	settings   *Settings
	x          extension.Exchange
	attributes []byte
	core       core

	mu       sync.Mutex
	changed  *sync.Cond
	queue    []byte // framed messages
	begun    bool
	ended    bool
	overflow bool
	err      error
	endpoint string
	cancel   context.CancelFunc
}

func newObserver(s *Settings, x extension.Exchange) *observer {
	o := &observer{settings: s, x: x, core: s.core()}
	o.changed = sync.NewCond(&o.mu)
	return o
}

// Request implements extension.Filter.
func (o *observer) Request(q *extension.Request) error {
	o.attributes = appendAttributes(nil, o.settings.attributes, o.x, q)
	return o.handle(request, requestFields{q}, pseudoOfRequest(q), endsRequest(q))
}

// Response implements extension.Filter.
func (o *observer) Response(r *extension.Response) error {
	return o.handle(response, responseFields{r}, pseudoOfResponse(r), !r.HasBody())
}

func (o *observer) handle(s side, m subject, pseudo []pair, ends bool) error {
	side := &o.core.sides[s]
	if side.head {
		list := selected{m, o.settings.forward}
		o.show(func(dst []byte) []byte { return appendHead(dst, s, pseudo, list, ends) })
	}
	if ends || !side.body && !side.tail {
		return nil
	}
	return allowed(m.SetBody(&observed{Body: m.Body(), o: o, side: s}, lengthOf(m)))
}

// observed is a body that is shown as it passes.
type observed struct {
	message.Body
	o    *observer
	side side
	over bool
}

// Ready reports whether Next returns at once.
func (b *observed) Ready() bool { return message.Ready(b.Body) }

// Next implements message.Body.
func (b *observed) Next() ([]byte, error) {
	p, err := b.Body.Next()
	side := &b.o.core.sides[b.side]
	last := err == io.EOF
	if b.over || err != nil && !last {
		return p, err
	}
	b.over = last
	var trailers *header.Map
	if last && side.tail {
		trailers = b.Body.Trailers()
	}
	if side.body && (len(p) > 0 || last && trailers == nil) {
		b.o.show(func(dst []byte) []byte { return appendChunk(dst, b.side, p, last && trailers == nil) })
	}
	if trailers != nil {
		list := selected{extension.NewTrailers(trailers, b.o.settings.Policy), b.o.settings.forward}
		b.o.show(func(dst []byte) []byte { return appendTail(dst, b.side, list) })
	}
	return p, err
}

// show queues a message.
func (o *observer) show(encode func(dst []byte) []byte) {
	o.mu.Lock()
	defer o.mu.Unlock()
	switch {
	case o.overflow, o.err != nil:
		return
	case len(o.queue) > maxObserved:
		o.overflow = true
		o.x.Count("observer_overflow")
		return
	}
	at := len(o.queue)
	o.queue = append(encode(frame.Begin(o.queue)), o.settings.common...)
	if !o.begun {
		o.queue = append(append(o.queue, o.settings.first...), o.attributes...)
	}
	o.queue = frame.End(o.queue, at)
	if !o.begun {
		o.begun = true
		o.run()
	}
	o.changed.Broadcast()
}

// run sends what is queued, beside the exchange and for a while after it. mu is held.
func (o *observer) run() {
	ctx, cancel := context.WithCancel(context.Background())
	o.cancel = cancel
	dial := o.settings.dialerIn(o.x, func() context.Context { return ctx })
	guard := o.x.Caller().Guard
	go func() {
		defer guard.Recover("observer", nil)
		defer cancel()
		p, err := dial()
		if err != nil {
			o.fail(err)
			return
		}
		defer p.Close()
		answers := make(chan struct{})
		go func() {
			defer close(answers)
			defer guard.Recover("observer", nil)
			for err := error(nil); err == nil; {
				_, err = p.Receive()
			}
		}()
		if err := o.sendAll(p); err != nil {
			o.fail(failureOf(err))
			p.Cancel()
		}
		<-answers // ctx bounds that
	}()
}

// sendAll sends what is queued until the exchange has ended.
func (o *observer) sendAll(p pipe) error {
	o.mu.Lock()
	o.endpoint = p.Endpoint()
	o.mu.Unlock()
	for {
		batch, ok := o.next()
		if !ok {
			return p.CloseSend()
		}
		if err := p.Send(batch); err != nil {
			return err
		}
	}
}

// next waits for what is to be sent.
func (o *observer) next() ([]byte, bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for len(o.queue) == 0 && !o.ended && !o.overflow {
		o.changed.Wait()
	}
	batch := o.queue
	o.queue = nil
	return batch, len(batch) > 0
}

func (o *observer) fail(err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.err, o.queue = err, nil
}

// End implements extension.Filter.
func (o *observer) End(extension.Outcome) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.ended = true
	o.changed.Broadcast()
	if !o.begun {
		return
	}
	if o.err != nil {
		_ = extension.NewFailing(o.x, true).Fail(o.err) // tells it
	}
	if o.endpoint != "" {
		o.x.Log("endpoint", o.endpoint)
		o.x.Worked()
	}
	o.x.Log("observed", strconv.FormatBool(o.err == nil && !o.overflow))
	cancel := o.cancel
	time.AfterFunc(observerGrace, cancel)
}
