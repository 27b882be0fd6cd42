// Package descriptors keeps a process that runs out of file descriptors, ports or socket memory honest about it.
//
// In: errors of system calls, and descriptors just made. Out: whether an error is this host's own lack (Own), which says
// nothing about the peer that was to be reached; and a Reserve, which keeps the last descriptors for what must work when
// there are none: probes, the admin listener, the control socket. Who serves clients asks it for every descriptor
// (Reserve.Left, Reserve.Control), and for every listener whether requests would find any (Reserve.Serves); who uses the
// reserve does not.
package descriptors

import (
	"errors"
	"sync/atomic"
	"syscall"
)

// Own reports whether an error is a lack of this process or host, not the peer's fault.
func Own(err error) bool {
	for _, own := range [...]error{syscall.EMFILE, syscall.ENFILE, syscall.ENOBUFS, syscall.ENOMEM, syscall.EADDRNOTAVAIL} {
		if errors.Is(err, own) {
			return true
		}
	}
	return false
}

// Reserve is the descriptors that are kept back, the last ones of a limit. The system gives out the lowest number that is free,
// so a number says how many are in use. nil keeps none back.
type Reserve struct {
	limit atomic.Uint64
}

const (
	// most is how many are kept back; share bounds that where there are few.
	most  = 64
	share = 8
	// room is how many times that is below them, for clients and backends.
	room = 2
)

// NewReserve keeps back some of limit descriptors; 0 is no limit.
func NewReserve(limit uint64) *Reserve {
	r := &Reserve{}
	r.Follow(limit)
	return r
}

// Follow has the limit become another one; it tells whether it has.
func (r *Reserve) Follow(limit uint64) bool { return r.limit.Swap(limit) != limit }

// Left reports whether a descriptor is outside of the reserve.
func (r *Reserve) Left(fd uintptr) bool { return r.leaves(fd, 1) }

// Serves reports whether a descriptor that is taken for good, a listener's, leaves enough besides the reserve to answer requests.
func (r *Reserve) Serves(fd uintptr) bool { return r.leaves(fd, 1+room) }

// leaves reports whether a descriptor is not one of the last, of which there are some times as many as are kept back.
func (r *Reserve) leaves(fd uintptr, times uint64) bool {
	if r == nil {
		return true
	}
	limit := r.limit.Load()
	return limit == 0 || uint64(fd) < limit-times*min(most, limit/share)
}

// Control refuses a socket of the reserve, as net.Dialer.Control: EMFILE, as if it had not been there.
func (r *Reserve) Control(_, _ string, c syscall.RawConn) error {
	left := true
	if err := c.Control(func(fd uintptr) { left = r.Left(fd) }); err != nil {
		return err
	}
	if !left {
		return syscall.EMFILE
	}
	return nil
}

// Connections is how many connections of clients a limit of descriptors is good for: half, for most need one to a backend.
func Connections(limit uint64) int { return int(min(limit/2, 1<<30)) }
