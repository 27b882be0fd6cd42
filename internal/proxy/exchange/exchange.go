package exchange

import (
	"net/netip"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/spillway-lb/spillway/internal/proxy/accesslog"
	"github.com/spillway-lb/spillway/internal/proxy/balance"
	"github.com/spillway-lb/spillway/internal/proxy/call"
	"github.com/spillway-lb/spillway/internal/proxy/config"
	"github.com/spillway-lb/spillway/internal/proxy/extension"
	"github.com/spillway-lb/spillway/internal/proxy/geo"
	"github.com/spillway-lb/spillway/internal/proxy/header"
	"github.com/spillway-lb/spillway/internal/proxy/message"
	"github.com/spillway-lb/spillway/internal/proxy/metrics"
	"github.com/spillway-lb/spillway/internal/proxy/poison"
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

	// Request is what the client sent. Nothing changes it.
	Request message.Request
	// Sent is what the backend gets: Request as filters and the rule have changed it. Every attempt starts from it.
	Sent message.Request
	// Answer is what the backend said.
	Answer upstream.Answer
	// address is the client's, resolved once (forwarded.go).
	address netip.AddrPort

	routed
	sending
	answering
	span  trace.Span
	arena []byte // bytes of headers that were built for this exchange
	start time.Time

	watch watch
	scope *scope // nil without filters
	asker asker
}

// routed is where the request goes: set by the phases pin and route.
type routed struct {
	root    *config.Root
	target  *config.TargetProxy
	rule    *urlmap.Rule
	backend *urlmap.Backend
	service *balance.Service
	derived *call.Service
	place   *geo.Place // of the client, once something has asked
	counted bool       // a hold on the service's limit of requests
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
	unseens  int // attempts that the backend saw nothing of
	// uploading: pumps have read the request's body.
	uploading bool
	sentAt    time.Time
	tee       atomic.Pointer[tee] // of a body that has not come whole
	headSize  int64               // bytes of the request's head
	waits     upstream.Waiting    // x.waiting, bound once
}

// answering is the answer on its way to the client, and what the log says of it.
type answering struct {
	local     message.Response // of local answers
	literal   literalBody
	begun     bool // the head of the final answer has been written
	complete  bool // the answer went out whole
	replyCode int  // gRPC status of a filter's answer; 0 follows from the status
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

// Give puts it back. References into connections go, so that they can be collected. Everything is cleared where it lies:
// a new value would take its place on the stack of each connection first, which would have to grow for that. So would what
// it calls, were it inlined, as a profile-guided build does otherwise.
//
//go:noinline
func (e *Engine) Give(x *Exchange) {
	clearRequest(&x.Request)
	clearRequest(&x.Sent)
	x.Answer.Reset()
	x.Answer.Informational = nil
	x.body.reset()
	x.local.Header.Reset()
	waits, informed, local := x.waits, x.informed, x.local.Header
	x.routed, x.sending, x.answering = routed{}, sending{}, answering{}
	x.waits, x.informed, x.local.Header = waits, informed, local
	x.span, x.watch, x.asker = trace.Span{}, watch{}, asker{}
	x.engine, x.client, x.down, x.shard, x.limits = nil, nil, nil, nil, nil
	x.scope, x.address = nil, netip.AddrPort{}
	poison.Fill(x.arena[:cap(x.arena)])
	x.arena, x.start = x.arena[:0], time.Time{}
	exchanges.Put(x)
}

// clearRequest keeps the memory of the header.
func clearRequest(q *message.Request) {
	q.Header.Reset()
	h := q.Header
	*q = message.Request{}
	q.Header = h
}

// Begin says on whose behalf the exchange runs. headSize is what its request's head took on the wire.
func (x *Exchange) Begin(c *Client, d Downstream, shard *metrics.Shard, l *Limits, headSize int) {
	x.client, x.down, x.shard, x.limits, x.headSize = c, d, shard, l, int64(headSize)
	x.address = c.Peer
	x.Request.Scheme = message.SchemeHTTP
	if c.Scheme == "https" {
		x.Request.Scheme = message.SchemeHTTPS
	}
}

// Run takes the exchange through its phases.
func (x *Exchange) Run() {
	x.pin()
	if x.target != nil && x.target.Chains != nil {
		defer x.leaveFilters()
	}
	x.phases()
}

// phases are those of the package comment, in their order.
func (x *Exchange) phases() {
	if !x.admit() || !x.routeFilters() || !x.route() || !x.trafficFilters() || !x.prepare() {
		x.finish()
		return
	}
	x.mirror()
	x.customize()
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
	switch p, s := x.current.pump, x.scope; {
	case s != nil && s.replaced:
		// Where no filter reads it, nobody does.
		return s.upload != nil, s.upload != nil && s.upload.whole.Load()
	case p != nil:
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
	x.target = x.client.Frontend.TargetProxy(x.root)
	if x.target != nil {
		x.address = clientAddress(&x.Request.Header, int(x.target.Spec.GetTrustedHops()), x.client.Peer)
	}
	x.engine.Tracer.Start(&x.span, &x.Request.Header)
}

// copyRequest makes Sent.
func (x *Exchange) copyRequest() {
	h := x.Sent.Header
	x.Sent = x.Request
	x.Sent.Header = h
	x.Sent.Header.CopyFrom(&x.Request.Header)
}

// now is the time. Reading the monotonic clock alone costs half of what time.Now does.
func (x *Exchange) now() time.Time { return x.start.Add(time.Since(x.start)) }

// routeFilters runs a route chain.
func (x *Exchange) routeFilters() bool {
	if x.target.Chains == nil || len(x.target.Chains.Route) == 0 {
		return true
	}
	return x.filterRequest(extension.Route, x.target.Chains.Route)
}

// trafficFilters runs a traffic chain. From here on the exchange's time is known.
func (x *Exchange) trafficFilters() bool {
	x.times()
	if x.target.Chains == nil || len(x.target.Chains.Traffic) == 0 {
		return true
	}
	return x.filterRequest(extension.Traffic, x.target.Chains.Traffic)
}

// leaveFilters ends them, also when the engine itself has panicked.
func (x *Exchange) leaveFilters() {
	if x.scope == nil {
		return
	}
	if !x.scope.ended {
		x.scope.end(x.crashOutcome())
	}
	x.scope.leave()
}
