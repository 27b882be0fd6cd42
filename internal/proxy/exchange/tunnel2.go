package exchange

import (
	"crypto/rand"
	"encoding/base64"
	"io"

	"github.com/spillway-lb/spillway/internal/proxy/http2"
	"github.com/spillway-lb/spillway/internal/proxy/message"
	"github.com/spillway-lb/spillway/internal/proxy/transport"
	"github.com/spillway-lb/spillway/internal/proxy/upstream"
)

// Tunnels with an HTTP/2 stream at one end or both. Inside the proxy every request for a protocol has the form of an
// HTTP/1 Upgrade (GET, answered by 101), so that routes and hooks see one form; extended CONNECT (RFC 8441) is turned
// into it here and in package upstream, and back.

var (
	methodGet       = []byte("GET")
	protocolWS      = []byte("websocket")
	websocketKey    = []byte("sec-websocket-key")
	websocketAccept = []byte("sec-websocket-accept")
)

// asUpgrade turns an extended CONNECT into an Upgrade. What the client sends from now on waits for the tunnel.
func (x *Exchange) asUpgrade(d *down2) bool {
	req := &x.Request
	if len(req.Protocol) == 0 || req.Body == nil {
		return false
	}
	req.Method = methodGet
	d.tunnel, req.Body, req.ContentLength = req.Body, nil, 0
	if _, ok := req.Header.GetName(websocketKey); !ok && string(req.Protocol) == string(protocolWS) {
		// HTTP/2 does without the key, an HTTP/1 backend needs one.
		var nonce [16]byte
		_, _ = rand.Read(nonce[:])
		at := len(x.arena)
		x.arena = base64.StdEncoding.AppendEncode(x.arena, nonce[:])
		req.Header.Add(websocketKey, x.arena[at:])
	}
	return true
}

// end is one side of a tunnel. next is used by one goroutine, the rest by another, interrupt by both.
type end interface {
	// next waits for bytes; they are valid until the following call. io.EOF is the side's orderly end.
	next() ([]byte, error)
	write(p []byte) error
	closeWrite()
	interrupt()
}

// clientEnd is the client's side; conn is nil when that is a stream.
func (x *Exchange) clientEnd(conn *transport.Conn) end {
	if d, ok := x.down.(*down2); ok {
		return &clientStream{d: d}
	}
	conn.Share()
	return &connEnd{conn: conn}
}

// backendEnd is the backend's side; t is nil when that is a stream.
func (x *Exchange) backendEnd(t upstream.Tunneler) end {
	if t == nil {
		return &backendStream{stream: x.current.stream, body: x.Answer.Response.Body}
	}
	conn := t.Tunnel()
	conn.Share()
	return &connEnd{conn: conn}
}

// join passes bytes both ways until both sides have ended, or one broke. It returns what went from b to a.
func join(a, b end, w *watch) int64 {
	done := make(chan struct{})
	go func() {
		defer close(done)
		pour(b, a, w)
	}()
	n := pour(a, b, w)
	<-done
	return n
}

func pour(to, from end, w *watch) (n int64) {
	for {
		p, err := from.next()
		if err == io.EOF {
			to.closeWrite()
			return n
		}
		if err == nil {
			n += int64(len(p))
			w.moved()
			err = to.write(p)
		}
		if err != nil {
			from.interrupt()
			to.interrupt()
			return n
		}
	}
}

// connEnd is a connection.
type connEnd struct {
	conn  *transport.Conn
	taken int
}

func (e *connEnd) next() ([]byte, error) {
	e.conn.Consume(e.taken)
	e.taken = 0
	if len(e.conn.Bytes()) == 0 {
		if err := e.conn.Fill(); err != nil {
			if transport.EOF(err) {
				err = io.EOF
			}
			return nil, err
		}
	}
	p := e.conn.Bytes()
	e.taken = len(p)
	return p, nil
}

func (e *connEnd) write(p []byte) error { return e.conn.Write(p) }

func (e *connEnd) closeWrite() { e.conn.CloseWrite() }

func (e *connEnd) interrupt() { e.conn.Interrupt() }

// clientStream is a client's stream.
type clientStream struct{ d *down2 }

func (e *clientStream) next() ([]byte, error) { return e.d.tunnel.Next() }

func (e *clientStream) write(p []byte) error {
	err := e.d.st.WriteData(p, false)
	e.d.st.Flush()
	return err
}

func (e *clientStream) closeWrite() { _ = e.d.st.WriteData(nil, true) }

func (e *clientStream) interrupt() { e.d.st.Reset(http2.CodeCancel) }

// backendStream is a stream of a backend.
type backendStream struct {
	stream upstream.Stream
	body   message.Body
}

func (e *backendStream) next() ([]byte, error) { return e.body.Next() }

func (e *backendStream) write(p []byte) error { return e.stream.SendData(p) }

func (e *backendStream) closeWrite() { _ = e.stream.SendEnd(nil) }

func (e *backendStream) interrupt() { e.stream.Interrupt() }
