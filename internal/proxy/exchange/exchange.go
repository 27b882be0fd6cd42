package exchange

import (
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/spillway-lb/spillway/internal/proxy/accesslog"
	"github.com/spillway-lb/spillway/internal/proxy/balance"
	"github.com/spillway-lb/spillway/internal/proxy/call"
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
	engine *Engine
	client *Client
	down   Downstream
	shard  *metrics.Shard
	limits *Limits

	// Request is what the client sent. Attempts start from it.
	Request message.Request
	// Sent is what the backend gets.
	Sent message.Request
	// Answer is what the backend said.
	Answer upstream.Answer

	routed
	sending
	answering
	span  trace.Span
	arena []byte // bytes of headers that were built for this exchange
	start time.Time

	watch watch
}

// routed is where the request goes: set by the phases pin and route.
type routed struct {
	root    *config.Root
	target  *config.TargetProxy
	rule    *urlmap.Rule
	backend *urlmap.Backend
	service *balance.Service
	derived *call.Service
	counted bool // a hold on the service's limit of requests
}

// sending is the request on its way to a backend: set by the phases prepare and attempts.
type sending struct {
	body     replay
	pick     balance.PickInput
	tried    [maxTried]*balance.Endpoint
	deadline int64 // of the whole exchange, in the clock's time; 0 is none
	perTry   time.Duration
	current  attempt
	endpoint *balance.Endpoint // of the last attempt
	attempts int
	retrying int // holds on the retry budget
	sentAt   time.Time
	tee      atomic.Pointer[tee] // of a body that has not come whole
	headSize int64               // bytes of the request's head
	waits    upstream.Waiting    // x.waiting, bound once
}

// answering is the answer on its way to the client, and what the log says of it.
type answering struct {
	local     message.Response // of local answers
	literal   literalBody
	begun     bool // the head of the final answer has been written
	continued bool // a 100 has been passed on
	headAt    time.Time
	backEnd   time.Time
	status    int
	details   accesslog.Details
	grpcKnown bool
	grpcCode  int // of a gRPC call
	outBytes  int64
	informed  func(status int, h *header.Map) // x.informational, bound once
}

var exchanges = sync.Pool{New: func() any { return newExchange() }}

func newExchange() *Exchange {
	x := &Exchange{arena: make([]byte, 0, 512)}
	x.informed, x.waits = x.informational, x.waiting
	return x
}

// Take gets an exchange for a request that the caller parses into its Request.
func (e *Engine) Take() *Exchange {
	x := exchanges.Get().(*Exchange)
	x.engine = e
	return x
}

// Give puts it back. References into connections go, so that they can be collected.
func (e *Engine) Give(x *Exchange) {
	x.Request.Header.Reset()
	x.Sent.Header.Reset()
	x.local.Header.Reset()
	x.Answer.Reset()
	x.body.reset()
	*x = Exchange{
		Request:   message.Request{Header: x.Request.Header},
		Sent:      message.Request{Header: x.Sent.Header},
		Answer:    x.Answer,
		sending:   sending{body: x.body, waits: x.waits},
		answering: answering{local: message.Response{Header: x.local.Header}, informed: x.informed},
		arena:     x.arena[:0],
	}
	x.Answer.Informational = nil
	exchanges.Put(x)
}

// Begin says on whose behalf the exchange runs. headSize is what its request's head took on the wire.
func (x *Exchange) Begin(c *Client, d Downstream, shard *metrics.Shard, l *Limits, headSize int) {
	x.client, x.down, x.shard, x.limits, x.headSize = c, d, shard, l, int64(headSize)
	x.Request.Scheme = message.SchemeHTTP
	if c.Scheme == "https" {
		x.Request.Scheme = message.SchemeHTTPS
	}
}

// Run takes the exchange through its phases.
func (x *Exchange) Run() {
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

// BuildInt is Build for a number.
func (x *Exchange) BuildInt(n int64) []byte {
	at := len(x.arena)
	x.arena = strconv.AppendInt(x.arena, n, 10)
	return x.arena[at:]
}

// Switched reports whether the answer under way turns the connection or stream into a tunnel.
func (x *Exchange) Switched() bool { return x.Answer.Protocol != nil }

// Uploading reports whether the request's body is being sent by a goroutine of its own, and if so whether all of it has
// been read from the client.
func (x *Exchange) Uploading() (yes, read bool) {
	if p := x.current.pump; p != nil {
		return true, p.final.Load()
	}
	return false, false
}

// Build appends to the exchange's own memory. What it returns is good until the end of the exchange.
func (x *Exchange) Build(add func(dst []byte) []byte) []byte {
	at := len(x.arena)
	x.arena = add(x.arena)
	return x.arena[at:]
}

// pin takes the configuration that the exchange runs on.
func (x *Exchange) pin() {
	x.start = time.Now()
	x.root = x.engine.Root()
	x.target = x.root.TargetProxy(x.client.Frontend.Target())
	x.engine.Tracer.Start(&x.span, &x.Request.Header)
}

// now is the time. Reading the monotonic clock alone costs half of what time.Now does.
func (x *Exchange) now() time.Time { return x.start.Add(time.Since(x.start)) }

func (x *Exchange) preRoute() bool {
	if h := x.engine.Hooks; h != nil && h.PreRoute != nil {
		return x.passed(h.PreRoute(x, &x.Request))
	}
	return true
}

func (x *Exchange) traffic() bool {
	if h := x.engine.Hooks; h != nil && h.Traffic != nil {
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
