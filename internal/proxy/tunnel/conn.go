package tunnel

import (
	"github.com/spillway-lb/spillway/internal/guard"
	"github.com/spillway-lb/spillway/internal/proxy/transport"
)

// direction copies from one connection to the other, as a transport.Handler.
type direction struct {
	from, to *transport.Conn
	progress Progress
	way      *transport.Relay // for what comes in bulk
	bytes    int64
	err      error
}

// connect passes bytes both ways until both sides have ended, or one broke. It returns what went from b to a.
func connect(g *guard.Guard, a, b *transport.Conn, p Progress) int64 {
	up := &direction{from: a, to: b, progress: p}
	down := &direction{from: b, to: a, progress: p}
	broke := func() {
		a.Interrupt()
		b.Interrupt()
	}
	both(g, broke, up.run, down.run)
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
	d.progress.Moved()
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

// move passes on what follows a full buffer of a tunnel, as far as it has arrived.
func (d *direction) move() transport.Verdict {
	if d.way == nil {
		if d.way = transport.NewRelay(d.from, d.to); d.way == nil {
			return transport.Again
		}
	}
	defer d.way.Close()
	for {
		n, err := d.way.NextNow(transport.RelayStep)
		if n == 0 || err != nil {
			return transport.Again // the end, or an error, is met by the read
		}
		d.bytes += int64(n)
		d.progress.Moved()
		if d.err = d.way.Flush(); d.err != nil {
			return transport.Leave
		}
	}
}
