package transport

import (
	"bytes"
	"errors"
	"io"
	"net"
	"syscall"
	"testing"
	"time"
)

// pair is a Conn on TCP and the other end of it.
func pair(t *testing.T) (*Conn, *net.TCPConn) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = ln.Close() }()
	far, err := net.Dial("tcp", ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	near, err := ln.Accept()
	if err != nil {
		t.Fatal(err)
	}
	clock := NewClock()
	c := NewConn(near, clock)
	t.Cleanup(func() {
		_ = far.Close()
		clock.Stop()
	})
	return c, far.(*net.TCPConn)
}

// collector is a Handler that keeps what comes.
type collector struct {
	conn  *Conn
	got   bytes.Buffer
	calls int
	leave func() bool
	again func() bool
}

func (h *collector) Readable() Verdict {
	h.calls++
	p := h.conn.Bytes()
	h.got.Write(p)
	h.conn.Consume(len(p))
	if h.leave != nil && h.leave() {
		return Leave
	}
	if h.conn.HungUp() {
		return Again // an end-of-file that came with the bytes makes no event of its own
	}
	return Wait
}

func (h *collector) Overdue() bool { return h.again != nil && h.again() }

func TestServeReadsEverything(t *testing.T) {
	c, far := pair(t)
	defer c.Close()
	want := bytes.Repeat([]byte("0123456789"), 10000)
	go func() {
		for p := want; len(p) > 0; {
			n := min(len(p), 4096) // exactly the buffer, so that the socket is not known to be empty
			_, _ = far.Write(p[:n])
			p = p[n:]
		}
		_ = far.CloseWrite()
	}()
	h := &collector{conn: c}
	if err := c.Serve(h); err != io.EOF {
		t.Errorf("%v", err)
	}
	if !bytes.Equal(h.got.Bytes(), want) {
		t.Errorf("%d bytes", h.got.Len())
	}
	if c.buf != nil {
		t.Error("an idle connection holds a buffer")
	}
}

// TestBytesThatArriveWhileTheHandlerWorks is the case in which an event could be lost.
func TestBytesThatArriveWhileTheHandlerWorks(t *testing.T) {
	c, far := pair(t)
	defer c.Close()
	h := &collector{conn: c}
	h.leave = func() bool {
		if h.got.Len() < 200 {
			_, _ = far.Write([]byte("x")) // arrives before the callback returns
		}
		return h.got.Len() == 200
	}
	_, _ = far.Write([]byte("x"))
	c.Arm(c.Clock().In(10 * time.Second))
	if err := c.Serve(h); err != nil {
		t.Fatalf("after %d bytes: %v", h.got.Len(), err)
	}
}

func TestDeadlinesEndServeUnlessTheHandlerGoesOn(t *testing.T) {
	c, far := pair(t)
	defer c.Close()
	n := 0
	h := &collector{conn: c}
	h.again = func() bool {
		n++
		c.Arm(c.Clock().In(Tick))
		if n == 1 {
			_, _ = far.Write([]byte("late"))
		}
		return n < 3
	}
	c.Arm(c.Clock().In(Tick))
	if err := c.Serve(h); !errors.Is(err, ErrTimeout) {
		t.Errorf("%v", err)
	}
	if h.got.String() != "late" {
		t.Errorf("got %q", h.got.String())
	}
}

func TestWriteThenRead(t *testing.T) {
	c, far := pair(t)
	defer c.Close()
	go func() {
		buf := make([]byte, 10)
		n, _ := far.Read(buf)
		_, _ = far.Write(append([]byte("re: "), buf[:n]...))
	}()
	if err := c.WriteThenRead([]byte("question")); err != nil || string(c.Bytes()) != "re: question" {
		t.Errorf("%v %q", err, c.Bytes())
	}
}

