package descriptors

import (
	"errors"
	"fmt"
	"net"
	"os"
	"syscall"
	"testing"
)

func TestOwn(t *testing.T) {
	for err, want := range map[error]bool{
		syscall.EMFILE: true, syscall.ENFILE: true, syscall.ENOBUFS: true, syscall.ENOMEM: true, syscall.EADDRNOTAVAIL: true,
		syscall.ECONNREFUSED: false, syscall.EHOSTUNREACH: false, errors.New("x"): false,
	} {
		wrapped := fmt.Errorf("probe: %w", &net.OpError{Op: "dial", Err: os.NewSyscallError("socket", err)})
		if Own(wrapped) != want {
			t.Errorf("Own(%v) is not %v", err, want)
		}
	}
	if Own(nil) {
		t.Error("no error is own")
	}
}

func TestReserve(t *testing.T) {
	for limit, first := range map[uint64]Reserve{0: 0, 256: 224, 1024: 960, 1 << 20: 1<<20 - 64} {
		if r := NewReserve(limit); r != first {
			t.Errorf("limit %d: %d", limit, r)
		}
	}
	if r := NewReserve(256); !r.Left(223) || r.Left(224) || !NewReserve(0).Left(1<<20) {
		t.Error("Left")
	}
}

// TestDialOfTheReserve: a dial that would take a descriptor of the reserve fails as if there were none.
func TestDialOfTheReserve(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	for r, own := range map[Reserve]bool{1: true, 0: false} {
		d := net.Dialer{Control: r.Control}
		nc, err := d.Dial("tcp", ln.Addr().String())
		if Own(err) != own {
			t.Errorf("reserve %d: %v", r, err)
		}
		if err == nil {
			_ = nc.Close()
		}
	}
}
