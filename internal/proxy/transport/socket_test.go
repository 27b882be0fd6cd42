package transport

import (
	"bytes"
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"testing"
)

// eager is an Eager connection and the other end of it.
func eager(t *testing.T) (net.Conn, *net.TCPConn) {
	c, far := pair(t)
	t.Cleanup(func() { _ = c.nc.Close() })
	return Eager(c.nc.(*net.TCPConn)), far
}

// TestEagerWritesMoreThanTheKernelTakes: what does not fit waits for the reader, and two writers do not mix.
func TestEagerWritesMoreThanTheKernelTakes(t *testing.T) {
	s, far := eager(t)
	const size = 8 << 20
	var writers sync.WaitGroup
	for _, b := range []byte("ab") {
		writers.Go(func() {
			if n, err := s.Write(bytes.Repeat([]byte{b}, size)); n != size || err != nil {
				t.Errorf("wrote %d: %v", n, err)
			}
		})
	}
	got := make([]byte, 2*size)
	if _, err := io.ReadFull(far, got); err != nil {
		t.Fatal(err)
	}
	writers.Wait()
	for i, half := range [][]byte{got[:size], got[size:]} {
		if n := bytes.Count(half, half[:1]); n != size {
			t.Errorf("half %d has %d bytes of one writer", i, n)
		}
	}
}

// TestEagerReads: bytes, the end, and a deadline while it waits.
func TestEagerReads(t *testing.T) {
	s, far := eager(t)
	buf := make([]byte, 16)
	go func() { _, _ = far.Write([]byte("hello")) }()
	if n, err := io.ReadFull(s, buf[:5]); n != 5 || err != nil || string(buf[:5]) != "hello" {
		t.Errorf("%q %v", buf[:n], err)
	}
	_ = s.SetReadDeadline(longAgo)
	if _, err := s.Read(buf); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("past the deadline: %v", err)
	}
	_ = s.SetReadDeadline(noDeadline)
	go func() { _ = far.CloseWrite() }()
	if n, err := s.Read(buf); n != 0 || err != io.EOF {
		t.Errorf("at the end: %d %v", n, err)
	}
}

// TestEagerWriteEnds: by its deadline, and when the peer resets the connection.
func TestEagerWriteEnds(t *testing.T) {
	s, far := eager(t)
	ended := make(chan error, 1)
	write := func() {
		for {
			if _, err := s.Write(make([]byte, 1<<20)); err != nil {
				ended <- err
				return
			}
		}
	}
	go write()
	_ = s.SetWriteDeadline(longAgo)
	if err := <-ended; !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("past the deadline: %v", err)
	}
	_ = s.SetWriteDeadline(noDeadline)
	go write()
	_ = far.SetLinger(0)
	_ = far.Close()
	var ne net.Error
	if err := <-ended; errors.As(err, &ne) && ne.Timeout() {
		t.Errorf("after a reset: %v", err)
	}
}
