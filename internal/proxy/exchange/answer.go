package exchange

import (
	"errors"
	"io"

	"github.com/spillway-lb/spillway/internal/proxy/accesslog"
	"github.com/spillway-lb/spillway/internal/proxy/filter"
	"github.com/spillway-lb/spillway/internal/proxy/header"
	"github.com/spillway-lb/spillway/internal/proxy/message"
	"github.com/spillway-lb/spillway/internal/proxy/transport"
)

// answer passes the backend's answer on.
func (x *Exchange) answer() {
	res := &x.Answer.Response
	if x.scope != nil && !x.filterAnswer(res) {
		return
	}
	if x.opensNoTunnel(res.Status) {
		x.release(&x.current)
		x.derived.Counts.Resets.Inc()
		x.answerLocally(502, []byte("upstream protocol error"), accesslog.BackendResponseCorrupted)
		return
	}
	x.editAnswer(res)
	x.status, x.details = res.Status, accesslog.ResponseSentByBackend
	if x.Answer.Protocol != nil {
		x.runTunnel()
		return
	}
	x.begun = true
	x.noteGRPC(&res.Header)
	length := res.ContentLength // a codec may have a reason to send the body without
	err := x.down.WriteHead(res)
	if err == nil && res.Body != nil {
		err = x.copyBody(res.Body, length)
	}
	x.backEnd = x.now()
	x.complete = err == nil
	if err != nil && x.answerAgain(err) {
		return
	}
	if err != nil {
		x.answerBroke(err)
	}
	x.release(&x.current)
}

// answerAgain answers for a backend whose answer turned out to be none before anything of it had left.
func (x *Exchange) answerAgain(err error) bool {
	var client errDownstream
	if errors.As(err, &client) || fromFilter(err) || !x.down.Retract() {
		return false
	}
	x.derived.Counts.Resets.Inc()
	x.outBytes, x.grpcKnown = 0, false
	x.release(&x.current)
	x.answerLocally(502, []byte("upstream protocol error"), accesslog.BackendResponseCorrupted)
	return true
}

// editAnswer applies what the rule and the target proxy say about answers, in the reverse order of the request's.
func (x *Exchange) editAnswer(res *message.Response) {
	if x.service.ResponseHeaders != nil {
		rule, backend := x.responseEdits()
		x.service.ResponseHeaders.ApplyUnless(&res.Header, x, rule, backend)
	}
	x.applyRule(&res.Header)
	if len(x.pick.SetName) > 0 {
		res.Header.Add(x.pick.SetName, x.pick.SetValue)
	}
	x.addVia(&res.Header)
}

// responseEdits are the route's.
func (x *Exchange) responseEdits() (rule, backend *filter.HeaderEdit) {
	if x.rule != nil {
		rule = x.rule.ResponseHeaders
	}
	if x.backend != nil {
		backend = x.backend.ResponseHeaders
	}
	return rule, backend
}

// applyRule applies the rule's and its backend's edits of answers.
func (x *Exchange) applyRule(h *header.Map) {
	if x.backend != nil {
		x.backend.ResponseHeaders.Apply(h, x)
	}
	if x.rule != nil {
		x.rule.ResponseHeaders.Apply(h, x)
		x.cors().Actual(&x.Request, h)
	}
}

func (x *Exchange) addVia(h *header.Map) {
	if x.target == nil {
		return
	}
	if via := x.target.Spec.GetVia(); via != "" {
		h.AddID(header.Via, x.build(via))
	}
}

// errDownstream marks a failure to write to the client.
type errDownstream struct{ error }

func (e errDownstream) Unwrap() error { return e.error }

// errLength is a body that is not as long as its message says. The codecs see to it that no peer sends one: it is a filter's.
var errLength = errors.New("exchange: the body is not as long as was said")

// copyBody passes the body on as it comes. What has been written waits for more only while more is at hand.
func (x *Exchange) copyBody(b message.Body, length int64) error {
	for {
		if !message.Ready(b) {
			if err := x.down.Flush(); err != nil {
				return errDownstream{err}
			}
			if err := x.moveAnswer(b); err != nil {
				return err
			}
		}
		p, err := b.Next()
		if err == io.EOF {
			if length >= 0 && x.outBytes != length {
				return errLength
			}
			trailers := b.Trailers()
			x.noteGRPC(trailers)
			if err := x.down.WriteEnd(trailers); err != nil {
				return errDownstream{err}
			}
			return nil
		}
		if err != nil {
			return err
		}
		x.outBytes += int64(len(p))
		if length >= 0 && x.outBytes > length {
			return errLength
		}
		x.watch.Moved()
		if err := x.down.WriteData(p); err != nil {
			return errDownstream{err}
		}
	}
}

// answerBroke ends an answer whose head is out: all that can be done is to let the client see that it is cut short.
func (x *Exchange) answerBroke(err error) {
	var client errDownstream
	bodyErr := x.bodyError(&x.current)
	switch {
	case errors.As(err, &client), x.watch.why() == ClientGone:
		x.details = accesslog.ClientDisconnectedAfterPartialResponse
	case fromFilter(err), fromFilter(bodyErr):
		x.details = accesslog.InternalError
	case bodyErr != nil: // which has interrupted the stream
		if _, x.details = bodyFailure(bodyErr); x.details == accesslog.ClientDisconnectedBeforeAnyResponse {
			x.details = accesslog.ClientDisconnectedAfterPartialResponse
		}
	case x.watch.why() == Drained:
		x.details = accesslog.BackendClosedAfterPartial
		x.derived.Counts.Resets.Inc()
	case errors.Is(err, transport.ErrTimeout):
		x.details = accesslog.BackendTimeout
		x.derived.Counts.Timeouts.Inc()
	default:
		x.details = accesslog.BackendClosedAfterPartial
		x.derived.Counts.Resets.Inc()
	}
	x.down.Abort()
}

// answerEnded closes an exchange that was ended from outside before an answer began. owed: the client was to send more.
func (x *Exchange) answerEnded(why Ending, owed bool) {
	switch {
	case why == Stalled && owed:
		x.down.Farewell()
		x.answerLocally(408, nil, accesslog.ClientTimedOut)
	case why == Stalled:
		if x.derived != nil {
			x.derived.Counts.Timeouts.Inc()
		}
		x.down.Farewell()
		x.answerLocally(504, []byte(bodyTimeout), accesslog.BackendTimeout)
	case why == Drained:
		x.derived.Counts.Resets.Inc()
		x.down.Farewell()
		x.answerLocally(502, []byte(bodyClosed), accesslog.BackendClosedBeforeData)
	default:
		x.status, x.details = 499, accesslog.ClientDisconnectedBeforeAnyResponse
		x.down.Abort()
	}
}
