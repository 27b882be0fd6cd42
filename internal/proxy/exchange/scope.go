package exchange

import (
	"context"
	"errors"
	"net/netip"
	"sync"
	"time"

	"github.com/spillway-lb/spillway/internal/proxy/accesslog"
	"github.com/spillway-lb/spillway/internal/proxy/balance"
	"github.com/spillway-lb/spillway/internal/proxy/extension"
	"github.com/spillway-lb/spillway/internal/proxy/header"
	"github.com/spillway-lb/spillway/internal/proxy/message"
	"github.com/spillway-lb/spillway/internal/proxy/trace"
)

// scope is what an exchange has because of its filters. Without any it has none. It is not used again, so that a filter
// that keeps its Exchange finds an ended one, not another client's.
type scope struct {
	engine  *Engine
	x       *Exchange
	running []*running // in the order in which they see requests

	mu     sync.Mutex
	ctx    context.Context // one for all chains
	cancel context.CancelCauseFunc
	timer  *time.Timer // ends ctx with the exchange's time; nil without any

	res      *message.Response // the answer that is shown, or was
	shown    bool              // an answer has been shown, or is not to be
	chosen   []netip.AddrPort
	upload   *source       // the client's body, once a filter has asked for it
	download *source       // the backend's
	answer   message.Body  // the backend's body, when a filter has replaced it
	replaced bool          // the request's body is a filter's
	guards   []*filterBody // every body that a filter gave
	failure  error         // of a filter that saw a 1xx
	ended    bool
}

// running is a filter with what it came from. It is the filter's extension.Exchange, see view.go.
type running struct {
	scope     *scope
	kind      extension.Kind
	chain     string
	extension *extension.Extension
	filter    extension.Filter

	// Guarded by scope.mu.
	took   time.Duration
	since  time.Time // when it was called first
	until  time.Time // when its last call ended
	result string    // an event other than that it passed
	fault  *fault    // why it did not do its part
	worked bool      // it did what it was asked for
	fields []accesslog.ExtensionField
}

// fault is a word and a text.
type fault struct{ word, text string }

// Events of extensions that the engine counts.
const (
	eventPassed   = "passed"
	eventReplied  = "replied"
	eventFailed   = "failed"
	eventPanicked = "panicked"
)

// errPanicked is the error of a filter that panicked.
var errPanicked = errors.New("exchange: a filter panicked")

// filterRequest chooses a chain and shows it the request. false: the exchange has been answered.
func (x *Exchange) filterRequest(kind extension.Kind, chains []extension.Chain) bool {
	if kind == extension.Traffic && x.scope != nil {
		x.deadlineKnown()
	}
	for i := range chains {
		c := &chains[i]
		if !x.matches(kind, c) {
			continue
		}
		s := x.scoped(kind)
		for j := range c.Extensions {
			if err := s.start(kind, c, &c.Extensions[j]); err != nil {
				x.answerFilter(err)
				return false
			}
		}
		return true
	}
	return true
}

// scoped is the exchange's scope, made for the first chain that matches: an exchange that none matches has none.
func (x *Exchange) scoped(kind extension.Kind) *scope {
	if x.scope != nil {
		return x.scope
	}
	s := &scope{engine: x.engine, x: x}
	s.ctx, s.cancel = context.WithCancelCause(context.Background())
	x.scope = s
	x.watch.onEnd(s.interrupt)
	s.expire(x.limits.Request)
	if kind == extension.Traffic {
		x.deadlineKnown()
	}
	return s
}

// start makes a filter and shows it the request.
func (s *scope) start(kind extension.Kind, c *extension.Chain, e *extension.Extension) error {
	r := &running{scope: s, kind: kind, chain: c.Name, extension: e}
	return r.run(func() error {
		if r.filter = e.New(r); r.filter == nil {
			return nil
		}
		s.running = append(s.running, r)
		q := extension.NewRequest(&s.x.Sent, e.Policy, (*requestBodies)(r))
		defer q.Close()
		return r.filter.Request(q)
	})
}

// run calls a filter. A panic ends its exchange only.
func (r *running) run(f func() error) (err error) {
	began := time.Now()
	defer func() { r.note(err, began, time.Since(began)) }()
	defer r.scope.engine.Guard.Recover(r.place(), func() { err = errPanicked })
	return f()
}

// place names the filter for the guard.
func (r *running) place() string { return "filter " + r.name() }

// note keeps how long a filter took, and what became of it: the first that is not that it passed.
func (r *running) note(err error, began time.Time, took time.Duration) {
	r.scope.mu.Lock()
	defer r.scope.mu.Unlock()
	r.took += took
	if !began.IsZero() {
		if r.since.IsZero() {
			r.since = began
		}
		r.until = began.Add(took)
	}
	if err != nil && r.result == "" {
		r.result = eventOf(err)
	}
}

func eventOf(err error) string {
	var reply *extension.LocalReply
	switch {
	case err == errPanicked:
		return eventPanicked
	case errors.As(err, &reply):
		return eventReplied
	}
	return eventFailed
}

