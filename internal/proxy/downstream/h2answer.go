package downstream

import (
	"github.com/spillway-lb/spillway/internal/proxy/exchange"
	"github.com/spillway-lb/spillway/internal/proxy/header"
	"github.com/spillway-lb/spillway/internal/proxy/http2"
	"github.com/spillway-lb/spillway/internal/proxy/message"
	"github.com/spillway-lb/spillway/internal/proxy/metrics"
	"github.com/spillway-lb/spillway/internal/proxy/transport"
	"github.com/spillway-lb/spillway/internal/proxy/tunnel"
)

// h2Answer writes the answer of an HTTP/2 exchange. It is used again for others.
type h2Answer struct {
	x     *exchange.Exchange
	st    *http2.ServerStream
	shard *metrics.Shard
	// tunnel is what the client sends after an extended CONNECT.
	tunnel message.Body
	cut    func()      // ends the exchange, bound once
	look   func() bool // tick, bound once
	clock  *transport.Clock
	late   int // ticks since the exchange was ended
}

// endingTicks is what an exchange that was ended has for its answer.
const endingTicks = 3

// tick looks after the exchange, under the lock of the client's connection. true: the stream is to be reset, because its
// client does not even take the answer that says why it ends.
func (d *h2Answer) tick() bool {
	if d.x.Ended() {
		d.late++
		return d.late > endingTicks
	}
	if why, overdue := d.x.Overdue(d.clock.Now()); overdue {
		d.x.End(why)
	}
	return false
}

var _ exchange.Downstream = (*h2Answer)(nil)

// Informational implements exchange.Downstream.
func (d *h2Answer) Informational(status int, h *header.Map) { _ = d.st.WriteInformational(status, h) }

// WriteHead implements exchange.Downstream.
func (d *h2Answer) WriteHead(res *message.Response) error {
	if d.tunnel != nil && d.x.Switched() {
		res.Header.DelName(websocketAccept)
		return d.st.WriteHead(200, &res.Header, false)
	}
	if res.ContentLength >= 0 && res.Body != nil {
		res.Header.SetID(header.ContentLength, d.x.BuildInt(res.ContentLength))
	}
	return d.st.WriteHead(res.Status, &res.Header, res.Body == nil)
}

// WriteData implements exchange.Downstream.
func (d *h2Answer) WriteData(p []byte) error { return d.st.WriteData(p, false) }

// WriteEnd implements exchange.Downstream.
func (d *h2Answer) WriteEnd(trailers *header.Map) error {
	if trailers != nil && trailers.Len() > 0 {
		return d.st.WriteTrailers(trailers)
	}
	return d.st.WriteData(nil, true)
}

// Flush implements exchange.Downstream.
func (d *h2Answer) Flush() error {
	d.st.Flush()
	return nil
}

// Retract implements exchange.Downstream: what is written may leave with the frames of others.
func (d *h2Answer) Retract() bool { return false }

// Abort implements exchange.Downstream.
func (d *h2Answer) Abort() { d.st.Reset(http2.CodeInternal) }

// Farewell implements exchange.Downstream: a stream that was cut takes nothing more.
func (d *h2Answer) Farewell() {}

// StopBody implements exchange.Downstream.
func (d *h2Answer) StopBody() { d.st.AbortBody(transport.ErrTimeout) }

// Conn implements exchange.Downstream.
func (d *h2Answer) Conn() *transport.Conn { return nil }

// Verbatim implements exchange.Downstream: every piece is framed.
func (d *h2Answer) Verbatim() bool { return false }

// Moved implements exchange.Downstream.
func (d *h2Answer) Moved(int64) {}

// Tunnel implements exchange.Downstream.
func (d *h2Answer) Tunnel() tunnel.End { return &clientStream{d: d} }
