package proxy_test

import (
	"net"
	"os"
	"syscall"
	"testing"

	"github.com/spillway-lb/spillway/internal/proxy"
)

// TestTakeOverKeepsNothingOfWhatItCannotRead: descriptors that came with words that mean nothing are closed.
func TestTakeOverKeepsNothingOfWhatItCannotRead(t *testing.T) {
	for _, text := range []string{"{", `["127.0.0.1:80","127.0.0.1:81"]`, `["nowhere"]`} {
		ends, err := syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_STREAM, 0)
		if err != nil {
			t.Skip(err)
		}
		here, there := unixConn(t, ends[0]), unixConn(t, ends[1])
		r, w, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		raw, _ := w.SyscallConn()
		_ = raw.Control(func(fd uintptr) {
			_, _, err = here.WriteMsgUnix([]byte(text), syscall.UnixRights(int(fd)), nil)
		})
		if err != nil {
			t.Fatal(err)
		}
		_ = w.Close()
		if _, err := proxy.TakeOver(there); err == nil {
			t.Errorf("%s: no error", text)
		}
		// The pipe ends when nobody has its other end.
		if n, err := r.Read(make([]byte, 1)); n != 0 || err == nil {
			t.Errorf("%s: %d %v", text, n, err)
		}
		_ = r.Close()
	}
}

func unixConn(t *testing.T, fd int) *net.UnixConn {
	t.Helper()
	f := os.NewFile(uintptr(fd), "socketpair")
	defer func() { _ = f.Close() }()
	c, err := net.FileConn(f)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c.(*net.UnixConn)
}
