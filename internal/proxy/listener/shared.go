package listener

import (
	"net"
	"sync/atomic"
	"syscall"

	"github.com/spillway-lb/spillway/internal/descriptors"
)

// Shared is what the listeners of a process have in common: the bound of their open connections together, and the
// descriptors that connections of clients must leave.
type Shared struct {
	reserve *descriptors.Reserve
	most    atomic.Int64
	open    atomic.Int64
}

// NewShared bounds the open connections, unless most is 0, and leaves a reserve for others.
func NewShared(most int, reserve *descriptors.Reserve) *Shared {
	s := &Shared{reserve: reserve}
	s.Limit(most)
	return s
}

// Limit has the bound become another one.
func (s *Shared) Limit(most int) { s.most.Store(int64(most)) }

// reserveFrom is the share of the bound, as a divisor, above which connections are looked at whether they take a descriptor of
// the reserve: below it that would take ten backend connections, or pipes, for each.
const reserveFrom = 8

// enter counts a connection in, if there is room.
func (s *Shared) enter(nc *net.TCPConn) bool {
	if s == nil {
		return true
	}
	open, most := s.open.Add(1), s.most.Load()
	if most > 0 && open > most || open > most/reserveFrom && !s.left(nc) {
		s.open.Add(-1)
		return false
	}
	return true
}

func (s *Shared) left(nc *net.TCPConn) bool {
	return allows(nc, s.reserve.Left)
}

// Serves tells whether a socket leaves enough of a process's descriptors for connections to be served.
func (l *Listener) Serves(r *descriptors.Reserve) bool { return allows(l.ln, r.Serves) }

// allows asks about a socket's descriptor.
func allows(c syscall.Conn, ask func(fd uintptr) bool) bool {
	raw, err := c.SyscallConn()
	if err != nil {
		return false
	}
	yes := false
	err = raw.Control(func(fd uintptr) { yes = ask(fd) })
	return err == nil && yes
}

func (s *Shared) leave() {
	if s != nil {
		s.open.Add(-1)
	}
}

// Open is the number of open connections of all listeners.
func (s *Shared) Open() int { return int(s.open.Load()) }
