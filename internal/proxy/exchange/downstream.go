package exchange

import (
	"github.com/spillway-lb/spillway/internal/proxy/header"
	"github.com/spillway-lb/spillway/internal/proxy/message"
	"github.com/spillway-lb/spillway/internal/proxy/transport"
	"github.com/spillway-lb/spillway/internal/proxy/tunnel"
)

// Downstream is the client's side of one exchange. An answer is WriteHead, then WriteData any number of times and
// WriteEnd, unless the head had no body. Nothing need be sent before Flush or the end.
type Downstream interface {
	// Informational passes a 1xx on, where the client can take it.
	Informational(status int, h *header.Map)
	WriteHead(res *message.Response) error
	WriteData(p []byte) error
	WriteEnd(trailers *header.Map) error
	Flush() error
	// Retract takes back an answer of which nothing has been sent: another may be written. It reports whether it could.
	Retract() bool
	// Abort ends an answer that cannot be completed, so that the client notices.
	Abort()
	// Farewell lets a last answer out of an exchange that was interrupted, for a moment.
	Farewell()
	// StopBody makes reads of the request's body fail, also one under way in another goroutine.
	StopBody()
	// Conn is the client's connection, if the exchange has one of its own; nil for a stream.
	Conn() *transport.Conn
	// Verbatim reports whether the answer's body goes out as it is, so that it can be moved into Conn.
	Verbatim() bool
	// Moved says that so many bytes of it have been.
	Moved(n int64)
	// Tunnel takes the connection or stream over after an answer with protocol has been written.
	Tunnel() tunnel.End
}
