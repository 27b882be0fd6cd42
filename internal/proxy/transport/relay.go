package transport

import (
	"errors"
	"io"
	"syscall"
)

// RelayStep is the most that one step of a Relay moves. Below MinRelay copying costs less.
const (
	RelayStep = 256 << 10
	MinRelay  = 64 << 10
)

// ErrNoPipe means that a Relay cannot move bytes now, and has moved none: they must be read and written.
var ErrNoPipe = errors.New("transport: no pipe")

// Relay moves bytes from one connection to another inside the kernel, through a pipe that it holds only while there is
// something in it. One goroutine uses it: Next, then Flush, and so on, then Close.
type Relay struct {
	from, to *Conn
	pipe     *pipe
	limit    int
	n        int // bytes in the pipe
	err      error

	onReadable func(uintptr) bool // r.readable, once
	onWritable func(uintptr) bool // r.writable, once
}

// NewRelay returns nil where connections or system do not allow it: both must be plain TCP, on Linux.
func NewRelay(from, to *Conn) *Relay {
	if !pipesWork || !from.Plain() || !to.Plain() {
		return nil
	}
	r := &Relay{from: from, to: to}
	r.onReadable, r.onWritable = r.readable, r.writable
	return r
}

// Next waits for bytes and takes up to max of them, which is above 0. What the connection has in its buffer must have been
// consumed before. io.EOF is the peer's orderly end.
func (r *Relay) Next(max int64) (int, error) {
	r.limit, r.n, r.err = int(min(max, RelayStep)), 0, nil
	if err := r.from.raw.Read(r.onReadable); err != nil {
		return 0, err
	}
	return r.n, r.err
}

// NextNow is Next without waiting, for a Handler's Readable; 0 when nothing is there.
func (r *Relay) NextNow(max int64) (int, error) {
	r.limit, r.n, r.err = int(min(max, RelayStep)), 0, nil
	if r.from.readFD < 0 {
		return 0, ErrNoPipe
	}
	r.readable(uintptr(r.from.readFD))
	return r.n, r.err
}

// Flush writes what Next took.
func (r *Relay) Flush() error {
	if r.n == 0 {
		return nil
	}
	r.err = nil
	if err := r.to.raw.Write(r.onWritable); err != nil {
		return err
	}
	return r.err
}

// Close gives the pipe back.
func (r *Relay) Close() { r.release() }

func (r *Relay) release() {
	switch {
	case r.pipe == nil:
	case r.n > 0:
		r.pipe.discard()
	default:
		givePipe(r.pipe)
	}
	r.pipe = nil
}

// readable is the callback of Next: move, or park without a pipe.
func (r *Relay) readable(fd uintptr) bool {
	if r.pipe == nil {
		if r.pipe = takePipe(); r.pipe == nil {
			r.err = ErrNoPipe
			return true
		}
	}
	n, errno := r.pipe.fill(int(fd), r.limit)
	switch {
	case errno == syscall.EAGAIN:
		r.release()
		return false
	case errno == syscall.EINVAL:
		r.err = ErrNoPipe
	case errno != 0:
		r.err = errno
	case n == 0:
		r.err = io.EOF
	}
	r.n = n
	return true
}

// writable is the callback of Flush: move until the pipe is empty.
func (r *Relay) writable(fd uintptr) bool {
	for r.n > 0 {
		n, errno := r.pipe.drain(int(fd), r.n)
		switch {
		case errno == syscall.EAGAIN:
			return false
		case errno != 0:
			r.err = errno
			return true
		case n == 0:
			r.err = io.ErrUnexpectedEOF
			return true
		}
		r.n -= n
	}
	return true
}
