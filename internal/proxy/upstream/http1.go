package upstream

import (
	"errors"
	"io"
	"syscall"

	"github.com/spillway-lb/spillway/internal/proxy/header"
	"github.com/spillway-lb/spillway/internal/proxy/http1"
	"github.com/spillway-lb/spillway/internal/proxy/message"
	"github.com/spillway-lb/spillway/internal/proxy/transport"
)

// conn1 is an HTTP/1 connection to a backend. It is its own stream, one at a time.
type conn1 struct {
	*transport.Conn
	pool   *Pool
	budget Budget

	head      http1.ResponseHead
	body      http1.Body
	out       []byte // what is being written; a buffer of the pool while a request is under way
	outBuf    []byte
	chunked   bool  // the request's body is
	left      int64 // what is still to be sent of a body that is not
	sent      bool  // the request is out, whole
	whole     bool  // the answer has been read to its end
	used      bool  // carried a request before
	heads     []byte
	idleSince int64
}

var (
	_ Stream   = (*conn1)(nil)
	_ Tunneler = (*conn1)(nil)
)

// begin takes the memory of one exchange.
func (c *conn1) begin() {
	c.outBuf = transport.TakeBuffer(transport.SmallBuffer)
	c.out = c.outBuf[:0]
	c.sent, c.whole, c.chunked = false, false, false
}

// atOnce is what the kernel takes of a body without a wait for the backend.
const atOnce = 16 << 10

// Takes implements Stream.
func (c *conn1) Takes(n int) bool { return n <= atOnce }

// RoundTrip implements Stream.
func (c *conn1) RoundTrip(req *message.Request, body []byte, a *Answer) error {
	c.out = http1.AppendRequest(c.out[:0], req)
	switch err := c.WriteBothThenRead(c.out, body); {
	case err == nil:
		c.sent = true
	case !c.Written() || !gone(err) || c.Conn.Fill() != nil:
		return c.broken(err)
	}
	// Else the backend has answered before it had read all, and ended the connection.
	return c.readHead(req, a)
}

// broken says what a connection that failed before the first byte of the answer means.
func (c *conn1) broken(err error) error {
	switch {
	case err == transport.ErrStale, !c.Written():
		return unsent(err)
	case gone(err):
		return ErrNoAnswer
	}
	return err
}

// unsent is the error of a head that did not go out whole: nobody can have acted upon it, but time may have run out.
func unsent(err error) error {
	if errors.Is(err, transport.ErrTimeout) {
		return err
	}
	return ErrUnsent
}

// gone reports whether err means that the peer ended the connection: with TLS and HTTP/2 the end of the connection below
// comes unexpected.
func gone(err error) bool {
	return err == io.EOF || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE)
}

// SendHead implements Stream. What lies unread on a connection that carried a request before is nobody's answer.
func (c *conn1) SendHead(req *message.Request) error {
	if c.used {
		if err := c.Quiet(); err != nil {
			return unsent(err)
		}
	}
	c.out = http1.AppendRequest(c.out[:0], req)
	c.chunked = req.ContentLength == message.UnknownLength
	c.left = req.ContentLength
	if err := c.Write(c.out); err != nil {
		return unsent(err)
	}
	return nil
}

// SendData implements Stream.
func (c *conn1) SendData(p []byte) error {
	if !c.chunked {
		if c.left -= int64(len(p)); c.left < 0 {
			return errLength
		}
		return c.Write(p)
	}
	c.out = http1.AppendChunkHead(c.out[:0], len(p))
	return c.WriteThree(c.out, p, crlf)
}

var crlf = []byte("\r\n")

// SendEnd implements Stream.
func (c *conn1) SendEnd(trailers *header.Map) error {
	if c.chunked {
		c.out = http1.AppendLastChunk(c.out[:0], trailers)
		if err := c.Write(c.out); err != nil {
			return err
		}
	}
	c.sent = c.chunked || c.left == 0
	return nil
}

