package exchange

import (
	"context"
	"errors"
	"time"

	"github.com/spillway-lb/spillway/internal/proxy/accesslog"
	"github.com/spillway-lb/spillway/internal/proxy/balance"
	"github.com/spillway-lb/spillway/internal/proxy/call"
	"github.com/spillway-lb/spillway/internal/proxy/header"
	"github.com/spillway-lb/spillway/internal/proxy/message"
	"github.com/spillway-lb/spillway/internal/proxy/transport"
	"github.com/spillway-lb/spillway/internal/proxy/upstream"
)

const (
	// maxTried is the number of endpoints that are remembered, so that further attempts avoid them.
	maxTried = 8
)

// attempt is one try at one endpoint.
type attempt struct {
	call.Call
	deadline int64 // in the clock's time; 0 is none
	pump     *pump
	err      error
	refused  bool // a stream was, unseen
	// slowClient says that time ran out while the request's body was awaited: no fault of the backend.
	slowClient bool
}

// try makes attempts until one brings the head of an answer that is good enough, which it leaves in x.Answer with the
// stream open in x.current. false: it has answered locally.
func (x *Exchange) try() bool {
	if !x.service.TryAcquire(balance.Requests) {
		x.overflow()
		return false
	}
	x.counted = true
	x.pick.Request = &x.Sent
	x.pick.ClientIP, x.pick.ClientPort = x.address.Addr(), x.address.Port()
	if x.rule != nil {
		x.pick.Persistence = x.rule.Persistence
	}
	for {
		if !x.attempt() {
			return false
		}
		if x.settle() {
			return x.current.err == nil
		}
	}
}

// attempt makes one. false: there was no endpoint to try, and it has answered locally.
func (x *Exchange) attempt() bool {
	at := x.start
	if x.attempts > 0 {
		at = x.now()
	}
	x.pick.Now, x.pick.Wall = x.engine.Caller.Since(at), x.start.Unix()
	x.pick.Tried = x.tried[:min(x.attempts, maxTried)]
	x.current = attempt{Call: call.Call{Service: x.derived}, deadline: x.attemptDeadline()}
	if s := x.scope; s != nil {
		x.pick.Chosen = s.endpoint(x.service, x.attempts, x.pick.Now)
	}
	if x.current.Choose(x.service, &x.pick) != nil {
		x.answerLocally(503, []byte(bodyUnhealthy), accesslog.FailedToPickBackend)
		return false
	}
	x.endpoint = x.current.Endpoint
	x.watch.endpoint.Store(x.endpoint)
	if x.attempts < maxTried {
		x.tried[x.attempts] = x.endpoint
	}
	x.attempts++
	x.shard.Begin(x.derived.Counts)
	x.current.err = x.engine.Caller.Open(&x.current.Call, (*sender)(x), x.waits, x.service)
	return true
}

// sender sends the current attempt's request (call.Sender).
type sender Exchange

// Send implements call.Sender.
func (s *sender) Send(upstream.Stream) error {
	x := (*Exchange)(s)
	return x.exchangeHeads(&x.current)
}

// Resend implements call.Sender.
func (s *sender) Resend() bool {
	x := (*Exchange)(s)
	if !x.takeBack(&x.current) {
		return false
	}
	x.current.refused = true
	x.closeStream(&x.current)
	x.Answer.Reset()
	return true
}

// exchangeHeads runs one request on one stream up to the head of the answer.
func (x *Exchange) exchangeHeads(a *attempt) error {
	if !x.watch.attach(a.Stream) {
		return transport.ErrTimeout
	}
	a.Stream.Arm(a.deadline)
	x.sentAt = x.now()
	x.Answer.Informational = x.informed
	if x.body.whole() {
		n := len(x.body.kept)
		x.Sent.ContentLength = int64(n)
		if n == 0 || a.Stream.Takes(n) {
			return a.Stream.RoundTrip(&x.Sent, x.body.kept, &x.Answer)
		}
	}
	if err := a.Stream.SendHead(&x.Sent); err != nil {
		return err
	}
	a.pump = x.startPump(a.Stream)
	err := a.Stream.ReadHead(&x.Sent, &x.Answer)
	if err != nil && a.pump != nil {
		a.slowClient = errors.Is(err, transport.ErrTimeout) && x.awaitsClient(a.pump)
		x.joinPump(a)
	}
	return err
}

// awaitsClient reports whether it is the client's turn: it has not sent all of the request, and nothing it may wait for
// is missing, such as a 100, or the messages of a gRPC server.
func (x *Exchange) awaitsClient(p *pump) bool {
	_, expects := x.Sent.Header.Get(header.Expect)
	if s := x.scope; s != nil && s.replaced && !s.upload.busy() {
		return false // it is a filter's
	}
	return p.waiting.Load() && (!expects || x.continued) && !x.isGRPC()
}

// attemptDeadline is the earlier of the exchange's and the attempt's own.
func (x *Exchange) attemptDeadline() int64 {
	at := x.deadline
	if x.perTry > 0 {
		if own := x.engine.in(x.perTry); at == 0 || own < at {
			at = own
		}
	}
	return at
}

// waiting bounds the wait for a connection (upstream.Waiting): by the attempt's deadline, and by the exchange's end.
func (x *Exchange) waiting() (context.Context, context.CancelFunc) {
	var ctx context.Context
	var cancel context.CancelFunc
	if at := x.current.deadline; at == 0 {
		ctx, cancel = context.WithCancel(context.Background())
	} else {
		ctx, cancel = context.WithTimeout(context.Background(), time.Duration(at-x.engine.Caller.Clock.Now()))
	}
	x.watch.connecting(cancel)
	return ctx, cancel
}

// timeLeft reports whether the exchange may go on.
func (x *Exchange) timeLeft() bool {
	return x.deadline == 0 || x.engine.Caller.Clock.Now() < x.deadline
}

// informational passes a 1xx on.
func (x *Exchange) informational(status int, h *header.Map) {
	if s := x.scope; s != nil {
		res := message.Response{Status: status, Header: *h}
		passed := s.filterInformational(&res)
		*h = res.Header
		if !passed {
			x.current.Stream.Interrupt()
			return
		}
	}
	if status == 100 {
		if x.continued {
			return // it has been told
		}
		x.continued = true
	}
	x.down.Informational(status, h)
}

// release ends an attempt.
func (x *Exchange) release(a *attempt) {
	if s := x.scope; s != nil {
		s.download.end(func() { a.Stream.Interrupt() })
	}
	if b := x.Answer.Response.Body; b != nil {
		b.Close()
		x.Answer.Response.Body = nil
	}
	if s := x.scope; s != nil && s.answer != nil {
		s.answer.Close()
		s.answer = noBody{}
	}
	x.closeStream(a)
	if a.Endpoint != nil {
		a.Close()
		x.shard.End(x.derived.Counts)
	}
}
