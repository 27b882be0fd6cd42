package exchange

import (
	"sync"
	"time"

	"github.com/spillway-lb/spillway/internal/proxy/accesslog"
	"github.com/spillway-lb/spillway/internal/proxy/balance"
	"github.com/spillway-lb/spillway/internal/proxy/config"
	"github.com/spillway-lb/spillway/internal/proxy/header"
	"github.com/spillway-lb/spillway/internal/proxy/message"
	"github.com/spillway-lb/spillway/internal/proxy/metrics"
	"github.com/spillway-lb/spillway/internal/proxy/trace"
	"github.com/spillway-lb/spillway/internal/proxy/upstream"
	"github.com/spillway-lb/spillway/internal/proxy/urlmap"
)

// Exchange is one request and its answer. It is used again for others: nothing of it may be kept.
type Exchange struct {
	srv    *Server
	client *Client
	down   Downstream
	shard  *metrics.Shard
	limits *limits

	// Request is what the client sent. Attempts start from it.
	Request message.Request
	// Sent is what the backend gets.
	Sent message.Request
	// Answer is what the backend said.
	Answer upstream.Answer

	root    *config.Root
	target  *config.TargetProxy
	rule    *urlmap.Rule
	backend *urlmap.Backend
	service *balance.Service
	derived *derived
	pick    balance.PickInput
	tried   [maxTried]*balance.Endpoint
	local   message.Response // of local answers
	literal literalBody
	body    replay
	arena   []byte // bytes of headers that were built for this exchange
	span    trace.Span

	start     time.Time
	deadline  int64 // of the whole exchange, in the clock's time; 0 is none
	perTry    time.Duration
	current   attempt
	endpoint  *balance.Endpoint // of the last attempt
	attempts  int
	retrying  int  // holds on the retry budget
	counted   bool // a hold on the limit of requests
	sentAt    time.Time
	headAt    time.Time
	backEnd   time.Time
	status    int
	details   accesslog.Details
	grpcKnown bool
	grpcCode  int // of a gRPC call
	inBytes   int64
	outBytes  int64
	answering bool                            // the head of the final answer has been written
	continued bool                            // a 100 has been passed on
	informed  func(status int, h *header.Map) // x.informational, bound once
	gone      func()                          // x.clientGone, bound once
	waits     upstream.Waiting                // x.waiting, bound once

	watch watch
}

var exchanges = sync.Pool{New: func() any { return newExchange() }}

func newExchange() *Exchange {
	x := &Exchange{arena: make([]byte, 0, 512)}
	x.informed, x.gone, x.waits = x.informational, x.clientGone, x.waiting
	return x
}

// take gets an exchange for a request that the caller parses into its Request.
func (s *Server) take() *Exchange {
	x := exchanges.Get().(*Exchange)
	x.srv = s
	return x
}

// give puts it back. References into connections go, so that they can be collected.
func (s *Server) give(x *Exchange) {
	x.Request.Header.Reset()
	x.Sent.Header.Reset()
	x.local.Header.Reset()
	x.Answer.Reset()
	x.body.reset()
	*x = Exchange{
		Request:  message.Request{Header: x.Request.Header},
		Sent:     message.Request{Header: x.Sent.Header},
		Answer:   x.Answer,
		local:    message.Response{Header: x.local.Header},
		arena:    x.arena[:0],
		informed: x.informed,
		gone:     x.gone,
		waits:    x.waits,
		body:     x.body,
	}
	x.Answer.Informational = nil
	exchanges.Put(x)
}

// run takes the exchange through its phases. Request, client, down, shard and limits are set.
func (x *Exchange) run() {
	x.pin()
	if !x.preRoute() || !x.route() || !x.prepare() || !x.traffic() {
		x.finish()
		return
	}
	x.mirror()
	if x.try() {
		x.answer()
	}
	x.finish()
}

// pin takes the configuration that the exchange runs on.
func (x *Exchange) pin() {
	x.start = time.Now()
	x.root = x.srv.Root()
	x.target = x.root.TargetProxy(x.client.Frontend.Target())
	x.srv.Tracer.Start(&x.span, &x.Request.Header)
}

// now is the time. Reading the monotonic clock alone costs half of what time.Now does.
func (x *Exchange) now() time.Time { return x.start.Add(time.Since(x.start)) }

func (x *Exchange) preRoute() bool {
	if h := x.srv.Hooks; h != nil && h.PreRoute != nil {
		return x.passed(h.PreRoute(x, &x.Request))
	}
	return true
}

func (x *Exchange) traffic() bool {
	if h := x.srv.Hooks; h != nil && h.Traffic != nil {
		return x.passed(h.Traffic(x, &x.Sent))
	}
	return true
}

// passed gives a hook's local answer, if it has one.
func (x *Exchange) passed(a *LocalAnswer) bool {
	if a == nil {
		return true
	}
	x.local.Header.CopyFrom(&a.Header)
	x.answerLocally(a.Status, a.Body, accesslog.ResponseSentByBackend)
	return false
}
