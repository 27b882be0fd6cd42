package exchange

import (
	"bytes"

	"github.com/spillway-lb/spillway/internal/proxy/accesslog"
	"github.com/spillway-lb/spillway/internal/proxy/transport"
	"github.com/spillway-lb/spillway/internal/proxy/upstream"
)

// runTunnel connects both sides after a 101. Each direction has a goroutine that holds a buffer only while bytes pass.
func (x *Exchange) runTunnel() {
	defer x.release(&x.current)
	x.answering = true
	err := x.down.WriteHead(&x.Answer.Response)
	if err == nil {
		err = x.down.Flush()
	}
	if err != nil {
		x.down.Abort()
		return
	}
	x.details = accesslog.UpgradedConnection
	x.watch.tunnel.Store(true)
	x.detachRequest()
	client, plain := x.down.Tunnel()
	up, toConn := x.current.stream.(upstream.Tunneler)
	if plain && toConn {
		x.outBytes += connect(client, up.Tunnel(), &x.watch)
	} else {
		x.outBytes += join(x.clientEnd(client), x.backendEnd(up), &x.watch)
	}
	x.backEnd = x.now()
}

// detachRequest copies the request's head, for the log at the end of a tunnel: the tunnel gives away the buffer that the
// head came in, and other connections use it then.
func (x *Exchange) detachRequest() {
	q := &x.Request
	q.Method, q.Authority, q.Path = bytes.Clone(q.Method), bytes.Clone(q.Authority), bytes.Clone(q.Path)
	for i := range q.Header.Len() {
		f := q.Header.At(i)
		f.Name, f.Value = bytes.Clone(f.Name), bytes.Clone(f.Value)
	}
}

// direction copies from one connection to the other, as a transport.Handler.
type direction struct {
	from, to *transport.Conn
	watch    *watch
	way      *transport.Relay // for what comes in bulk
	bytes    int64
	err      error
}

// connect passes bytes both ways until both sides have ended, or one broke. It returns what went from b to a.
func connect(a, b *transport.Conn, w *watch) int64 {
	up := &direction{from: a, to: b, watch: w}
	down := &direction{from: b, to: a, watch: w}
	a.Share()
	b.Share()
	done := make(chan struct{})
	go func() {
		defer close(done)
		up.run()
	}()
	down.run()
	<-done
	return down.bytes
}

func (d *direction) run() {
	d.from.BufferSize(transport.StreamBuffer)
	err := d.from.Serve(d)
	if transport.EOF(err) && d.err == nil {
		d.to.CloseWrite()
		return
	}
	d.from.Interrupt()
	d.to.Interrupt()
}

// Readable implements transport.Handler. It asks for another read because the end of a tunnel likes to come with the last
// bytes, as after a WebSocket's close frame, and no further event would tell.
func (d *direction) Readable() transport.Verdict {
	p := d.from.Bytes()
	d.bytes += int64(len(p))
	d.watch.moved()
	if d.err = d.to.Write(p); d.err != nil {
		return transport.Leave
	}
	d.from.Consume(len(p))
	if len(p) >= transport.StreamBuffer {
		return d.move()
	}
	return transport.Again
}

// Overdue implements transport.Handler. A tunnel ends when the watcher of the
// client's connection sees nothing move.
func (d *direction) Overdue() bool { return false }
