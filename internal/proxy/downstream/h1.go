package downstream

import (
	"bytes"
	"errors"
	"net"
	"sync/atomic"
	"time"

	"github.com/spillway-lb/spillway/internal/proxy/accesslog"
	"github.com/spillway-lb/spillway/internal/proxy/config"
	"github.com/spillway-lb/spillway/internal/proxy/exchange"
	"github.com/spillway-lb/spillway/internal/proxy/http1"
	"github.com/spillway-lb/spillway/internal/proxy/linger"
	"github.com/spillway-lb/spillway/internal/proxy/message"
	"github.com/spillway-lb/spillway/internal/proxy/metrics"
	"github.com/spillway-lb/spillway/internal/proxy/transport"
)

// connection states.
const (
	idle    int32 = iota // between requests: may be ended at once
	busy                 // a request has begun to arrive, or is under way
	closing              // woken while idle, to end
)

const (
	// recheckAfter is how soon an idle connection is looked at once more: an end-of-file that came together with the last
	// bytes makes no event of its own (see transport.Conn.Serve).
	recheckAfter = time.Second
	// goodbyeTime is what a client has for taking the answer to a request that came too slowly.
	goodbyeTime = time.Second
	// firstRequestTime is what a draining proxy leaves a new connection for its first request, which may be on its way: a
	// client that sees the end of a connection it has just opened takes that for a failure, and does not ask again.
	firstRequestTime = 5 * time.Second
)

// prefaceStart is how a client begins that knows that this is an HTTP/2 server. No HTTP/1 request begins so.
var prefaceStart = []byte("PRI * HTTP/2.0\r\n\r\n")

// h1Conn is an HTTP/1 connection of a client.
type h1Conn struct {
	srv    *Server
	conn   *transport.Conn
	client exchange.Client
	shard  *metrics.Shard
	state  atomic.Int32

	spec   *config.TargetProxy // what limits was compiled from
	limits exchange.Limits

	x         *exchange.Exchange // parsed, not run yet; or under way
	watched   atomic.Pointer[exchange.Exchange]
	head      http1.RequestHead
	searched  int
	headBegan bool
	rechecked bool
	farewell  bool
	opened    int64 // by the clock
	headUntil int64 // when a head that has begun must be whole
	refused   *http1.Refusal
	begun     bool // there was a request
	served    int
	preface   bool // it is HTTP/2 with prior knowledge
	last      bool // no further request on this connection
	grown     bool // the goroutine's stack: it has served
	rests     bool // go on in a new goroutine
	closed    func()
	body      http1.Body
	heads     []byte // the buffer that holds the head while a body is read into another
	answer    h1Answer
}

// newH1 gets a connection ready for run.
func (s *Server) newH1(nc net.Conn, client exchange.Client, closed func()) *h1Conn {
	c := &h1Conn{
		srv: s, conn: transport.NewConn(nc, s.clock()), client: client, shard: s.Metrics.Shard(), opened: s.clock().Now(),
		closed: closed,
	}
	c.answer.c = c
	c.conn.OnExpire(c)
	c.pinLimits()
	c.await()
	s.add(c)
	return c
}

// run serves HTTP/1 on a connection until it ends, or goes on in another goroutine.
func (c *h1Conn) run() {
	switch c.serve() {
	case over:
		c.closed()
	case resting:
		go c.rest()
	}
}

// fate is what becomes of a connection.
type fate uint8

const (
	over fate = iota
	// resting: it has been idle for a while. The stack of its goroutine is larger than what waits on it needs, and memory is
	// what idle connections cost: a new goroutine waits instead.
	resting
)

// rest waits on a small stack.
func (c *h1Conn) rest() {
	c.conn.Doze()
	c.run()
}

func (c *h1Conn) serve() fate {
	defer c.srv.Guard.Recover("connection", c.crashed)
	c.grown = false
	for c.next() {
		if c.rests {
			c.rests = false
			return resting
		}
	}
	if c.preface {
		nc, first := c.conn.Surrender()
		c.srv.remove(c)
		c.srv.serveH2(nc, c.client, first)
		return over
	}
	c.conn.Close()
	c.srv.remove(c)
	return over
}

// crashed ends a connection whose goroutine has panicked.
func (c *h1Conn) crashed() {
	if x := c.watched.Swap(nil); x != nil {
		x.Crashed()
	}
	c.srv.remove(c)
	c.conn.Close()
}

// next serves what arrives until something has to be done outside of the transport's callback, and does that. false: the
// connection ends.
func (c *h1Conn) next() bool {
	err := c.conn.Serve(c)
	switch {
	case c.rests:
		return true
	case err != nil:
		c.broke(err)
		return false
	case c.preface:
		return false
	case c.refused != nil:
		c.refuse(c.refused.Status, exchange.RefusalDetails(c.refused))
		c.linger()
		return false
	case c.x != nil:
		c.exchange()
		if c.last {
			c.linger()
		}
	case c.last && len(c.conn.Bytes()) > 0:
		c.linger() // a reset because of what is unread could eat the answer
	}
	return !c.last
}

