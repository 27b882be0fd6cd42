package downstream

import (
	"bytes"
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
	state  atomic.Uint32 // an h1State. drain changes it, too
	dozing atomic.Bool   // without a goroutine

	spec   *config.TargetProxy // what limits was compiled from
	limits exchange.Limits

	x         *exchange.Exchange // parsed, not run yet; or under way
	watched   atomic.Pointer[exchange.Exchange]
	head      http1.RequestHead
	searched  int
	begun     bool  // there was a request
	opened    int64 // by the clock
	headUntil int64 // when a head that has begun must be whole
	refused   *http1.Refusal
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
	c.state.Store(uint32(fresh))
	c.pinLimits()
	c.await()
	s.add(c)
	return c
}

// run serves HTTP/1 on a connection until it ends, or has been idle for a while. The stack of its goroutine is larger than all else
// that an idle connection holds, and memory is what idle connections cost: it waits without one.
func (c *h1Conn) run() {
	if next := c.serve(); next != nil {
		next()
		return
	}
	c.closed()
}

// become is what an HTTP/2 connection does that began as this one: in a goroutine that has nothing of it.
func (c *h1Conn) become(nc net.Conn, first []byte) (next func()) {
	s, client, closed := c.srv, c.client, c.closed
	return func() {
		go func() {
			defer closed()
			s.serveH2(nc, client, first)
		}()
	}
}

// rest waits until something comes, or the deadline passes (see Expire), and then goes on in another goroutine.
func (c *h1Conn) rest() {
	c.dozing.Store(true)
	switch {
	case !c.srv.Doorman.Wait(c.conn, c):
		if c.dozing.CompareAndSwap(true, false) {
			go c.doze()
		}
	case c.conn.Overdue(): // before it was seen to be dozing
		c.srv.Doorman.Forget(c.conn, c)
		c.Stir()
	}
}

// Stir implements transport.Waker.
func (c *h1Conn) Stir() {
	if c.dozing.CompareAndSwap(true, false) {
		c.srv.Workers.Run(c.run)
	}
}

// doze waits on a small stack, where there is no doorman.
func (c *h1Conn) doze() {
	c.conn.Doze()
	c.run()
}

// serve returns how the connection goes on; nil is its end.
func (c *h1Conn) serve() (next func()) {
	defer c.srv.Guard.Recover("connection", c.crashed)
	c.on(moved)
	for {
		err := c.conn.Serve(c)
		switch c.at() {
		case resting:
			if !c.conn.Interrupted() { // else nothing would wake it
				return c.rest
			}
		case handed:
			nc, first := c.conn.Surrender()
			c.gone()
			return c.become(nc, first)
		case asked:
			if c.exchange() {
				c.await() // no bytes may follow, which is what Readable would do it for
				continue
			}
			c.linger()
		case ending:
			c.end()
		default:
			c.broke(err)
		}
		c.conn.Close()
		c.gone()
		return nil
	}
}

// gone lets go of a connection that has ended, or that is somebody else's now.
func (c *h1Conn) gone() {
	c.on(ended)
	c.srv.remove(c)
}

// crashed ends a connection whose goroutine has panicked.
func (c *h1Conn) crashed() {
	if x := c.watched.Swap(nil); x != nil {
		x.Crashed()
	}
	c.srv.remove(c)
	c.conn.Close()
}

// at is where the connection stands.
func (c *h1Conn) at() h1State { return h1State(c.state.Load()) }

// on tells the connection's own goroutine's state of an event, and returns where that leads.
func (c *h1Conn) on(e h1Event) h1State {
	to := c.at().after(e)
	c.state.Store(uint32(to))
	return to
}

// Readable implements transport.Handler: requests that are whole are served here, one after the other.
func (c *h1Conn) Readable() transport.Verdict {
	for {
		if len(c.conn.Bytes()) == 0 {
			c.await()
			return transport.Wait
		}
		switch c.parse() {
		case inHead:
			return c.park()
		case ending, handed:
			return transport.Leave
		}
		if !c.begun {
			c.begun = true
			c.srv.Metrics.Frontend(c.client.Frontend.Name).HTTP1.Inc()
		}
		if !c.wholeHere() {
			return transport.Leave
		}
		if !c.exchange() {
			return transport.Leave
		}
	}
}

// park waits for the rest of a head. It asks whether the client has closed its side together with the last bytes. One that
// has done so with a whole request waits for the second look (recheckAfter): asking each would cost every connection.
func (c *h1Conn) park() transport.Verdict {
	if c.conn.HungUp() {
		return transport.Again
	}
	return transport.Wait
}

// await gets ready for the next request.
func (c *h1Conn) await() {
	if at := c.srv.clock().In(recheckAfter); c.conn.Arm(at) {
		c.conn.Revive(at)
	}
}

