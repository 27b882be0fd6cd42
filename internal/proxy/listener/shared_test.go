package listener

import (
	"net"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/spillway-lb/spillway/internal/descriptors"
)

// served runs a listener whose connections stay until the test ends, and counts what happens.
type served struct {
	accepted, shed atomic.Int64
}

func serve(t *testing.T, l *Listener) *served {
	t.Helper()
	s, release, ended := &served{}, make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		_ = l.Serve(func(nc *net.TCPConn, closed func()) {
			defer closed()
			<-release
			_ = nc.Close()
		}, Events{Accepted: func() { s.accepted.Add(1) }, Shed: func() { s.shed.Add(1) }})
	}()
	t.Cleanup(func() {
		close(release)
		_ = l.Close()
		<-ended
	})
	return s
}

func dial(t *testing.T, l *Listener) net.Conn {
	t.Helper()
	nc, err := net.Dial("tcp", l.Actual.String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = nc.Close() })
	return nc
}

func await(t *testing.T, what string, met func() bool) {
	t.Helper()
	for range 10000 {
		if met() {
			return
		}
		time.Sleep(time.Millisecond)
	}
	t.Fatal(what)
}

// TestSharedLimit: listeners of one process share their bound.
func TestSharedLimit(t *testing.T) {
	shared := NewShared(2, nil)
	a, b := bind(t), bind(t)
	a.Shared, b.Shared = shared, shared
	one, two := serve(t, a), serve(t, b)
	dial(t, a)
	await(t, "first", func() bool { return one.accepted.Load() == 1 })
	dial(t, b)
	await(t, "second", func() bool { return two.accepted.Load() == 1 })
	dial(t, a)
	await(t, "third is shed", func() bool { return one.shed.Load() == 1 })
	if n := shared.Open(); n != 2 {
		t.Errorf("%d open", n)
	}
}

// TestReserveIsLeft: connections that would take the last descriptors are shed.
func TestReserveIsLeft(t *testing.T) {
	l := bind(t)
	l.Shared = NewShared(0, descriptors.NewReserve(1))
	s := serve(t, l)
	dial(t, l)
	await(t, "shed", func() bool { return s.shed.Load() == 1 })
	if s.accepted.Load() != 0 || l.Shared.Open() != 0 {
		t.Errorf("%d accepted, %d open", s.accepted.Load(), l.Shared.Open())
	}
}

// TestServes: a socket says whether it leaves descriptors for requests.
func TestServes(t *testing.T) {
	l := bind(t)
	if !l.Serves(nil) || !l.Serves(descriptors.NewReserve(1<<20)) || l.Serves(descriptors.NewReserve(3)) {
		t.Error("what a listener leaves is not told")
	}
}

// TestFailedAcceptsAreTold: each is counted, one of many is worth a line.
func TestFailedAcceptsAreTold(t *testing.T) {
	l := bind(t)
	file, err := l.File()
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	raw, err := file.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	failed, first, ended := atomic.Int64{}, atomic.Int64{}, make(chan struct{})
	go func() {
		defer close(ended)
		_ = l.Serve(func(nc *net.TCPConn, closed func()) { _ = nc.Close(); closed() }, Events{Failed: func(_ error, one bool) {
			failed.Add(1)
			if one {
				first.Add(1)
			}
		}})
	}()
	// A socket that was shut down listens no more: accept fails with EINVAL until it is closed.
	if err := raw.Control(func(fd uintptr) { _ = syscall.Shutdown(int(fd), syscall.SHUT_RDWR) }); err != nil {
		t.Fatal(err)
	}
	await(t, "failures", func() bool { return failed.Load() >= 3 })
	_ = l.Close()
	<-ended
	if first.Load() != 1 {
		t.Errorf("%d of %d were the first", first.Load(), failed.Load())
	}
}
