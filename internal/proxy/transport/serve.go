package transport

import (
	"errors"
	"io"
	"os"
)

// Verdict is what a Handler wants next.
type Verdict uint8

const (
	// Wait parks until more bytes arrive.
	Wait Verdict = iota
	// Again reads once more before it parks: the handler knows of an end-of-file that came with the last bytes.
	Again
	// Leave makes Serve return nil, for work that reads from the connection itself, or for the end.
	Leave
)

// Handler is called by Serve, in its goroutine.
type Handler interface {
	// Readable is called when Bytes has grown. It may write and may take its time, but must neither Fill nor Close.
	Readable() Verdict
	// Overdue is called when the deadline has passed while parked. true goes on; it has called Arm then.
	Overdue() bool
}

// Serve calls h for the bytes that arrive, until h leaves or the connection ends (io.EOF, ErrTimeout, or another
// error).
//
// The loop lives inside one RawConn.Read, and h runs inside its callback. That is what saves the failed read: the
// runtime forgets a readiness event only when a new RawConn.Read begins, so an event that arrives while h works is
// still there when the callback returns false to park. A read that returned less than it asked for has emptied the
// socket, and whatever comes later makes a new event. The one thing that can hide is an end-of-file which arrived
// together with the last bytes; handlers cover it by asking (HungUp, then Again), or by an early deadline that goes on once
// (see Overdue).
func (c *Conn) Serve(h Handler) error {
	if c.raw == nil {
		return c.servePlain(h)
	}
	c.handler = h
	if c.onReadable == nil {
		c.onReadable = c.readable
	}
	defer func() { c.handler = nil }()
	if c.w > c.r && h.Readable() == Leave {
		return nil
	}
	for {
		c.readErr = nil
		err := c.raw.Read(c.onReadable)
		c.outside()
		if err == nil {
			return c.readErr
		}
		if !errors.Is(err, os.ErrDeadlineExceeded) || c.interrupted.Load() || !h.Overdue() {
			return err
		}
		_ = c.nc.SetDeadline(noDeadline)
		if c.interrupted.Load() { // meanwhile
			return err
		}
	}
}

// readable is the callback of Serve: read once, hand over, park.
func (c *Conn) readable(fd uintptr) bool {
	c.inside(fd)
	for {
		if c.readErr = c.makeRoom(); c.readErr != nil {
			return true
		}
		room := len(c.buf) - c.w
		n, err := c.readNow(fd)
		if n == 0 && err == errWouldBlock {
			c.Release()
			return false
		}
		if n == 0 {
			c.Release()
			c.readErr = orEOF(err)
			return true
		}
		c.w += n
		emptied := n < room
		if c.sock != nil {
			emptied = c.sock.drained
		}
		verdict := c.handOver()
		if verdict == Leave {
			return true
		}
		if emptied && verdict != Again {
			c.Release()
			return false
		}
	}
}

// handOver calls the handler, again as long as TLS holds decrypted bytes that no event will announce.
func (c *Conn) handOver() Verdict {
	for {
		verdict := c.handler.Readable()
		if verdict == Leave || c.sock == nil || c.makeRoom() != nil {
			return verdict
		}
		c.sock.mode = dry
		n, _ := c.nc.Read(c.buf[c.w:])
		c.sock.mode = blocking
		if n == 0 {
			return verdict
		}
		c.w += n
	}
}

// servePlain serves connections that are no sockets.
func (c *Conn) servePlain(h Handler) error {
	if c.w > c.r && h.Readable() == Leave {
		return nil
	}
	for {
		err := c.Fill()
		if err == nil {
			if h.Readable() == Leave {
				return nil
			}
			c.Release()
			continue
		}
		if !errors.Is(err, os.ErrDeadlineExceeded) || c.interrupted.Load() || !h.Overdue() {
			return err
		}
		_ = c.nc.SetDeadline(noDeadline)
		if c.interrupted.Load() { // meanwhile
			return err
		}
	}
}

func orEOF(err error) error {
	if err == nil {
		return io.EOF
	}
	return err
}
