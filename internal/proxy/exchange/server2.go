package exchange

import (
	"net"
	"strconv"
	"time"

	"github.com/spillway-lb/spillway/internal/proxy/accesslog"
	"github.com/spillway-lb/spillway/internal/proxy/header"
	"github.com/spillway-lb/spillway/internal/proxy/http1"
	"github.com/spillway-lb/spillway/internal/proxy/http2"
	"github.com/spillway-lb/spillway/internal/proxy/message"
	"github.com/spillway-lb/spillway/internal/proxy/metrics"
	"github.com/spillway-lb/spillway/internal/proxy/transport"
)

// server2 is an HTTP/2 connection of a client. Each of its streams is an exchange in a goroutine of the worker pool.
type server2 struct {
	srv    *Server
	conn   *http2.ServerConn
	client Client
	limits limits
}

// serve2 serves HTTP/2 on a connection until it ends. first is what was read of it already.
func (s *Server) serve2(nc net.Conn, client Client, first []byte) {
	c := &server2{srv: s, client: client, limits: s.limitsOf(client.Frontend)}
	config := s.http2Config(&c.limits, client.Scheme)
	config.Report = c.report
	if tcp, ok := nc.(*net.TCPConn); ok {
		nc = transport.Eager(tcp)
	}
	c.conn = http2.NewServerConn(nc, config)
	if len(first) > 0 {
		c.conn.Unread(first)
	}
	s.add(c)
	defer s.remove(c)
	s.Metrics.Frontend(client.Frontend.Name).HTTP2.Inc()
	_ = c.conn.Serve(c.stream)
	_ = nc.Close()
}

// limitsOf are the limits of a frontend's target proxy.
func (s *Server) limitsOf(f *Frontend) limits {
	if target := s.Root().TargetProxy(f.Target()); target != nil {
		return compileLimits(target.Spec.GetLimits())
	}
	return compileLimits(nil)
}

func (s *Server) http2Config(l *limits, scheme string) *http2.ServerConfig {
	return &http2.ServerConfig{
		Limits: http2.Limits{
			MaxHeaderListBytes: uint32(l.message.HeaderBytes),
			MaxHeaderFields:    l.message.HeaderCount,
			IdleTimeout:        l.idle,
			HeaderTimeout:      min(l.headerTime, 10*time.Second),
			StreamIdleTimeout:  l.streamIdle,
		},
		Scheme:  scheme,
		Workers: s.Workers,
	}
}

func (c *server2) drain() { c.conn.Shutdown() }

func (c *server2) abort() { _ = c.conn.Close() }

// stream serves one request.
func (c *server2) stream(st *http2.ServerStream) {
	x := c.srv.take()
	defer c.srv.give(x)
	h := x.Request.Header
	x.Request = *st.Request()
	x.Request.Header = h
	x.Request.Header.CopyFrom(&st.Request().Header)
	down := c.take(x, st)
	defer c.give(down)
	x.client, x.down, x.shard, x.limits = &c.client, down, down.shard, &c.limits
	if status, details := c.refusal(x, down); status != 0 {
		x.refuse(status, details)
		return
	}
	if most := c.limits.message.BodyBytes; most > 0 && x.Request.Body != nil {
		x.Request.Body = &limitedBody{Body: x.Request.Body, left: most}
	}
	x.Request.Path = http1.NormalizePath(x.Request.Path)
	st.OnCancel(x.gone)
	x.run()
	st.OnCancel(nil)
	for _, b := range [...]message.Body{x.Request.Body, down.tunnel} {
		if b != nil {
			b.Close()
		}
	}
}

// take gets what writes the answer of a stream, and counts it.
func (c *server2) take(x *Exchange, st *http2.ServerStream) *down2 {
	d, _ := c.srv.downs.Get().(*down2)
	if d == nil {
		d = &down2{shard: c.srv.Metrics.Shard()}
	}
	d.x, d.st = x, st
	return d
}

func (c *server2) give(d *down2) {
	*d = down2{shard: d.shard}
	c.srv.downs.Put(d)
}

// refusal says why a request is not served; 0 when it is.
func (c *server2) refusal(x *Exchange, down *down2) (int, accesslog.Details) {
	q, l := &x.Request, &c.limits.message
	switch {
	case string(q.Method) == "CONNECT" && !x.asUpgrade(down):
		return 501, accesslog.MethodNotSupported // this is a reverse proxy
	case len(q.Path) > l.TargetBytes:
		return 414, accesslog.URITooLong
	case l.BodyBytes > 0 && q.ContentLength > l.BodyBytes:
		return 413, accesslog.BodyTooLarge
	}
	return 0, ""
}

// clientGone ends the exchange. It runs under the lock of the client's connection, which neither Interrupt nor anything
// that it locks ever waits for.
func (x *Exchange) clientGone() { x.watch.end(clientGone) }

// down2 writes the answer of an HTTP/2 exchange. It is used again for others.
type down2 struct {
	x     *Exchange
	st    *http2.ServerStream
	shard *metrics.Shard
	// tunnel is what the client sends after an extended CONNECT.
	tunnel message.Body
}

var _ Downstream = (*down2)(nil)

// Informational implements Downstream.
func (d *down2) Informational(status int, h *header.Map) { _ = d.st.WriteInformational(status, h) }

// WriteHead implements Downstream.
func (d *down2) WriteHead(res *message.Response) error {
	if d.tunnel != nil && d.x.Answer.Protocol != nil {
		res.Header.DelName(websocketAccept)
		return d.st.WriteHead(200, &res.Header, false)
	}
	if res.ContentLength >= 0 && res.Body != nil {
		at := len(d.x.arena)
		d.x.arena = strconv.AppendInt(d.x.arena, res.ContentLength, 10)
		res.Header.SetID(header.ContentLength, d.x.arena[at:])
	}
	return d.st.WriteHead(res.Status, &res.Header, res.Body == nil)
}

// WriteData implements Downstream.
func (d *down2) WriteData(p []byte) error { return d.st.WriteData(p, false) }

// WriteEnd implements Downstream.
func (d *down2) WriteEnd(trailers *header.Map) error {
	if trailers != nil && trailers.Len() > 0 {
		return d.st.WriteTrailers(trailers)
	}
	return d.st.WriteData(nil, true)
}

// Flush implements Downstream.
func (d *down2) Flush() error {
	d.st.Flush()
	return nil
}

// Abort implements Downstream.
func (d *down2) Abort() { d.st.Reset(http2.CodeInternal) }

// Farewell implements Downstream: a stream that was cut takes nothing more.
func (d *down2) Farewell() {}

// StopBody implements Downstream.
func (d *down2) StopBody() { d.st.AbortBody(transport.ErrTimeout) }

// Tunnel implements Downstream: a stream is no connection, see tunnel2.go.
func (d *down2) Tunnel() (*transport.Conn, bool) { return nil, false }
