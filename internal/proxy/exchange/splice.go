package exchange

import (
	"io"

	"github.com/spillway-lb/spillway/internal/proxy/message"
	"github.com/spillway-lb/spillway/internal/proxy/transport"
	"github.com/spillway-lb/spillway/internal/proxy/upstream"
)

// Large bodies and tunnels between plain TCP connections are moved inside the kernel, where nothing has to look at them.

// movable is a body whose bytes need not be read (*http1.Body). A hook that wants to see them wraps the body.
type movable interface {
	Unread() int64
	Moved(n int64, err error) error
}

// counting is a stream that counts what goes around it.
type counting interface{ Moved(n int64) }

// relay makes what moves bytes between two connections; nil where that cannot be. Either may be nil.
func relay(from, to *transport.Conn) *transport.Relay {
	if from == nil || to == nil {
		return nil
	}
	return transport.NewRelay(from, to)
}

// streamConn is the backend's connection, if the stream has one of its own.
func streamConn(s upstream.Stream) *transport.Conn {
	if t, ok := s.(upstream.Tunneler); ok {
		return t.Tunnel()
	}
	return nil
}

// moveAnswer moves what is left of a large answer's body to a client that gets it as it is. What it does not move is read
// as usual.
func (x *Exchange) moveAnswer(b message.Body) error {
	m, ok := b.(movable)
	if !ok || !x.down.Verbatim() || m.Unread() < transport.MinRelay {
		return nil
	}
	r := relay(streamConn(x.current.Stream), x.down.Conn())
	if r == nil {
		return nil
	}
	defer r.Close()
	for left := m.Unread(); left > 0; left = m.Unread() {
		n, err := r.Next(left)
		if err == transport.ErrNoPipe {
			return nil
		}
		if err = m.Moved(int64(n), err); err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		x.outBytes += int64(n)
		x.down.Moved(int64(n))
		x.watch.Moved()
		if err := r.Flush(); err != nil {
			return errDownstream{err}
		}
	}
	return nil
}

// move is moveAnswer for the rest of a request's body, of which no more is kept.
func (p *pump) move() (bodyErr, writeErr error) {
	r := &p.x.body
	m, ok := r.alone(p).(movable)
	if !ok || p.x.Sent.ContentLength < 0 || m.Unread() < transport.MinRelay {
		return nil, nil
	}
	way := relay(p.x.down.Conn(), streamConn(p.stream))
	if way == nil {
		return nil, nil
	}
	defer way.Close()
	for left := m.Unread(); left > 0; left = m.Unread() {
		p.waiting.Store(true)
		n, err := way.Next(left)
		p.waiting.Store(false)
		if err == transport.ErrNoPipe {
			return nil, nil
		}
		if err = m.Moved(int64(n), err); err != nil {
			return err, nil
		}
		r.bytes += int64(n)
		if c, ok := p.stream.(counting); ok {
			c.Moved(int64(n))
		}
		p.x.watch.Moved()
		if int64(n) == left {
			p.final.Store(true)
		}
		if err := way.Flush(); err != nil {
			return nil, err
		}
	}
	return nil, nil
}
