package transport

import (
	"crypto/tls"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"syscall"
)

// readMode says what a read of a socket may do.
type readMode uint8

const (
	blocking readMode = iota // wait for bytes
	nonblock                 // take what the kernel has, else errWouldBlock
	dry                      // no system call: always errWouldBlock, which shows what TLS itself still holds
)

// wouldBlock is a temporary error, so crypto/tls goes on after it.
type wouldBlock struct{}

func (wouldBlock) Error() string   { return "transport: nothing to read" }
func (wouldBlock) Timeout() bool   { return true }
func (wouldBlock) Temporary() bool { return true }

var errWouldBlock net.Error = wouldBlock{}

// socket is a TCP connection whose reads can be told not to wait, and whose system calls the scheduler does not see: each
// that it sees may cost the goroutines behind it their turn, and wakes the runtime's monitor thread for milliseconds.
// crypto/tls and HTTP/2 read from it, one goroutine at a time; any may write.
type socket struct {
	*net.TCPConn
	raw  syscall.RawConn
	mode readMode
	from int // what a nonblock read reads
	fd   int // inside a RawConn.Read of this connection, else -1
	// drained: the last read took all the kernel had, so the next byte makes a new event.
	drained bool

	parked     atomic.Bool // a blocking read has found nothing
	in         []byte      // of a blocking read
	got        int
	inErr      error
	onReadable func(uintptr) bool // s.readable, once

	writing    sync.Mutex
	out        []byte // what is left of a write
	outErr     error
	onWritable func(uintptr) bool // s.writable, once
}

func newSocket(nc *net.TCPConn) *socket {
	s := &socket{TCPConn: nc, fd: -1}
	s.raw, _ = nc.SyscallConn() // fails for a nil connection only
	s.onReadable, s.onWritable = s.readable, s.writable
	return s
}

// Eager wraps a TCP connection for HTTP/2: its reads and writes cost less than the connection's own.
func Eager(nc *net.TCPConn) net.Conn { return newSocket(nc) }

func (s *socket) Read(p []byte) (int, error) {
	switch {
	case len(p) == 0:
		return 0, nil
	case s.mode == blocking:
		return s.wait(p)
	case s.mode == dry:
		return 0, errWouldBlock
	}
	n, err := readFD(s.from, p)
	s.drained = n < len(p)
	return n, err
}

func (s *socket) wait(p []byte) (int, error) {
	s.in, s.got, s.inErr = p, 0, nil
	err := s.raw.Read(s.onReadable)
	s.in = nil
	if err != nil {
		return 0, err
	}
	return s.got, s.inErr
}

func (s *socket) readable(fd uintptr) bool {
	s.parked.Store(false) // before anything is taken: see Silence
	s.got, s.inErr = readFD(int(fd), s.in)
	if s.inErr == errWouldBlock {
		s.parked.Store(true)
		return false
	}
	return true
}

func (s *socket) Write(p []byte) (int, error) {
	n := 0
	if s.fd >= 0 {
		if n = sendFD(s.fd, p); n == len(p) {
			return n, nil
		}
	}
	s.writing.Lock()
	defer s.writing.Unlock()
	s.out, s.outErr = p[n:], nil
	err := s.raw.Write(s.onWritable)
	n = len(p) - len(s.out)
	s.out = nil
	if err == nil {
		err = s.outErr
	}
	return n, err
}

func (s *socket) writable(fd uintptr) bool {
	for len(s.out) > 0 {
		n, errno := send(int(fd), s.out)
		switch errno {
		case 0:
			s.out = s.out[n:]
		case syscall.EINTR:
		case syscall.EAGAIN:
			return false
		default:
			s.outErr = errno
			return true
		}
	}
	return true
}

// readFD reads what the kernel has; errWouldBlock when that is nothing, io.EOF at the end.
func readFD(fd int, p []byte) (int, error) {
	for {
		n, errno := receive(fd, p)
		switch {
		case errno == syscall.EINTR:
			continue
		case errno == syscall.EAGAIN:
			return 0, errWouldBlock
		case errno != 0:
			return 0, errno
		case n == 0:
			return 0, io.EOF
		}
		return n, nil
	}
}

// TLSServer wraps a TCP connection for crypto/tls; the handshake is the caller's.
func TLSServer(nc *net.TCPConn, config *tls.Config) *tls.Conn {
	return tls.Server(newSocket(nc), config)
}

// TLSClient is TLSServer for the other side.
func TLSClient(nc *net.TCPConn, config *tls.Config) *tls.Conn {
	return tls.Client(newSocket(nc), config)
}