// parse reads a head, if it has arrived whole.
func (c *h1Conn) parse() h1State {
	if !c.begun && bytes.HasPrefix(c.conn.Bytes(), prefaceStart) {
		return c.on(preface)
	}
	x := c.srv.Take()
	head, err := http1.ParseRequest(c.conn.Bytes(), c.searched, &c.limits.Message, &x.Request)
	if err == nil && head.Bytes > 0 {
		c.x, c.head = x, head
		c.openBody()
		return c.on(whole)
	}
	c.srv.Give(x)
	c.refused = err
	c.searched = len(c.conn.Bytes())
	if c.at() != inHead {
		c.headUntil = c.srv.clock().In(c.limits.HeaderTime)
		if c.conn.Arm(c.headUntil) {
			c.conn.Revive(c.headUntil)
		}
	}
	if err != nil {
		return c.on(bad)
	}
	return c.on(part)
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

// exchange runs the request that was parsed, and reports whether another may follow.
func (c *h1Conn) exchange() (another bool) {
	x := c.x
	c.pinLimits()
	x.Begin(&c.client, &c.answer, c.shard, &c.limits, c.head.Bytes)
	c.answer.begin(x)
	c.watched.Store(x)
	if at := c.srv.clock().In(exchange.WatchEvery); c.conn.Arm(at) {
		c.conn.Revive(at)
	}
	x.Run()
	reusable := c.endBody(x) && c.answer.keepAlive
	c.answer.end()
	// The watcher is done with x once Arm has returned.
	c.conn.Arm(0)
	c.watched.Store(nil)
	c.x = nil
	c.srv.Give(x)
	if c.heads != nil {
		transport.GiveBuffer(c.heads)
		c.heads = nil
	}
	c.searched = 0
	if !reusable {
		c.on(last)
		return false
	}
	c.on(next)
	return true
}

// endBody closes the request's body. What is left of it makes the connection unusable, unless it is at hand.
func (c *h1Conn) endBody(x *exchange.Exchange) (whole bool) {
	if x.Request.Body == nil {
		return true
	}
	for !c.body.AtEnd() && c.body.Ready() {
		if _, err := c.body.Next(); err != nil {
			break
		}
	}
	c.body.Close()
	return c.body.AtEnd()
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
	if c.at() == inHead && c.srv.clock().Now() < c.headUntil {
		c.conn.Arm(c.headUntil) // it began when drain was about to wake the connection
		return true
	}
	switch c.on(c.deadline()) {
	case leaving:
		c.conn.Arm(c.lastWait())
		return true
	case quiet:
		c.waitOn()
		return true
	case resting:
		c.waitOn()
	}
	return false
}

// deadline is the event that the deadline's passing is.
func (c *h1Conn) deadline() h1Event {
	if c.srv.Draining() {
		return parting
	}
	return passed
}

// lastWait is until when a connection that drains waits once more: for a request that has just arrived, or for its first.
func (c *h1Conn) lastWait() int64 {
	at := c.srv.clock().In(transport.Tick)
	if !c.begun {
		at = max(at, c.opened+int64(firstRequestTime))
	}
	return at
}

// waitOn sets the time for being idle.
func (c *h1Conn) waitOn() {
	idle := c.limits.Idle
	if !c.begun {
		idle = min(idle, c.limits.HeaderTime) // a client that opens a connection has something to ask
	}
	c.conn.Revive(c.srv.clock().In(max(idle-recheckAfter, transport.Tick)))
	if c.srv.Draining() { // meanwhile
		c.conn.Wake()
	}
}

// Expire implements transport.Expirer. Between requests it ends the wait; during one it looks whether the client is still
// there and whether anything moves. It runs in the clock's goroutine, which Arm keeps from overlapping with the end of the
// exchange.
func (c *h1Conn) Expire() {
	x := c.watched.Load()
	if x == nil {
		c.conn.Expire()
		if c.dozing.Load() {
			c.srv.Doorman.Forget(c.conn, c)
			c.Stir()
		}
		return
	}
	why, overdue := x.Overdue(c.srv.clock().Now())
	switch {
	case c.conn.Interrupted():
		x.End(exchange.Aborted)
		c.conn.Interrupt() // also a farewell that nobody takes
	case !x.Tunnelling() && c.conn.HungUp():
		x.End(exchange.ClientGone)
		c.conn.Interrupt()
	case overdue:
		x.End(why)
		c.conn.Interrupt()
	default:
		c.conn.Rearm(c.srv.clock().In(exchange.WatchEvery))
	}
}

// drain implements drainer: the next tick wakes a connection that waits (see Overdue).
func (c *h1Conn) drain() {
	for {
		s := c.at()
		to := s.after(drained)
		if s == to && s != resting {
			return
		}
		if c.state.CompareAndSwap(uint32(s), uint32(to)) {
			c.conn.Wake()
			return
		}
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
	case c.at() == slow && !c.conn.Interrupted():
		c.conn.Revive(c.srv.clock().In(goodbyeTime))
		c.refuse(408, accesslog.HeaderTimeout)
	case err == transport.ErrBufferFull:
		c.refuse(431, accesslog.HeadersTooLong)
		c.linger()
	}
}

// end says what is left to say after the last request.
func (c *h1Conn) end() {
	switch {
	case c.refused != nil:
		c.refuse(c.refused.Status, exchange.RefusalDetails(c.refused))
		c.linger()
	case len(c.conn.Bytes()) > 0:
		c.linger() // a reset because of what is unread could eat the answer
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
