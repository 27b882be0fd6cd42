package exchange

import (
	"errors"
	"time"

	"github.com/spillway-lb/spillway/internal/descriptors"
	"github.com/spillway-lb/spillway/internal/proxy/accesslog"
	"github.com/spillway-lb/spillway/internal/proxy/balance"
	"github.com/spillway-lb/spillway/internal/proxy/call"
	"github.com/spillway-lb/spillway/internal/proxy/http1"
	"github.com/spillway-lb/spillway/internal/proxy/transport"
	"github.com/spillway-lb/spillway/internal/proxy/upstream"
)

// settle decides what an attempt's outcome means. true: it is final. A failed one has been answered then.
func (x *Exchange) settle() bool {
	a := &x.current
	now := x.now()
	if s := x.scope; s != nil && s.failure != nil {
		x.release(a)
		a.err = s.failure
		x.answerFilter(s.failure)
		return true
	}
	x.observe(a, x.engine.Caller.Since(now))
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
	var again bool
	if x.unseen(a) {
		x.unseens++
		again = x.timeLeft() && x.unseens < maxUnseen && x.takeBack(a)
	} else {
		again = (a.err == nil || x.retryError(a)) && x.mayRetry(a)
	}
	if again {
		x.release(a)
		x.Answer.Reset()
		x.derived.Counts.Retries.Inc()
		if x.backoff() && x.timeLeft() {
			return false
		}
		x.derived.Counts.Timeouts.Inc()
		a.err = transport.ErrTimeout
		x.answerLocally(504, []byte(bodyTimeout), accesslog.BackendTimeout)
		return true
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
	case descriptors.Own(a.err):
		// The endpoint was not even asked.
		x.engine.Metrics.Limits.Inc("descriptors")
		return
	case call.ConnectFailure(a.err) != nil && !ended:
		outcome = balance.ConnectFailure
		x.derived.Counts.ConnectFailures.Inc()
	case a.err == upstream.ErrOverflow, a.slowClient, x.stale(a):
		return // nothing was learned about the endpoint
	case a.err != nil && !ended && !x.bodyFailed(a), x.Answer.Response.Status >= 500:
		outcome = balance.ServerError
	}
	switch a.Endpoint.Observe(outcome, now) {
	case balance.Ejected:
		x.derived.Counts.Ejections.Inc()
	case balance.EjectionRefused:
		x.derived.Counts.EjectionsRefused.Inc()
	}
}

// stale reports whether an attempt has failed as connections do that were used before: the backend ended it unseen, or as
// the request went out.
func (x *Exchange) stale(a *attempt) bool {
	return a.err == upstream.ErrUnsent || a.err == upstream.ErrNoAnswer && a.Stream != nil && a.Stream.Reused()
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
	case call.ConnectFailure(a.err) != nil:
		return x.timeLeft()
	case a.err == upstream.ErrNoAnswer:
		return policy || a.Stream.Reused() && x.idempotent()
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
	if x.attempts-x.unseens > allowed {
		return false
	}
	// The budget is of requests that are being retried: one is one of them, however many attempts it makes.
	if x.retrying == 0 {
		if !x.service.TryAcquire(balance.Retries) {
			x.derived.Counts.RetriesRefused.Inc()
			return false
		}
		x.retrying++
	}
	return x.takeBack(a)
}

// unseen reports whether an attempt has failed that the backend certainly knows nothing of. Its request is sent again
// outside of every count and budget, for nobody has had any work from it; a backend that could not be connected to counts
// unless the request was refused there before.
func (x *Exchange) unseen(a *attempt) bool {
	return a.err == upstream.ErrUnsent || a.refused && call.ConnectFailure(a.err) != nil
}

// maxUnseen bounds the endpoints that are asked because others saw nothing.
const maxUnseen = 8

// backoff waits as the rule says, longer from attempt to attempt, and no longer than the exchange may last: it reports
// whether it waited in full. The deadline alone can't tell, for its clock is coarse and may be late.
func (x *Exchange) backoff() bool {
	if x.rule == nil || x.rule.Retry == nil || x.rule.Retry.Backoff <= 0 {
		return true
	}
	d := x.rule.Retry.Backoff << min(x.attempts-1, 4)
	if x.deadline != 0 {
		if left := time.Duration(x.deadline - x.engine.Caller.Clock.Now()); left < d {
			x.watch.sleep(left)
			return false
		}
	}
	x.watch.sleep(d)
	return true
}

// bodyFailed reports whether it was the client's body that ended the attempt.
func (x *Exchange) bodyFailed(a *attempt) bool { return x.bodyError(a) != nil }

// bodyError is why the request's body has ended the attempt; nil if it has not.
func (x *Exchange) bodyError(a *attempt) error {
	if a.pump == nil || !a.pump.broken.Load() {
		return nil
	}
	return a.pump.bodyErr
}

// failed answers for an attempt that failed for good.
func (x *Exchange) failed(a *attempt) {
	err := a.err
	if x.bodyFailed(a) {
		bodyErr := a.pump.bodyErr
		status, details := bodyFailure(bodyErr)
		x.release(a)
		if fromFilter(bodyErr) {
			x.answerFilter(bodyErr)
			return
		}
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
	x.derived.Counts.Resets.Inc()
	var bad *http1.Refusal
	switch c := call.ConnectFailure(err); {
	case errors.Is(err, transport.ErrTimeout), x.grpcOverdue():
		x.derived.Counts.Timeouts.Inc()
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
		x.answerLocally(502, []byte(bodyClosed), accesslog.BackendClosedBeforeData)
	}
}

// overflow answers when a circuit limit is reached.
func (x *Exchange) overflow() {
	x.derived.Counts.Overflows.Inc()
	x.answerLocally(503, []byte("upstream overflow"), accesslog.BackendOverloaded)
}