// Readable implements transport.Handler: requests that are whole are served here, one after the other.
func (c *h1Conn) Readable() transport.Verdict {
	c.state.Store(busy)
	for {
		if len(c.conn.Bytes()) == 0 {
			c.await()
			return c.park()
		}
		if !c.begun && bytes.HasPrefix(c.conn.Bytes(), prefaceStart) {
			c.preface = true
			return transport.Leave
		}
		if !c.parse() {
			if c.refused != nil {
				return transport.Leave
			}
			return c.park()
		}
		if !c.begun {
			c.begun = true
			c.srv.Metrics.Frontend(c.client.Frontend.Name).HTTP1.Inc()
		}
		c.served++
		c.grown = true
		if !c.wholeHere() {
			return transport.Leave
		}
		c.exchange()
		if c.last {
			return transport.Leave
		}
	}
}

// park waits for more. Inside a head it asks whether the client has closed its side together with the last bytes. One that
// has done so with a whole request waits for the second look (recheckAfter): asking each would cost every connection.
func (c *h1Conn) park() transport.Verdict {
	if c.headBegan && c.conn.HungUp() {
		return transport.Again
	}
	return transport.Wait
}

// await gets ready for the next request.
func (c *h1Conn) await() {
	c.searched, c.headBegan, c.rechecked = 0, false, false
	c.state.Store(idle)
	if at := c.srv.clock().In(recheckAfter); c.conn.Arm(at) {
		c.conn.Revive(at)
	}
}

// parse reads a head, if it has arrived whole.
func (c *h1Conn) parse() bool {
	x := c.srv.Take()
	head, bad := http1.ParseRequest(c.conn.Bytes(), c.searched, &c.limits.Message, &x.Request)
	if bad == nil && head.Bytes > 0 {
		c.x, c.head = x, head
		c.openBody()
		return true
	}
	c.srv.Give(x)
	c.refused = bad
	c.searched = len(c.conn.Bytes())
	if !c.headBegan {
		c.headBegan = true
		c.headUntil = c.srv.clock().In(c.limits.HeaderTime)
		if c.conn.Arm(c.headUntil) {
			c.conn.Revive(c.headUntil)
		}
	}
	return false
}

// openBody steps over the head, and prepares the body.
func (c *h1Conn) openBody() {
	c.conn.Consume(c.head.Bytes)
	req := &c.x.Request
	switch {
	case c.head.Chunked:
		c.body.ResetChunked(c, &c.limits.Message, nil)
	case req.ContentLength > 0:
		c.body.ResetLength(c, req.ContentLength, &c.limits.Message, nil)
	default:
		return
	}
	req.Body = &c.body
}

// wholeHere reports whether the exchange needs no further bytes from the client, so that it can run where it is. It also
// chooses the buffer of the next request: who has sent a body that did not fit is likely to send another.
func (c *h1Conn) wholeHere() bool {
	req := &c.x.Request
	switch {
	case req.Protocol != nil:
		return false
	case req.Body == nil:
		c.conn.BufferSize(transport.SmallBuffer)
		return true
	case c.body.Whole():
		return true
	case req.ContentLength < 0 || req.ContentLength > exchange.GatherLimit:
		return false
	}
	return c.gather()
}

// gather reads the rest of a small body, as far as it has arrived. A request that is whole leaves in one piece, and needs
// no goroutine beside this one.
func (c *h1Conn) gather() bool {
	c.conn.BufferSize(transport.StreamBuffer)
	c.heads = c.conn.Detach(transport.StreamBuffer)
	for c.conn.FillNow() {
		if c.body.Whole() {
			return true
		}
	}
	return false
}

// Bytes, Consume and Fill implement http1.Source for the body: the head stays where it is, the body goes on in a larger
// buffer.
func (c *h1Conn) Bytes() []byte { return c.conn.Bytes() }

// Consume implements http1.Source.
func (c *h1Conn) Consume(n int) { c.conn.Consume(n) }

// Fill implements http1.Source.
func (c *h1Conn) Fill() error {
	if c.heads == nil {
		c.heads = c.conn.Detach(transport.StreamBuffer)
	}
	return c.conn.Fill()
}

// exchange runs the request that was parsed.
func (c *h1Conn) exchange() {
	x := c.x
	c.pinLimits()
	x.Begin(&c.client, &c.answer, c.shard, &c.limits, c.head.Bytes)
	c.answer.begin(x)
	c.watched.Store(x)
	if at := c.srv.clock().In(exchange.WatchEvery); c.conn.Arm(at) {
		c.conn.Revive(at)
	}
	x.Run()
	c.endBody(x)
	c.answer.end()
	if !c.answer.keepAlive {
		c.last = true
	}
	// The watcher is done with x once Arm has returned.
	c.conn.Arm(0)
	c.watched.Store(nil)
	c.x = nil
	c.srv.Give(x)
	if c.heads != nil {
		transport.GiveBuffer(c.heads)
		c.heads = nil
	}
	c.searched, c.headBegan = 0, false
}