// filterInformational shows a 1xx. false: it is not passed on, and the exchange will be answered for the failure.
func (s *scope) filterInformational(res *message.Response) bool {
	for i := len(s.running) - 1; i >= 0 && s.failure == nil; i-- {
		r := s.running[i]
		v := extension.NewResponse(res, r.extension.Policy, nil)
		s.failure = r.run(func() error { return r.filter.Informational(v) })
		v.Close()
	}
	return s.failure == nil
}

// filterAnswer shows the backend's answer. false: the exchange has been answered otherwise.
func (x *Exchange) filterAnswer(res *message.Response) bool {
	err := x.showAnswer(res)
	if err == nil {
		err = x.uploadFailure()
	}
	if err != nil {
		x.answerUnbegun(err)
		return false
	}
	return true
}

// filterLocal shows an answer that was made here. false: the exchange has been answered otherwise. What filters have made,
// or caused, no other sees; nor does any see what comes when waiting makes no sense any more.
func (x *Exchange) filterLocal(res *message.Response) bool {
	s := x.scope
	if s == nil || s.shown || s.ctx.Err() != nil || !x.timeLeft() {
		return true
	}
	err := x.showAnswer(res)
	if err == nil {
		return true
	}
	h := res.Header
	h.Reset()
	*res = message.Response{Header: h}
	x.answerFilter(err)
	return false
}

// showAnswer shows an answer to every filter that has seen the request, the last one first.
func (x *Exchange) showAnswer(res *message.Response) error {
	s := x.scope
	s.shown, s.res = true, res
	switched := x.switchedBy(res)
	held := false
	views := make([]*extension.Response, 0, len(s.running))
	var err error
	for i := len(s.running) - 1; i >= 0 && err == nil; i-- {
		r := s.running[i]
		var bodies extension.Bodies = (*responseBodies)(r)
		if switched {
			bodies = nil
		}
		v := extension.NewResponse(res, r.extension.Policy, bodies)
		views = append(views, v)
		if err = r.run(func() error { return r.filter.Response(v) }); err == nil {
			held = held || v.Held()
		}
		if !v.Held() {
			v.Close()
		}
	}
	if err == nil && held && res.Body != nil && !switched {
		err = x.hold(res)
	}
	for _, v := range views {
		v.Close()
	}
	if err == nil && !switched { // what follows then is the tunnel's
		x.fitBody(res)
	}
	return err
}

// switchedBy reports whether the answer is that of a backend which opens a tunnel.
func (x *Exchange) switchedBy(res *message.Response) bool {
	return x.Switched() && res == &x.Answer.Response
}

// answerUnbegun ends an exchange whose backend's answer cannot go out, though its head has come: a filter has failed, or
// the body which a filter wanted to see first.
func (x *Exchange) answerUnbegun(err error) {
	s := x.scope
	if x.watch.why() == notEnded && s.backends(err) {
		x.current.err = err
		x.failed(&x.current)
		return
	}
	x.release(&x.current)
	x.answerFilter(err)
}

// backends reports whether an error is that of the backend's body.
func (s *scope) backends(err error) bool {
	var held *heldError
	return s.download.caused(err) || errors.As(err, &held)
}

// hold pulls the first piece of an answer whose head waits for it.
func (x *Exchange) hold(res *message.Response) error {
	p, err := res.Body.Next()
	if isEOF(err) {
		err = nil
	}
	switch {
	case err == nil:
		res.Body = &begunBody{Body: res.Body, first: p, ended: p == nil}
	case x.scope.answer == nil:
		return &heldError{err}
	}
	return err
}

// heldError is the error of a backend's body that no filter has replaced.
type heldError struct{ error }

func (e *heldError) Unwrap() error { return e.error }

// fitBody makes an answer fit the client's method and its own status, both of which filters may have changed.
func (x *Exchange) fitBody(res *message.Response) {
	s := x.scope
	asked := string(x.Request.Method) == "HEAD"
	switch {
	case !message.HasBody(asked, res.Status):
		if res.Body != nil && s.answer == nil {
			s.answer = res.Body
		}
		res.Body = nil
		if !message.MayHaveLength(res.Status) {
			res.Header.Del(header.ContentLength)
		}
	case res.Body == nil && res.ContentLength != 0:
		res.ContentLength = 0 // the backend was asked for a head only
		setLength(x, &res.Header, 0)
	}
}

// uploadFailure is why a filter ended the upload, if it has while the answer was on its way.
func (x *Exchange) uploadFailure() error {
	p := x.current.pump
	if p == nil || !x.scope.replaced {
		return nil
	}
	select {
	case <-p.done:
		return p.bodyErr
	default:
		return nil
	}
}

// answerFilter ends an exchange whose filter did not let it go on, before the head of an answer is out.
func (x *Exchange) answerFilter(err error) {
	x.scope.shown = true // no filter sees what another has made, or caused
	var reply *extension.LocalReply
	switch why := x.watch.why(); {
	case why != notEnded:
		x.answerEnded(why, false)
	case errors.As(err, &reply):
		x.answerReply(reply)
	case x.scope.upload.caused(err):
		status, details := bodyFailure(err)
		x.answerLocally(status, nil, details)
	case !x.timeLeft(), x.scope.overdue():
		if x.derived != nil {
			x.derived.Counts.Timeouts.Inc()
		}
		x.answerLocally(504, []byte(bodyTimeout), accesslog.BackendTimeout)
	default:
		x.answerLocally(500, nil, accesslog.InternalError)
	}
}

