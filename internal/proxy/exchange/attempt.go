package exchange

import (
	"context"
	"errors"
	"time"

	"github.com/spillway-lb/spillway/internal/proxy/accesslog"
	"github.com/spillway-lb/spillway/internal/proxy/balance"
	"github.com/spillway-lb/spillway/internal/proxy/header"
	"github.com/spillway-lb/spillway/internal/proxy/http1"
	"github.com/spillway-lb/spillway/internal/proxy/transport"
	"github.com/spillway-lb/spillway/internal/proxy/upstream"
)

const (
	// maxTried is the number of endpoints that are remembered, so that further attempts avoid them.
	maxTried = 8
)

// attempt is one try at one endpoint.
type attempt struct {
	endpoint *balance.Endpoint
	deadline int64 // in the clock's time; 0 is none
	stream   upstream.Stream
	pump     *pump
	err      error
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
	x.pick.ClientIP, x.pick.ClientPort = x.client.Peer.Addr(), x.client.Peer.Port()
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
	x.pick.Now, x.pick.Wall = x.srv.since(at), x.start.Unix()
	x.pick.Tried = x.tried[:min(x.attempts, maxTried)]
	endpoint, err := x.service.Pick(&x.pick)
	if err != nil {
		x.derived.counts.Unpicked.Inc()
		x.answerLocally(503, []byte(bodyUnhealthy), accesslog.FailedToPickBackend)
		return false
	}
	if x.attempts < maxTried {
		x.tried[x.attempts] = endpoint
	}
	x.attempts++
	x.endpoint = endpoint
	x.current = attempt{endpoint: endpoint, deadline: x.attemptDeadline()}
	endpoint.Acquire()
	x.shard.Begin(x.derived.counts)
	x.current.err = x.send(&x.current)
	return true
}

// send opens a stream, sends the request, and reads the head of the answer. Connections that went stale while idle, and
// streams that were refused, do not count: the next is taken, and after a few of them a new one.
func (x *Exchange) send(a *attempt) error {
	pool, err := x.srv.poolOf(a.endpoint, x.derived)
	if err != nil {
		return err
	}
	for stale := 0; ; stale++ {
		stream, err := pool.Open(x.waits, stale < 3, x.service)
		if err != nil {
			return err
		}
		a.stream = stream
		err = x.exchangeHeads(a)
		if err != upstream.ErrUnsent || stale >= 4 || !x.sendable(a) {
			return err
		}
		x.closeStream(a)
		x.Answer.Reset()
	}
}

// sendable reports whether the request can be sent again whole: what went out of the body is kept, and nothing reads
// what is left of it.
func (x *Exchange) sendable(a *attempt) bool {
	return x.body.replayable() && (a.pump == nil || a.pump.stopped())
}

// exchangeHeads runs one request on one stream up to the head of the answer.
func (x *Exchange) exchangeHeads(a *attempt) error {
	if !x.watch.attach(a.stream) {
		return transport.ErrTimeout
	}
	a.stream.Arm(a.deadline)
	x.sentAt = x.now()
	x.Answer.Informational = x.informed
	if x.body.whole() {
		x.Sent.ContentLength = int64(len(x.body.kept))
		return a.stream.RoundTrip(&x.Sent, x.body.kept, &x.Answer)
	}
	if err := a.stream.SendHead(&x.Sent); err != nil {
		return upstream.ErrUnsent
	}
	a.pump = x.startPump(a.stream)
	err := a.stream.ReadHead(&x.Sent, &x.Answer)
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
	return p.waiting.Load() && (!expects || x.continued) && !x.isGRPC()
}

