package listener

import (
	"net"
	"sync/atomic"

	"github.com/spillway-lb/spillway/internal/descriptors"
)

// Shared is what the listeners of a process have in common: the bound of their open connections together, and the
// descriptors that connections of clients must leave.
type Shared struct {
	// Most bounds the open connections; 0 does not.
	Most int
	// Reserve is left for others.
	Reserve descriptors.Reserve

	open atomic.Int64
}

// reserveFrom is the share of Most, as a divisor, above which connections are looked at whether they take a descriptor of
// the reserve: below it that would take ten backend connections, or pipes, for each.
const reserveFrom = 8

// enter counts a connection in, if there is room.
func (s *Shared) enter(nc *net.TCPConn) bool {
	if s == nil {
		return true
	}
	open := int(s.open.Add(1))
	if s.Most > 0 && open > s.Most || open > s.Most/reserveFrom && !s.left(nc) {
		s.open.Add(-1)
		return false
	}
	return true
}

func (s *Shared) left(nc *net.TCPConn) bool {
	raw, err := nc.SyscallConn()
	if err != nil {
		return false
	}
	left := false
	err = raw.Control(func(fd uintptr) { left = s.Reserve.Left(fd) })
	return err == nil && left
}

func (s *Shared) leave() {
	if s != nil {
		s.open.Add(-1)
	}
}

// Open is the number of open connections of all listeners.
func (s *Shared) Open() int { return int(s.open.Load()) }