// endBody closes the request's body. What is left of it makes the connection unusable, unless it is at hand.
func (c *h1Conn) endBody(x *exchange.Exchange) {
	if x.Request.Body == nil {
		return
	}
	for !c.body.AtEnd() && c.body.Ready() {
		if _, err := c.body.Next(); err != nil {
			break
		}
	}
	c.body.Close()
	if !c.body.AtEnd() {
		c.last = true
	}
}

// pinLimits follows the target proxy's settings.
func (c *h1Conn) pinLimits() {
	spec := c.client.Frontend.TargetProxy(c.srv.Root())
	if spec == c.spec && c.limits.Idle != 0 {
		return
	}
	c.spec = spec
	if spec == nil {
		c.limits = exchange.CompileLimits(nil)
		return
	}
	c.limits = exchange.CompileLimits(spec.Spec.GetLimits())
}

// Overdue implements transport.Handler: the deadline has passed while waiting for bytes.
func (c *h1Conn) Overdue() bool {
	if c.headBegan {
		// It may have begun when drain was about to wake the connection.
		early := c.srv.clock().Now() < c.headUntil
		if early {
			c.conn.Arm(c.headUntil)
		}
		return early
	}
	if c.srv.Draining() {
		// Once more, for a request that has just arrived, or that is still to come.
		if c.farewell {
			return false
		}
		c.farewell = true
		at := c.srv.clock().In(transport.Tick)
		if !c.begun {
			at = max(at, c.opened+int64(firstRequestTime))
		}
		c.conn.Arm(at)
		return true
	}
	if !c.rechecked {
		c.rechecked = true
		idle := c.limits.Idle
		if !c.begun {
			idle = min(idle, c.limits.HeaderTime) // a client that opens a connection has something to ask
		}
		c.conn.Revive(c.srv.clock().In(max(idle-recheckAfter, transport.Tick)))
		if c.srv.Draining() { // meanwhile
			c.conn.Wake()
		}
		c.rests = c.grown && !c.conn.Interrupted()
		return !c.rests
	}
	return false
}

// Expire implements transport.Expirer. Between requests it ends the wait; during one it looks whether the client is still
// there and whether anything moves. It runs in the clock's goroutine, which Arm keeps from overlapping with the end of the
// exchange.
func (c *h1Conn) Expire() {
	x := c.watched.Load()
	if x == nil {
		c.conn.Expire()
		return
	}
	switch {
	case c.conn.Interrupted():
		x.End(exchange.Aborted)
		c.conn.Interrupt() // also a farewell that nobody takes
	case !x.Tunnelling() && c.conn.HungUp():
		x.End(exchange.ClientGone)
		c.conn.Interrupt()
	case x.Stuck(c.srv.clock().Now()):
		x.End(exchange.Stalled)
		c.conn.Interrupt()
	default:
		c.conn.Rearm(c.srv.clock().In(exchange.WatchEvery))
	}
}

// drain implements drainer: the next tick wakes an idle connection (see Overdue).
func (c *h1Conn) drain() {
	if c.state.CompareAndSwap(idle, closing) {
		c.conn.Wake()
	}
}

// abort implements drainer: the next tick ends what waits for a backend (see Expire).
func (c *h1Conn) abort() {
	c.conn.Interrupt()
	c.conn.Wake()
}

// broke handles the end of the connection between requests, or inside a head.
func (c *h1Conn) broke(err error) {
	switch {
	case errors.Is(err, transport.ErrTimeout) && c.headBegan && !c.conn.Interrupted():
		c.conn.Revive(c.srv.clock().In(goodbyeTime))
		c.refuse(408, accesslog.HeaderTimeout)
	case err == transport.ErrBufferFull:
		c.refuse(431, accesslog.HeadersTooLong)
		c.linger()
	}
}

// refuse answers a request that could not be read, and logs it.
func (c *h1Conn) refuse(status int, details accesslog.Details) {
	x := c.srv.Take()
	defer c.srv.Give(x)
	x.Begin(&c.client, &c.answer, c.shard, &c.limits, 0)
	x.Request.Major, x.Request.Minor = 1, 1
	c.head = http1.RequestHead{}
	c.answer.begin(x)
	c.conn.Arm(c.srv.clock().In(goodbyeTime))
	x.Refuse(status, details)
	c.answer.end()
	c.last = true
}

// linger keeps the connection for a moment after the last answer, when the client may still be sending: longer where it
// takes what was said slowly.
func (c *h1Conn) linger() {
	if c.conn.Interrupted() {
		return
	}
	c.conn.CloseWrite()
	c.conn.Revive(0)
	linger.Wait(c.conn.NetConn(), linger.Default, c.conn.Interrupted)
}

var _ message.Body = (*http1.Body)(nil)