// Moved counts bytes of the body that were written to the connection itself.
func (c *conn1) Moved(n int64) { c.left -= n }

// errLength is a request's body that is longer than its head says: the backend would read the rest as another request.
var errLength = errors.New("upstream: the body is longer than was said")

// ReadHead implements Stream.
func (c *conn1) ReadHead(req *message.Request, a *Answer) error {
	if err := c.Conn.Fill(); err != nil {
		if gone(err) {
			return ErrNoAnswer
		}
		return err
	}
	return c.readHead(req, a)
}

// readHead parses what has arrived, reads more as needed, and passes informational answers on.
func (c *conn1) readHead(req *message.Request, a *Answer) error {
	asked := http1.Asked{Head: string(req.Method) == "HEAD", Protocol: req.Protocol}
	searched := 0
	for informational := 0; ; {
		head, bad := http1.ParseResponse(c.Bytes(), searched, &c.pool.limits, asked, &a.Response)
		if bad != nil {
			return bad
		}
		if head.Bytes == 0 {
			searched = len(c.Bytes())
			if err := c.Conn.Fill(); err != nil {
				return cutShort(err)
			}
			continue
		}
		a.Bytes += int64(head.Bytes)
		c.Consume(head.Bytes)
		searched = 0
		if a.Response.Status >= 200 || a.Response.Status == 101 {
			c.head = head
			a.Protocol = head.Protocol
			c.openBody(a)
			return nil
		}
		if informational++; informational > message.MaxInformational {
			return ErrInformational
		}
		if a.Informational != nil {
			a.Informational(a.Response.Status, &a.Response.Header)
		}
		a.Response.Header.Reset()
		a.Response.Status = 0
		if len(c.Bytes()) == 0 {
			if err := c.Conn.Fill(); err != nil {
				return cutShort(err)
			}
		}
	}
}

func cutShort(err error) error {
	if gone(err) {
		return ErrCutShort
	}
	return err
}

// openBody prepares the body of the answer. Its frame is large, and must not lie below the reads: the stack of each connection
// of a client would have to grow for it.
//
//go:noinline
func (c *conn1) openBody(a *Answer) {
	switch {
	case c.head.Chunked:
		c.body.ResetChunked(c, &c.pool.limits, nil)
	case c.head.UntilClose:
		c.body.ResetUntilClose(c, &c.pool.limits, nil)
	case a.Response.ContentLength > 0:
		c.body.ResetLength(c, a.Response.ContentLength, &c.pool.limits, nil)
	default:
		c.whole = true
		return
	}
	c.body.OfAnswer()
	a.Response.Body = &c.body
}

// Fill implements http1.Source for the body: the head stays where it is, the body goes on in a larger buffer.
func (c *conn1) Fill() error {
	if c.heads == nil {
		c.heads = c.Detach(transport.StreamBuffer)
	}
	return c.Conn.Fill()
}

// Arm implements Stream.
func (c *conn1) Arm(at int64) { c.Conn.Arm(at) }

// Tunnel implements Tunneler.
func (c *conn1) Tunnel() *transport.Conn { return c.Conn }

// Reused implements Stream.
func (c *conn1) Reused() bool { return c.used }

// Close implements Stream.
func (c *conn1) Close() {
	transport.GiveBuffer(c.outBuf)
	c.out, c.outBuf = nil, nil
	if c.heads != nil {
		transport.GiveBuffer(c.heads)
		c.heads = nil
	}
	whole := c.whole || c.body.AtEnd()
	overdue := c.Conn.Arm(0)
	if !c.sent || !whole || !c.head.KeepAlive || overdue || c.Interrupted() || len(c.Bytes()) > 0 || c.head.Protocol != nil {
		c.pool.drop(c)
		return
	}
	c.head = http1.ResponseHead{}
	c.Release()
	c.used = true
	c.pool.put(c)
}
