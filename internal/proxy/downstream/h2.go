package downstream

import (
	"math"
	"net"
	"sync/atomic"
	"time"

	"github.com/spillway-lb/spillway/internal/proxy/requestpath"

	"github.com/spillway-lb/spillway/internal/proxy/accesslog"
	"github.com/spillway-lb/spillway/internal/proxy/config"
	"github.com/spillway-lb/spillway/internal/proxy/exchange"
	"github.com/spillway-lb/spillway/internal/proxy/http1"
	"github.com/spillway-lb/spillway/internal/proxy/http2"
	"github.com/spillway-lb/spillway/internal/proxy/message"
	"github.com/spillway-lb/spillway/internal/proxy/transport"
)

// h2Conn is an HTTP/2 connection of a client. Each of its streams is an exchange in a goroutine of the worker pool.
type h2Conn struct {
	srv    *Server
	conn   *http2.ServerConn
	client exchange.Client
	pinned atomic.Pointer[pinned]
}

// pinned are the limits of a target proxy. Exchanges that have begun keep theirs.
type pinned struct {
	spec   *config.TargetProxy
	limits exchange.Limits
}

// serveH2 serves HTTP/2 on a connection until it ends. first is what was read of it already.
func (s *Server) serveH2(nc net.Conn, client exchange.Client, first []byte) {
	defer s.Guard.Recover("connection", func() { _ = nc.Close() }) // the goroutine has no other
	c := &h2Conn{srv: s, client: client}
	now := s.limitsOf(client.Frontend)
	c.pinned.Store(now)
	config := &http2.ServerConfig{Limits: http2Limits(&now.limits), Scheme: client.Scheme, Workers: s.Workers, Report: c.report}
	if tcp, ok := nc.(*net.TCPConn); ok {
		nc = transport.Eager(tcp)
	}
	c.conn = http2.NewServerConn(nc, config)
	if len(first) > 0 {
		c.conn.Unread(first)
	}
	s.add(c)
	defer s.remove(c)
	c.follow() // what was committed meanwhile
	defer s.Guard.Recover("connection", c.conn.Crashed)
	s.Metrics.Frontend(client.Frontend.Name).HTTP2.Inc()
	_ = c.conn.Serve(c.stream)
	_ = nc.Close()
}

// follow implements follower.
func (c *h2Conn) follow() {
	now := c.pinned.Load()
	if c.client.Frontend.TargetProxy(c.srv.Root()) == now.spec {
		return
	}
	next := c.srv.limitsOf(c.client.Frontend)
	if c.pinned.CompareAndSwap(now, next) {
		c.conn.SetLimits(http2Limits(&next.limits))
	}
}

// limitsOf are the limits of a frontend's target proxy.
func (s *Server) limitsOf(f *exchange.Frontend) *pinned {
	p := &pinned{spec: f.TargetProxy(s.Root())}
	if p.spec != nil {
		p.limits = exchange.CompileLimits(p.spec.Spec.GetLimits())
	} else {
		p.limits = exchange.CompileLimits(nil)
	}
	return p
}

// http2Limits are the limits of connections.
func http2Limits(l *exchange.Limits) http2.Limits {
	return http2.Limits{
		MaxHeaderListBytes: uint32(l.Message.HeaderBytes),
		MaxHeaderFields:    l.Message.HeaderCount,
		IdleTimeout:        l.Idle,
		HeaderTimeout:      min(l.HeaderTime, 10*time.Second),
		// The exchange looks for itself (see tick), and answers if it can. This is for what it leaves.
		StreamIdleTimeout: longer(l.StreamIdle),
		WriteTimeout:      l.StreamIdle,
		Tick:              min(exchange.WatchEvery, max(l.StreamIdle/4, transport.Tick)),
	}
}

// longer is half as much again, and a moment.
func longer(d time.Duration) time.Duration {
	more := d/2 + 3*exchange.WatchEvery
	return d + min(more, math.MaxInt64-d)
}

func (c *h2Conn) drain() { c.conn.Shutdown() }

func (c *h2Conn) abort() { _ = c.conn.Close() }

// stream serves one request.
func (c *h2Conn) stream(st *http2.ServerStream) {
	x := c.srv.Take()
	// An exchange that panicked, and what it was written with, are not used again.
	defer c.srv.Guard.Recover("stream", func() {
		st.OnTick(nil)
		st.OnCancel(nil)
		x.Crashed()
		st.Reset(http2.CodeInternal)
	})
	c.serve(x, st)
	c.srv.Give(x)
}

func (c *h2Conn) serve(x *exchange.Exchange, st *http2.ServerStream) {
	h := x.Request.Header
	x.Request = *st.Request()
	x.Request.Header = h
	x.Request.Header.CopyFrom(&st.Request().Header)
	down := c.take(x, st)
	limits := &c.pinned.Load().limits
	x.Begin(&c.client, down, down.shard, limits, 0)
	if status, details := refusal(x, down, &limits.Message); status != 0 {
		x.Refuse(status, details)
		c.give(down)
		return
	}
	if most := limits.Message.BodyBytes; most > 0 && x.Request.Body != nil {
		x.Request.Body = &limitedBody{Body: x.Request.Body, left: most}
	}
	x.Request.Path = requestpath.Normalize(x.Request.Path)
	st.OnCancel(down.cut)
	st.OnTick(down.look)
	x.Run()
	st.OnTick(nil)
	st.OnCancel(nil)
	for _, b := range [...]message.Body{x.Request.Body, down.tunnel} {
		if b != nil {
			b.Close()
		}
	}
	c.give(down)
}

// take gets what writes the answer of a stream, and counts it.
func (c *h2Conn) take(x *exchange.Exchange, st *http2.ServerStream) *h2Answer {
	d, _ := c.srv.answers.Get().(*h2Answer)
	if d == nil {
		d = &h2Answer{shard: c.srv.Metrics.Shard()}
		d.cut = func() { d.x.End(exchange.ClientGone) }
		d.look = d.tick
	}
	d.clock = c.srv.clock()
	d.x, d.st = x, st
	return d
}

func (c *h2Conn) give(d *h2Answer) {
	*d = h2Answer{shard: d.shard, cut: d.cut, look: d.look}
	c.srv.answers.Put(d)
}

// refusal says why a request is not served; 0 when it is.
func refusal(x *exchange.Exchange, down *h2Answer, l *http1.Limits) (int, accesslog.Details) {
	q := &x.Request
	switch {
	case string(q.Method) == "CONNECT" && !asUpgrade(x, down):
		return 501, accesslog.MethodNotSupported // this is a reverse proxy
	case len(q.Path) > l.TargetBytes:
		return 414, accesslog.URITooLong
	case l.BodyBytes > 0 && q.ContentLength > l.BodyBytes:
		return 413, accesslog.BodyTooLarge
	}
	return 0, ""
}
