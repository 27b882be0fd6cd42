package downstream

import (
	"errors"

	"github.com/spillway-lb/spillway/internal/proxy/exchange"
	"github.com/spillway-lb/spillway/internal/proxy/header"
	"github.com/spillway-lb/spillway/internal/proxy/http1"
	"github.com/spillway-lb/spillway/internal/proxy/message"
	"github.com/spillway-lb/spillway/internal/proxy/transport"
	"github.com/spillway-lb/spillway/internal/proxy/tunnel"
)

// h1Answer writes the answer of an HTTP/1 exchange.
type h1Answer struct {
	c         *h1Conn
	x         *exchange.Exchange
	buf       []byte
	out       []byte // pending, in buf
	chunked   bool
	keepAlive bool
	// untilClose: the body ends with the connection.
	untilClose bool
	// counted: the body has a length, of which left is still to come.
	counted bool
	left    int64
	sent    bool // bytes of the final answer have left
}

var _ exchange.Downstream = (*h1Answer)(nil)

func (d *h1Answer) begin(x *exchange.Exchange) {
	*d = h1Answer{c: d.c, x: x, buf: transport.TakeBuffer(transport.SmallBuffer)}
	d.out = d.buf[:0]
	d.keepAlive = d.c.head.KeepAlive
}

func (d *h1Answer) end() {
	transport.GiveBuffer(d.buf)
	d.buf, d.out, d.x = nil, nil, nil
}

// Informational implements exchange.Downstream. HTTP/1.0 clients cannot take them.
func (d *h1Answer) Informational(status int, h *header.Map) {
	if d.x.Request.Minor == 0 {
		return
	}
	d.out = http1.AppendInformational(d.out, status, h)
	_ = d.Flush()
	d.sent = false
}

// WriteHead implements exchange.Downstream.
func (d *h1Answer) WriteHead(res *message.Response) error {
	req := &d.x.Request
	to := http1.Reply{Minor: req.Minor, Head: string(req.Method) == "HEAD"}
	if _, announced := res.Header.Get(header.Trailer); announced && res.Body != nil && req.Minor > 0 {
		res.ContentLength = message.UnknownLength // an HTTP/2 backend may send trailers after a body of known length
	}
	if res.ContentLength == message.UnknownLength && res.Body != nil {
		d.chunked = req.Minor > 0
		if !d.chunked {
			d.keepAlive, d.untilClose = false, true
		}
	}
	if d.counted = res.Body != nil && !d.chunked && !d.untilClose; d.counted {
		d.left = res.ContentLength
	}
	if d.c.srv.Draining() || !d.bodyTaken() {
		d.keepAlive = false
	}
	to.KeepAlive = d.keepAlive
	to.Protocol = d.x.Answer.Protocol
	d.out = http1.AppendResponse(d.out, res, to)
	if res.Body == nil {
		return d.Flush()
	}
	return nil
}

// bodyTaken reports whether the request's body has been read, or will be.
func (d *h1Answer) bodyTaken() bool {
	if yes, read := d.x.Uploading(); yes {
		return read
	}
	return d.x.Request.Body == nil || d.c.body.AtEnd() || d.c.body.Whole()
}

// WriteData implements exchange.Downstream.
func (d *h1Answer) WriteData(p []byte) error {
	var tail []byte
	if d.chunked {
		d.out = http1.AppendChunkHead(d.out, len(p))
		tail = chunkEnd
	}
	if d.counted {
		if d.left -= int64(len(p)); d.left < 0 {
			return errLength
		}
	}
	if len(d.out)+len(p)+len(tail) <= cap(d.out) {
		d.out = append(append(d.out, p...), tail...)
		return nil
	}
	d.sent = true
	err := d.c.conn.WriteThree(d.out, p, tail)
	d.out = d.buf[:0]
	return err
}

var chunkEnd = []byte("\r\n")

// errLength is a body that is not as long as was said: what follows would be read as the next answer, or as part of this one.
var errLength = errors.New("downstream: the body is not as long as was said")

// WriteEnd implements exchange.Downstream.
func (d *h1Answer) WriteEnd(trailers *header.Map) error {
	switch {
	case d.chunked:
		d.out = http1.AppendLastChunk(d.out, trailers)
	case d.left != 0:
		return errLength
	}
	return d.Flush()
}

// Flush implements exchange.Downstream.
func (d *h1Answer) Flush() error {
	if len(d.out) == 0 {
		return nil
	}
	d.sent = true
	err := d.c.conn.Write(d.out)
	d.out = d.buf[:0]
	if err != nil {
		d.keepAlive = false
	}
	return err
}

// Retract implements exchange.Downstream.
func (d *h1Answer) Retract() bool {
	if d.sent || d.x.Ended() {
		return false
	}
	*d = h1Answer{c: d.c, x: d.x, buf: d.buf, out: d.buf[:0], keepAlive: d.c.head.KeepAlive}
	return true
}

// Abort implements exchange.Downstream: closing in the middle is how HTTP/1 says that a message is cut short. Where the end of
// the connection would be the end of the body, it is a reset.
func (d *h1Answer) Abort() {
	d.keepAlive = false
	if d.untilClose {
		d.c.conn.Reset()
	}
	d.c.conn.Interrupt()
}

// Farewell implements exchange.Downstream.
func (d *h1Answer) Farewell() {
	d.keepAlive = false
	d.c.conn.Revive(d.c.srv.clock().In(goodbyeTime))
}

// StopBody implements exchange.Downstream.
func (d *h1Answer) StopBody() {
	d.keepAlive = false
	d.c.conn.StopReading()
}

// Conn implements exchange.Downstream.
func (d *h1Answer) Conn() *transport.Conn { return d.c.conn }

// Verbatim implements exchange.Downstream.
func (d *h1Answer) Verbatim() bool { return !d.chunked }

// Moved implements exchange.Downstream.
func (d *h1Answer) Moved(n int64) {
	if d.counted {
		d.left -= n
	}
}

// Tunnel implements exchange.Downstream.
func (d *h1Answer) Tunnel() tunnel.End {
	d.keepAlive = false
	return tunnel.Conn(d.c.conn)
}
