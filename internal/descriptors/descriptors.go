// Package descriptors keeps a process that runs out of file descriptors, ports or socket memory honest about it.
//
// In: errors of system calls, and descriptors just made. Out: whether an error is this host's own lack (Own), which says
// nothing about the peer that was to be reached; and a Reserve, which keeps the last descriptors for what must work when
// there are none: probes, the admin listener, the control socket. Who serves clients asks it for every descriptor
// (Reserve.Left, Reserve.Control); who uses the reserve does not.
package descriptors

import (
	"errors"
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

// Reserve is the number of the first descriptor that is kept back; 0 keeps none. The system gives out the lowest number
// that is free, so a number says how many are in use.
type Reserve uintptr

const (
	// most is how many are kept back; share bounds that where there are few.
	most  = 64
	share = 8
)

// NewReserve keeps back some of limit descriptors; 0 is no limit.
func NewReserve(limit uint64) Reserve {
	if limit == 0 {
		return 0
	}
	return Reserve(limit - min(most, limit/share))
}

// Left reports whether a descriptor is outside of the reserve.
func (r Reserve) Left(fd uintptr) bool { return r == 0 || fd < uintptr(r) }

// Control refuses a socket of the reserve, as net.Dialer.Control: EMFILE, as if it had not been there.
func (r Reserve) Control(_, _ string, c syscall.RawConn) error {
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
