package tunnel

import (
	"io"

	"github.com/spillway-lb/spillway/internal/guard"
	"github.com/spillway-lb/spillway/internal/proxy/transport"
)

// End is one side of a tunnel. Next is used by one goroutine, the rest by another, Interrupt by both.
type End interface {
	// Next waits for bytes; they are valid until the following call. io.EOF is the side's orderly end.
	Next() ([]byte, error)
	Write(p []byte) error
	CloseWrite()
	Interrupt()
}

// Progress is told of every piece that passes.
type Progress interface{ Moved() }

// Conn makes a connection an End.
func Conn(c *transport.Conn) End { return &connEnd{conn: c} }

// Run passes bytes both ways until both sides have ended, or one broke. It returns what went from b to a. A panic in either
// way breaks the tunnel, and nothing else.
func Run(g *guard.Guard, a, b End, p Progress) int64 {
	ca, plainA := a.(*connEnd)
	cb, plainB := b.(*connEnd)
	if plainA {
		ca.conn.Share()
	}
	if plainB {
		cb.conn.Share()
	}
	if plainA && plainB {
		return connect(g, ca.conn, cb.conn, p)
	}
	return join(g, a, b, p)
}

// join passes bytes both ways until both sides have ended, or one broke. It returns what went from b to a.
func join(g *guard.Guard, a, b End, p Progress) (n int64) {
	broke := func() {
		a.Interrupt()
		b.Interrupt()
	}
	both(g, broke, func() { pour(b, a, p) }, func() { n = pour(a, b, p) })
	return n
}

// both runs the two ways, and returns when both have ended. broke ends the other after a panic.
func both(g *guard.Guard, broke, up, down func()) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer g.Recover("tunnel", broke)
		up()
	}()
	func() {
		defer g.Recover("tunnel", broke)
		down()
	}()
	<-done
}

func pour(to, from End, progress Progress) (n int64) {
	for {
		p, err := from.Next()
		if err == io.EOF {
			to.CloseWrite()
			return n
		}
		if err == nil {
			n += int64(len(p))
			progress.Moved()
			err = to.Write(p)
		}
		if err != nil {
			from.Interrupt()
			to.Interrupt()
			return n
		}
	}
}

// connEnd is a connection.
type connEnd struct {
	conn  *transport.Conn
	taken int
}

func (e *connEnd) Next() ([]byte, error) {
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

func (e *connEnd) Write(p []byte) error { return e.conn.Write(p) }

func (e *connEnd) CloseWrite() { e.conn.CloseWrite() }

func (e *connEnd) Interrupt() { e.conn.Interrupt() }
