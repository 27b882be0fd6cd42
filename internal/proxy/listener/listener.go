// Package listener owns the sockets that clients connect to.
//
// In: an address and the port as the user wrote it. Out: a Listener on that port, or on the port that takes its place
// (see Bind), whose Serve hands over each connection in a goroutine of its own, up to a limit. File gives the socket to
// another process, and Inherit takes one from there: connections that wait in its queue are not lost, as they would be
// with two sockets and SO_REUSEPORT.
package listener

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"net"
	"net/netip"
	"os"
	"sync/atomic"
	"syscall"
	"time"
)

// FallbackOffset is added to a port that may not be bound: low ports want a privilege, and something may listen on all
// addresses already.
const FallbackOffset = 10000

// Listener is one bound socket.
type Listener struct {
	// Requested is what was asked for, Actual what is bound.
	Requested, Actual netip.AddrPort
	// Why is the error of binding Requested where another address took its place, and is known.
	Why error

	// Shared bounds all listeners of a process together; nil does not. Set it before Serve.
	Shared *Shared
	// Run runs a connection's job in a goroutine, of which it may keep some with the stacks that such jobs grow; nil starts one for
	// each. Set it before Serve.
	Run func(job func())

	ln    *net.TCPListener
	open  atomic.Int64
	max   atomic.Int64
	ended atomic.Bool
}

// Bind listens on the address and port, or on what takes their place: where that is not permitted (EACCES) or taken
// (EADDRINUSE), port + 10000, or any free port if that is taken, too; where the system has no such loopback address
// (EADDRNOTAVAIL), 127.0.0.1 and a port made of both. Port 0 takes any free one.
func Bind(at netip.AddrPort) (*Listener, error) {
	ln, err := listen(at)
	if err == nil {
		return newListener(at, ln), nil
	}
	errs := []error{fmt.Errorf("listen on %s: %w", at, err)}
	for _, next := range fallbacks(at, err) {
		ln, err := listen(next)
		if err == nil {
			l := newListener(at, ln)
			l.Why = errs[0]
			return l, nil
		}
		errs = append(errs, fmt.Errorf("on %s: %w", next, err))
	}
	return nil, errors.Join(errs...)
}

// BindExactly listens on the address and port, and on nothing that would take their place.
func BindExactly(at netip.AddrPort) (*Listener, error) {
	ln, err := listen(at)
	if err != nil {
		return nil, fmt.Errorf("listen on %s: %w", at, err)
	}
	return newListener(at, ln), nil
}

// Elsewhere says that something took the place of what was requested. Port 0 is any.
func (l *Listener) Elsewhere() bool { return l.Requested.Port() != 0 && l.Actual != l.Requested }

// fallbacks are what to try, in order, where the address cannot be bound.
func fallbacks(at netip.AddrPort, err error) []netip.AddrPort {
	switch {
	case at.Port() == 0:
		return nil
	case errors.Is(err, syscall.EACCES), errors.Is(err, syscall.EADDRINUSE):
		next := int(at.Port()) + FallbackOffset
		if next > 65535 {
			next -= 55536 // ports near the top wrap to 10000 and up
		}
		return []netip.AddrPort{netip.AddrPortFrom(at.Addr(), uint16(next)), netip.AddrPortFrom(at.Addr(), 0)}
	case errors.Is(err, syscall.EADDRNOTAVAIL) && at.Addr().IsLoopback():
		return standIns(at)
	}
	return nil
}

const (
	// Stand-ins are in [20000, 40000), below the ports that systems give to clients.
	standInFrom  = 20000
	standInPorts = 20000
	// standInTries is how many ports are tried, should others have the first ones.
	standInTries = 16
)

// standIns are ports of 127.0.0.1 that follow from the address and port, so that they are the same every time.
func standIns(at netip.AddrPort) []netip.AddrPort {
	h := fnv.New32a()
	_, _ = h.Write([]byte(at.String())) // a hash does not fail
	var out []netip.AddrPort
	for i := range uint32(standInTries) {
		port := standInFrom + (h.Sum32()+i)%standInPorts
		out = append(out, netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), uint16(port)))
	}
	return out
}

func listen(at netip.AddrPort) (*net.TCPListener, error) {
	ln, err := listenConfig.Listen(context.Background(), "tcp", at.String())
	if err != nil {
		return nil, err
	}
	return ln.(*net.TCPListener), nil
}

func newListener(requested netip.AddrPort, ln *net.TCPListener) *Listener {
	actual := ln.Addr().(*net.TCPAddr).AddrPort()
	l := &Listener{Requested: requested, ln: ln}
	l.Actual = netip.AddrPortFrom(actual.Addr().Unmap(), actual.Port())
	return l
}

// Inherit takes over a socket that another process has bound for the requested address. The file is closed.
func Inherit(requested netip.AddrPort, f *os.File) (*Listener, error) {
	defer func() { _ = f.Close() }()
	ln, err := net.FileListener(f)
	if err != nil {
		return nil, fmt.Errorf("inherit %s: %w", requested, err)
	}
	tcp, ok := ln.(*net.TCPListener)
	if !ok {
		_ = ln.Close()
		return nil, fmt.Errorf("inherit %s: not a TCP socket", requested)
	}
	return newListener(requested, tcp), nil
}

// File is a duplicate of the socket, for another process.
func (l *Listener) File() (*os.File, error) { return l.ln.File() }

// Limit bounds the open connections of this listener; 0 does not.
func (l *Listener) Limit(n int) { l.max.Store(int64(n)) }

// Open is the number of open connections.
func (l *Listener) Open() int { return int(l.open.Load()) }

// Close stops accepting. Connections stay.
func (l *Listener) Close() error {
	l.ended.Store(true)
	return l.ln.Close()
}

// Events tell what happens to connections. Each may be nil.
type Events struct {
	Accepted, Closed, Shed func()
	// Failed is told that nothing could be accepted. It is called for every failure; first is set once in LogEvery.
	Failed func(err error, first bool)
}

// LogEvery is how often failures to accept are worth a line in a log.
const LogEvery = 10 * time.Second

// Serve accepts until Close, and runs handle in a goroutine for each connection; the connection counts as open until
// closed is called, once, by whichever goroutine it has come to. Above a limit connections are closed at once. An error to accept that does not come from Close is
// tried again after a moment: the system has run out of file descriptors, most likely.
func (l *Listener) Serve(handle func(nc *net.TCPConn, closed func()), events Events) error {
	closed := func() {
		l.open.Add(-1)
		l.Shared.leave()
		call(events.Closed)
	}
	pause, logged := time.Duration(0), time.Time{}
	for {
		nc, err := l.ln.AcceptTCP()
		if err != nil {
			if l.ended.Load() || errors.Is(err, net.ErrClosed) {
				return nil
			}
			if events.Failed != nil {
				first := time.Since(logged) >= LogEvery
				if first {
					logged = time.Now()
				}
				events.Failed(err, first)
			}
			pause = min(max(2*pause, 5*time.Millisecond), time.Second)
			<-time.After(pause)
			continue
		}
		pause = 0
		if limit := l.max.Load(); limit > 0 && l.open.Load() >= limit || !l.Shared.enter(nc) {
			call(events.Shed)
			_ = nc.Close()
			continue
		}
		l.open.Add(1)
		call(events.Accepted)
		l.run(func() { handle(nc, closed) })
	}
}

func (l *Listener) run(job func()) {
	if l.Run == nil {
		go job()
		return
	}
	l.Run(job)
}

func call(f func()) {
	if f != nil {
		f()
	}
}