// attemptDeadline is the earlier of the exchange's and the attempt's own.
func (x *Exchange) attemptDeadline() int64 {
	at := x.deadline
	if x.perTry > 0 {
		if own := x.srv.Clock.In(x.perTry); at == 0 || own < at {
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
		ctx, cancel = context.WithTimeout(context.Background(), time.Duration(at-x.srv.Clock.Now()))
	}
	x.watch.connecting(cancel)
	return ctx, cancel
}

// timeLeft reports whether the exchange may go on.
func (x *Exchange) timeLeft() bool { return x.deadline == 0 || x.srv.Clock.Now() < x.deadline }

// informational passes a 1xx on.
func (x *Exchange) informational(status int, h *header.Map) {
	x.continued = x.continued || status == 100
	x.down.Informational(status, h)
}

// settle decides what an attempt's outcome means. true: it is final. A failed one has been answered then.
func (x *Exchange) settle() bool {
	a := &x.current
	now := x.now()
	x.observe(a, x.srv.since(now))
	if a.err == nil {
		x.headAt = now
		if !x.retryStatus() {
			return true
		}
	}
	if why := x.watch.why(); why != notEnded {
		owed := a.pump != nil && a.pump.owed()
		x.release(a)
		x.answerEnded(why, owed)
		return true
	}
	again := a.err == nil || x.retryError(a)
	if again && x.mayRetry(a) {
		x.release(a)
		x.Answer.Reset()
		x.derived.counts.Retries.Inc()
		x.backoff()
		return false
	}
	if a.err == nil {
		return true // the answer stands, though a retry was wanted
	}
	x.failed(a)
	return true
}

// observe tells outlier detection.
func (x *Exchange) observe(a *attempt, now time.Duration) {
	outcome := balance.Success
	switch ended := x.watch.why() != notEnded; {
	case connectFailure(a.err) != nil && !ended:
		outcome = balance.ConnectFailure
		x.derived.counts.ConnectFailures.Inc()
	case a.err == upstream.ErrOverflow, a.slowClient:
	case a.err != nil && !ended && !x.bodyFailed(a), x.Answer.Response.Status >= 500:
		outcome = balance.ServerError
	}
	switch a.endpoint.Observe(outcome, now) {
	case balance.Ejected:
		x.derived.counts.Ejections.Inc()
	case balance.EjectionRefused:
		x.derived.counts.EjectionsRefused.Inc()
	}
}

// connectFailure is the error of a connection that could not be made, or nil. It allocates only when there is one.
func connectFailure(err error) *upstream.ConnectError {
	if err == nil {
		return nil
	}
	var c *upstream.ConnectError
	errors.As(err, &c)
	return c
}

// retryStatus reports whether the rule wants another attempt because of the status.
func (x *Exchange) retryStatus() bool {
	if x.rule == nil || x.rule.Retry == nil {
		return false
	}
	for _, code := range x.rule.Retry.Codes {
		if code == x.Answer.Response.Status {
			return true
		}
	}
	return false
}

// retryError reports whether a failed attempt is worth another. A connection that could not be made always is; one that
// broke is when the rule says so, or when it was a reused one and the method is idempotent: then the backend most likely
// closed it just as the request went out.
func (x *Exchange) retryError(a *attempt) bool {
	policy := x.rule != nil && x.rule.Retry != nil && x.rule.Retry.ConnectionErrors
	switch {
	case connectFailure(a.err) != nil, a.err == upstream.ErrUnsent:
		return x.timeLeft()
	case a.err == upstream.ErrNoAnswer:
		return policy || a.stream.Reused() && x.idempotent()
	case errors.Is(a.err, transport.ErrTimeout):
		// An attempt's own time, while the exchange has some left.
		return policy && x.perTry > 0 && x.timeLeft()
	}
	return false
}

func (x *Exchange) idempotent() bool {
	switch string(x.Sent.Method) {
	case "GET", "HEAD", "OPTIONS", "PUT", "DELETE", "TRACE":
		return true
	}
	return false
}

// implicitRetries bounds attempts that no rule asked for.
const implicitRetries = 2

// mayRetry counts, and asks the budget.
func (x *Exchange) mayRetry(a *attempt) bool {
	allowed := implicitRetries
	if x.rule != nil && x.rule.Retry != nil {
		allowed = max(x.rule.Retry.Attempts, 0)
	}
	if x.attempts > allowed || !x.sendable(a) {
		return false
	}
	if !x.service.TryAcquire(balance.Retries) {
		x.derived.counts.RetriesRefused.Inc()
		return false
	}
	x.retrying++
	return true
}

// backoff waits as the rule says, longer from attempt to attempt.
func (x *Exchange) backoff() {
	if x.rule != nil && x.rule.Retry != nil && x.rule.Retry.Backoff > 0 {
		x.watch.sleep(x.rule.Retry.Backoff << min(x.attempts-1, 4))
	}
}

// joinPump ends a pump whose stream has failed. It returns when the pump is done, or is left waiting for the client.
func (x *Exchange) joinPump(a *attempt) {
	a.stream.Interrupt()
	t := time.NewTimer(pumpGrace)
	defer t.Stop()
	select {
	case <-a.pump.done:
	case <-t.C:
	}
}

// pumpGrace is how long the end of an answer waits for the end of the request: a backend that answers as it reads the
// last byte can be faster than the pump's bookkeeping.
const pumpGrace = 50 * time.Millisecond

// closeStream ends the stream and the pump with it.
func (x *Exchange) closeStream(a *attempt) {
	if a.stream == nil {
		return
	}
	if a.pump != nil {
		x.stopPump(a)
	}
	x.watch.detach()
	a.stream.Close()
	a.stream, a.pump = nil, nil
}

// stopPump ends a pump for good: a client that still sends is not read any further.
func (x *Exchange) stopPump(a *attempt) {
	select {
	case <-a.pump.done:
		return
	default:
	}
	t := time.NewTimer(pumpGrace)
	defer t.Stop()
	select {
	case <-a.pump.done:
		return
	case <-t.C:
	}
	a.stream.Interrupt()
	x.down.StopBody()
	<-a.pump.done
}

// release ends an attempt.
func (x *Exchange) release(a *attempt) {
	if b := x.Answer.Response.Body; b != nil {
		b.Close()
		x.Answer.Response.Body = nil
	}
	x.closeStream(a)
	if a.endpoint != nil {
		a.endpoint.Release()
		x.shard.End(x.derived.counts)
		a.endpoint = nil
	}
}

// bodyFailed reports whether it was the client's body that ended the attempt.
func (x *Exchange) bodyFailed(a *attempt) bool {
	if a.pump == nil {
		return false
	}
	select {
	case <-a.pump.done:
		return a.pump.bodyErr != nil
	default:
		return false
	}
}

// failed answers for an attempt that failed for good.
func (x *Exchange) failed(a *attempt) {
	err := a.err
	if x.bodyFailed(a) {
		status, details := bodyFailure(a.pump.bodyErr)
		x.release(a)
		x.answerLocally(status, nil, details)
		return
	}
	x.release(a)
	if a.slowClient {
		x.answerLocally(408, nil, accesslog.BodyTimeout)
		return
	}
	if err == upstream.ErrOverflow {
		x.overflow()
		return
	}
	x.derived.counts.Resets.Inc()
	var bad *http1.Refusal
	switch c := connectFailure(err); {
	case errors.Is(err, transport.ErrTimeout), x.grpcOverdue():
		x.derived.counts.Timeouts.Inc()
		x.answerLocally(504, []byte(bodyTimeout), accesslog.BackendTimeout)
	case c != nil:
		details := accesslog.FailedToConnectToBackend
		if c.TLS {
			details = accesslog.BackendTLSFailed
		}
		x.answerLocally(503, []byte("upstream connect error or disconnect/reset before headers. reset reason: connection failure"), details)
	case errors.As(err, &bad), err == upstream.ErrInformational:
		x.answerLocally(502, []byte("upstream protocol error"), accesslog.BackendResponseCorrupted)
	default:
		x.answerLocally(502, []byte("upstream connection closed"), accesslog.BackendClosedBeforeData)
	}
}

// overflow answers when a circuit limit is reached.
func (x *Exchange) overflow() {
	x.derived.counts.Overflows.Inc()
	x.answerLocally(503, []byte("upstream overflow"), accesslog.BackendOverloaded)
}
