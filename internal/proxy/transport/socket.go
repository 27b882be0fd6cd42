package transport

import (
	"crypto/tls"
	"io"
	"net"
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

// socket is a TCP connection whose reads can be told not to wait. crypto/tls reads from it.
type socket struct {
	*net.TCPConn
	mode readMode
	from int // what a nonblock read reads
	fd   int // inside a RawConn.Read of this connection, else -1
	// drained: the last read took all the kernel had, so the next byte makes a new event.
	drained bool
}

func (s *socket) Read(p []byte) (int, error) {
	switch s.mode {
	case blocking:
		return s.TCPConn.Read(p)
	case dry:
		return 0, errWouldBlock
	}
	n, err := readFD(s.from, p)
	s.drained = n < len(p)
	return n, err
}

// Write is the TCP connection's, without its locks where the descriptor is held open anyway.
func (s *socket) Write(p []byte) (int, error) {
	n := 0
	if s.fd >= 0 {
		if n = sendFD(s.fd, p); n == len(p) {
			return n, nil
		}
	}
	m, err := s.TCPConn.Write(p[n:])
	return n + m, err
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
	return tls.Server(&socket{TCPConn: nc, fd: -1}, config)
}

// TLSClient is TLSServer for the other side.
func TLSClient(nc *net.TCPConn, config *tls.Config) *tls.Conn {
	return tls.Client(&socket{TCPConn: nc, fd: -1}, config)
}