// answerReply gives a filter's answer.
func (x *Exchange) answerReply(r *extension.LocalReply) {
	status := r.Status
	if status < 200 || status > 599 {
		status = 500
	}
	if x.opensNoTunnel(status) {
		x.answerLocally(500, nil, accesslog.InternalError)
		return
	}
	extension.AddReplyFields(&x.local.Header, r.Header)
	body := r.Body
	if !message.HasBody(false, status) {
		body = nil
	}
	x.replyCode = r.GRPCStatus
	x.answerLocally(status, body, accesslog.ResponseSentByExtension)
}

// deadlineKnown ends the filters' waits with the exchange's time.
func (x *Exchange) deadlineKnown() {
	s := x.scope
	if x.deadline == 0 {
		return
	}
	s.expire(time.Duration(x.deadline - x.engine.Caller.Clock.Now()))
}

// expire ends what filters wait for after a time, instead of after the one that was said before. 0 or less is none.
func (s *scope) expire(after time.Duration) {
	if s.timer != nil {
		s.timer.Stop()
	}
	if after > 0 {
		s.timer = time.AfterFunc(after, func() { s.cancel(context.DeadlineExceeded) })
	}
}

// overdue reports whether the filters' waits have ended because the exchange's time is over. The engine's clock follows in ticks.
func (s *scope) overdue() bool { return context.Cause(s.ctx) == context.DeadlineExceeded }

// end tells every filter, once.
func (s *scope) end(o extension.Outcome) {
	if s.ended {
		return
	}
	s.ended = true
	s.expire(0)
	if !s.x.timeLeft() {
		s.cancel(context.DeadlineExceeded)
	}
	s.interrupt()
	x := s.x
	for _, g := range s.guards {
		g.Close()
	}
	s.upload.end(x.down.StopBody)
	for i := len(s.running) - 1; i >= 0; i-- {
		r := s.running[i]
		_ = r.run(func() error {
			r.filter.End(o)
			return nil
		})
		x.engine.Metrics.Extensions.Inc(r.name(), r.event())
		r.record()
	}
}

// record says how the filter fared.
func (r *running) record() {
	s := r.scope
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case r.fault != nil:
		r.extension.Record.Failed(r.fault.word, r.fault.text)
	case r.result == eventPanicked:
		r.extension.Record.Failed(eventPanicked, errPanicked.Error())
	case r.worked:
		r.extension.Record.Worked()
	}
}

// leave makes the filters' view of the exchange empty: it will be used for another.
func (s *scope) leave() {
	s.mu.Lock()
	s.x = nil
	s.mu.Unlock()
}

// event is what became of the filter.
func (r *running) event() string {
	if r.result == "" {
		return eventPassed
	}
	return r.result
}

// logged is what the access log says of the filters.
func (s *scope) logged() []accesslog.Extension {
	s.mu.Lock()
	defer s.mu.Unlock()
	list := make([]accesslog.Extension, 0, len(s.running))
	for _, r := range s.running {
		list = append(list, accesslog.Extension{
			Kind: r.kind.String(), Chain: r.chain, Name: r.extension.Name, Latency: r.took, Outcome: r.event(), Fields: r.fields,
		})
	}
	return list
}

// traced are the filters as spans of their own, below the exchange's.
func (s *scope) traced() []trace.ExtensionSpan {
	s.mu.Lock()
	defer s.mu.Unlock()
	var list []trace.ExtensionSpan
	for _, r := range s.running {
		if r.since.IsZero() {
			continue
		}
		span := trace.ExtensionSpan{
			Name: r.name(), Kind: r.kind.String(), Service: r.extension.Service, Start: r.since, End: r.until, Busy: r.took,
			Outcome: r.event(), Failed: r.result == eventFailed || r.result == eventPanicked,
		}
		for _, f := range r.fields {
			span.Fields = append(span.Fields, [2]string{f.Name, f.Value})
		}
		list = append(list, span)
	}
	return list
}

// interrupt ends what filters wait for.
func (s *scope) interrupt() { s.cancel(extension.ErrEnded) }

// name is the extension's in logs and metrics.
func (r *running) name() string { return r.chain + "/" + r.extension.Name }

// endpoint is what filters chose for an attempt, if the service has it in use.
func (s *scope) endpoint(service *balance.Service, attempt int, now time.Duration) *balance.Endpoint {
	s.mu.Lock()
	chosen := s.chosen
	s.mu.Unlock()
	if attempt >= len(chosen) {
		return nil
	}
	return service.Usable(chosen[attempt], now)
}

// choose is told of the endpoints for attempts. The list is not changed afterwards.
func (s *scope) choose(list []netip.AddrPort) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.chosen = list
}
