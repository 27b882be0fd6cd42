package transport

import (
	"crypto/tls"
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// ErrBufferFull means that Fill found no room: the message head exceeds the largest buffer.
var ErrBufferFull = errors.New("transport: buffer full")

// ErrStale means that a reused connection was closed by the peer, or held bytes nobody asked for. Nothing was written.
var ErrStale = errors.New("transport: connection went stale while idle")

// ErrTimeout is the error of every wait that Arm's deadline ended.
var ErrTimeout = os.ErrDeadlineExceeded

// longAgo makes every wait on a socket fail at once.
var longAgo = time.Unix(1, 0)

// noDeadline takes a socket deadline away.
var noDeadline time.Time

// Conn is one connection. See the package comment.
type Conn struct {
	nc   net.Conn
	sock *socket         // under TLS; nil for plain connections
	raw  syscall.RawConn // nil when nc is no socket (tests): plain reads then
	fd   int             // inside a RawConn.Read of this connection, else -1
	// readFD is fd also of a shared connection. It belongs to the goroutine that reads.
	readFD int
	clock  *Clock
	timer  *Timer

	buf   []byte
	r, w  int
	first int // size of the buffer taken when there is none

	handler     Handler
	readErr     error
	onReadable  func(uintptr) bool // c.readable, from the first Serve on
	onAnswer    func(uintptr) bool // c.answer, from the first WriteThenRead on
	onQuiet     func(uintptr) bool // c.listen, from the first Quiet on
	out         [2][]byte
	wrote       bool
	shared      bool // see Share
	interrupted atomic.Bool
	waking      sync.Mutex
	closed      bool // the timer is somebody else's; guarded by waking
	vector      [3][]byte
	vectors     net.Buffers
}

// NewConn wraps nc: a *net.TCPConn, a *tls.Conn from TLSServer or TLSClient after its handshake, or any other.
func NewConn(nc net.Conn, clock *Clock) *Conn {
	c := &Conn{nc: nc, clock: clock, first: SmallBuffer, fd: -1, readFD: -1}
	switch t := nc.(type) {
	case *net.TCPConn:
		c.raw, _ = t.SyscallConn()
	case *tls.Conn:
		if s, ok := t.NetConn().(*socket); ok {
			c.sock = s
			c.raw, _ = s.SyscallConn()
		}
	}
	c.timer = clock.NewTimer(c)
	return c
}

// NetConn is the connection below, for tunnels and for HTTP/2. Bytes must be empty, or be read first.
func (c *Conn) NetConn() net.Conn { return c.nc }

// Plain reports whether the connection is TCP without TLS.
func (c *Conn) Plain() bool { return c.raw != nil && c.sock == nil }

// Clock is the clock the connection's deadlines follow.
func (c *Conn) Clock() *Clock { return c.clock }

// Arm sets the deadline of all reads and writes, in the clock's time; 0 is none. It reports whether the deadline set
// before had already fired, in which case waits go on failing until Revive.
func (c *Conn) Arm(at int64) bool { return c.timer.Arm(at) }

// BufferSize is the size of the buffer that is taken when bytes arrive. The default is SmallBuffer.
func (c *Conn) BufferSize(size int) { c.first = size }

// OnExpire makes e be told, instead of the Conn itself, when the deadline has passed. It may call Expire, or Rearm.
func (c *Conn) OnExpire(e Expirer) { c.clock.setOwner(c.timer, e) }

// Rearm sets a new deadline from within an Expirer.
func (c *Conn) Rearm(at int64) { c.timer.at.CompareAndSwap(fired, at) }

// StopReading makes reads fail from now on; writes go on.
func (c *Conn) StopReading() { _ = c.nc.SetReadDeadline(longAgo) }

// Overdue reports whether the deadline has fired.
func (c *Conn) Overdue() bool { return c.timer.Fired() }

// Expire ends every wait. The clock calls it.
func (c *Conn) Expire() { _ = c.nc.SetDeadline(longAgo) }

// Interrupt ends every wait now and for good, from any goroutine.
func (c *Conn) Interrupt() {
	c.interrupted.Store(true)
	_ = c.nc.SetDeadline(longAgo)
}

// Interrupted reports whether Interrupt was called.
func (c *Conn) Interrupted() bool { return c.interrupted.Load() }

// Wake makes the deadline pass with the next tick, from any goroutine; after the end it does nothing.
func (c *Conn) Wake() {
	c.waking.Lock()
	defer c.waking.Unlock()
	if !c.closed {
		c.timer.Arm(soon)
	}
}

// Revive sets a new deadline after the last one has fired, to say goodbye with.
func (c *Conn) Revive(at int64) {
	c.timer.Arm(at)
	_ = c.nc.SetDeadline(noDeadline)
}

// HungUp reports whether the peer has closed its sending side. It reads nothing.
func (c *Conn) HungUp() bool {
	if c.raw == nil {
		return false
	}
	var up bool
	err := c.raw.Control(func(fd uintptr) { up = hungUp(int(fd)) })
	return err != nil || up
}

// Bytes is what has been read and not consumed. It moves when Fill is called.
func (c *Conn) Bytes() []byte { return c.buf[c.r:c.w] }

// Consume marks the first n of Bytes as done with; they stay in place until the next Fill.
func (c *Conn) Consume(n int) { c.r += n }

// Detach hands the buffer with all it holds to the caller, who gives it back with GiveBuffer. Unread bytes are copied to
// a new one of at least size bytes: what was read before stays where it is while the connection reads on.
func (c *Conn) Detach(size int) (owned []byte) {
	owned = c.buf
	unread := c.buf[c.r:c.w]
	c.buf = TakeBuffer(max(size, len(unread)))
	c.r, c.w = 0, copy(c.buf, unread)
	return owned
}

// Release gives the buffer back if nothing unread is in it.
func (c *Conn) Release() {
	if c.buf != nil && c.r == c.w {
		GiveBuffer(c.buf)
		c.buf, c.r, c.w = nil, 0, 0
	}
}

// Room makes the buffer at least size bytes large and moves unread bytes to its start.
func (c *Conn) Room(size int) {
	if len(c.buf) >= size && c.r == 0 {
		return
	}
	if len(c.buf) >= size {
		c.w = copy(c.buf, c.buf[c.r:c.w])
		c.r = 0
		return
	}
	next := TakeBuffer(size)
	n := copy(next, c.buf[c.r:c.w])
	if c.buf != nil {
		GiveBuffer(c.buf)
	}
	c.buf, c.r, c.w = next, 0, n
}

// Fill waits for more bytes. A full buffer grows to the next size; ErrBufferFull when there is none.
func (c *Conn) Fill() error {
	if err := c.makeRoom(); err != nil {
		return err
	}
	if c.sock != nil {
		c.sock.mode = blocking
	}
	n, err := c.nc.Read(c.buf[c.w:])
	c.w += n
	if n > 0 {
		return nil
	}
	return err
}

// FillNow is Fill without waiting, for a Handler's Readable. It reports whether anything came.
func (c *Conn) FillNow() bool {
	if c.fd < 0 || c.makeRoom() != nil {
		return false
	}
	n, _ := c.readNow(uintptr(c.fd))
	c.w += n
	return n > 0
}

func (c *Conn) makeRoom() error {
	switch {
	case c.buf == nil:
		c.buf = TakeBuffer(c.first)
	case c.r == c.w:
		c.r, c.w = 0, 0
	case c.w < len(c.buf):
	case c.r > 0:
		c.w = copy(c.buf, c.buf[c.r:c.w])
		c.r = 0
	case len(c.buf) >= LargeBuffer:
		return ErrBufferFull
	default:
		c.Room(len(c.buf) + 1)
	}
	return nil
}

// Write writes all of p.
func (c *Conn) Write(p []byte) error {
	if c.fd >= 0 && c.sock == nil {
		n := sendFD(c.fd, p)
		if n == len(p) {
			return nil
		}
		p = p[n:]
	}
	_, err := c.nc.Write(p)
	return err
}

// Share says that another goroutine writes while this one reads, from now on.
func (c *Conn) Share() { c.shared = true }

// inside says that a RawConn.Read holds the descriptor open, so that reads and writes of this goroutine may use it as it
// is.
func (c *Conn) inside(fd uintptr) {
	c.readFD = int(fd)
	if c.shared {
		return
	}
	c.fd = int(fd)
	if c.sock != nil {
		c.sock.fd = int(fd)
	}
}

// outside is the end of inside.
func (c *Conn) outside() {
	c.readFD = -1
	if c.shared {
		return
	}
	c.fd = -1
	if c.sock != nil {
		c.sock.fd = -1
	}
}

// WriteThree writes its arguments in order, in one system call where the connection can.
func (c *Conn) WriteThree(first, second, third []byte) error {
	if !c.Plain() {
		return c.writeJoined(first, second, third)
	}
	c.vector = [3][]byte{first, second, third}
	if c.fd >= 0 {
		skip(c.vector[:], sendVector(c.fd, &c.vector))
	}
	c.vectors = c.vector[:]
	for len(c.vectors) > 0 && len(c.vectors[0]) == 0 {
		c.vectors = c.vectors[1:]
	}
	var err error
	if len(c.vectors) > 0 {
		_, err = c.vectors.WriteTo(c.nc)
	}
	c.vector = [3][]byte{}
	return err
}

// record is how much one TLS record carries.
const record = 16 << 10

// writeJoined fills records with as many of the pieces as fit, for each record costs a system call.
func (c *Conn) writeJoined(pieces ...[]byte) error {
	buffer := TakeBuffer(record)
	defer GiveBuffer(buffer)
	joined := buffer[:0]
	for _, p := range pieces {
		if len(joined) > 0 || len(p) < record {
			n := min(len(p), record-len(joined))
			joined, p = append(joined, p[:n]...), p[n:]
		}
		if len(p) == 0 {
			continue
		}
		if len(joined) > 0 {
			if err := c.Write(joined); err != nil {
				return err
			}
			joined = joined[:0]
		}
		if err := c.Write(p); err != nil {
			return err
		}
	}
	if len(joined) == 0 {
		return nil
	}
	return c.Write(joined)
}

// skip takes the first n bytes off.
func skip(parts [][]byte, n int) {
	for i := range parts {
		m := min(n, len(parts[i]))
		parts[i] = parts[i][m:]
		n -= m
	}
}

// CloseWrite ends the sending side, as far as the connection can.
func (c *Conn) CloseWrite() {
	if h, ok := c.nc.(interface{ CloseWrite() error }); ok {
		_ = h.CloseWrite()
	}
}

// Reset makes Close a reset, which no peer takes for an orderly end.
func (c *Conn) Reset() {
	if l, ok := c.nc.(interface{ SetLinger(sec int) error }); ok {
		_ = l.SetLinger(0)
	}
}

// Close ends the connection and gives its buffer and its timer back. Never call it inside Handler.Readable.
func (c *Conn) Close() {
	_ = c.nc.Close()
	c.free()
}

func (c *Conn) free() {
	c.waking.Lock()
	again := c.closed
	c.closed = true
	c.waking.Unlock()
	if again {
		return
	}
	c.timer.Arm(never)
	c.clock.Release(c.timer)
	if c.buf != nil {
		GiveBuffer(c.buf)
		c.buf, c.r, c.w = nil, 0, 0
	}
}

// Surrender ends the Conn but not the connection below: that goes to the caller, with the bytes that were read of it.
func (c *Conn) Surrender() (nc net.Conn, unread []byte) {
	unread = append([]byte(nil), c.Bytes()...)
	c.free()
	_ = c.nc.SetDeadline(noDeadline)
	return c.nc, unread
}

// readNow reads without waiting into room for at least one byte.
func (c *Conn) readNow(fd uintptr) (n int, err error) {
	if c.sock == nil {
		return readFD(int(fd), c.buf[c.w:])
	}
	c.sock.mode, c.sock.from, c.sock.drained = nonblock, int(fd), false
	n, err = c.nc.Read(c.buf[c.w:])
	c.sock.mode = blocking
	if err != nil && errors.Is(err, errWouldBlock) {
		err = errWouldBlock
	}
	return n, err
}

// EOF reports whether err means that the peer closed properly.
func EOF(err error) bool { return errors.Is(err, io.EOF) }