// awaitInput returns when bytes or an end-of-file have reached the socket, and takes nothing. Loopback does not always
// deliver them before the call that sends them returns.
func awaitInput(t *testing.T, c syscall.Conn) {
	t.Helper()
	raw, err := c.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	err = raw.Read(func(fd uintptr) bool {
		_, _, err := syscall.Recvfrom(int(fd), make([]byte, 1), syscall.MSG_PEEK|syscall.MSG_DONTWAIT)
		return err != syscall.EAGAIN
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestWriteThenReadOnAStaleConnection(t *testing.T) {
	for name, spoil := range map[string]func(*net.TCPConn){
		"closed":      func(far *net.TCPConn) { _ = far.Close() },
		"half-closed": func(far *net.TCPConn) { _ = far.CloseWrite() },
		"talkative":   func(far *net.TCPConn) { _, _ = far.Write([]byte("x")) },
	} {
		c, far := pair(t)
		spoil(far)
		awaitInput(t, c.NetConn().(syscall.Conn))
		if err := c.WriteThenRead([]byte("question")); err != ErrStale || c.Written() {
			t.Errorf("%s: %v", name, err)
		}
		c.Close()
	}
}

func TestInterruptEndsWaits(t *testing.T) {
	c, far := pair(t)
	defer c.Close()
	go func() {
		_, _ = far.Read(make([]byte, 10))
		c.Interrupt()
	}()
	if err := c.WriteThenRead([]byte("question")); !errors.Is(err, ErrTimeout) {
		t.Errorf("%v", err)
	}
}

func TestDetachKeepsWhatWasRead(t *testing.T) {
	c, far := pair(t)
	defer c.Close()
	_, _ = far.Write([]byte("head|body"))
	for len(c.Bytes()) < 9 {
		if err := c.Fill(); err != nil {
			t.Fatal(err)
		}
	}
	head := c.Bytes()[:5]
	c.Consume(5)
	owned := c.Detach(StreamBuffer)
	_, _ = far.Write([]byte(" and more"))
	for len(c.Bytes()) < 13 {
		if err := c.Fill(); err != nil {
			t.Fatal(err)
		}
	}
	if string(head) != "head|" || string(c.Bytes()) != "body and more" || len(c.buf) != StreamBuffer {
		t.Errorf("%q %q", head, c.Bytes())
	}
	GiveBuffer(owned)
}

func TestHungUp(t *testing.T) {
	c, far := pair(t)
	defer c.Close()
	if c.HungUp() {
		t.Error("too early")
	}
	_, _ = far.Write([]byte("unread"))
	_ = far.CloseWrite()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for i := 0; !c.HungUp(); i++ {
		if i > 5000 {
			t.Fatal("never seen")
		}
		<-tick.C
	}
}

func TestWriteThree(t *testing.T) {
	c, far := pair(t)
	defer c.Close()
	body := bytes.Repeat([]byte("b"), 1<<20)
	go func() { _ = c.WriteThree([]byte("head"), body, []byte("tail")) }()
	got := make([]byte, 8+len(body))
	if _, err := io.ReadFull(far, got); err != nil {
		t.Fatal(err)
	}
	if want := append(append([]byte("head"), body...), "tail"...); !bytes.Equal(got, want) {
		t.Error("bytes differ")
	}
}

// TestQuiet: a connection that has something to say, or has ended, is not for another request.
func TestQuiet(t *testing.T) {
	for what, say := range map[string]func(nc *net.TCPConn){
		"a byte": func(nc *net.TCPConn) { _, _ = io.WriteString(nc, "x") },
		"an end": func(nc *net.TCPConn) { _ = nc.CloseWrite() },
	} {
		c, far := pair(t)
		for range 2 {
			if err := c.Quiet(); err != nil {
				t.Errorf("a new connection: %v", err)
			}
		}
		say(far)
		if err := c.Quiet(); err != ErrStale {
			t.Errorf("after %s: %v", what, err)
		}
		c.Close()
	}
}
