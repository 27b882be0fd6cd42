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
	for limit, first := range map[uint64]struct{ kept, few uintptr }{256: {224, 160}, 1024: {960, 832}, 1 << 20: {1<<20 - 64, 1<<20 - 192}} {
		r := NewReserve(limit)
		if !r.Left(first.kept-1) || r.Left(first.kept) || !r.Serves(first.few-1) || r.Serves(first.few) {
			t.Errorf("limit %d", limit)
		}
	}
	var none *Reserve
	for _, r := range []*Reserve{none, NewReserve(0)} {
		if !r.Left(1<<20) || !r.Serves(1<<20) {
			t.Error("without a limit something is kept back")
		}
	}
	r := NewReserve(3)
	if r.Left(3) || r.Follow(3) || !r.Follow(256) || !r.Left(3) {
		t.Error("the limit is not followed")
	}
}

// TestDialOfTheReserve: a dial that would take a descriptor of the reserve fails as if there were none.
func TestDialOfTheReserve(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	for limit, own := range map[uint64]bool{1: true, 0: false} {
		d := net.Dialer{Control: NewReserve(limit).Control}
		nc, err := d.Dial("tcp", ln.Addr().String())
		if Own(err) != own {
			t.Errorf("limit %d: %v", limit, err)
		}
		if err == nil {
			_ = nc.Close()
		}
	}
}
