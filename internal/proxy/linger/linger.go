// Package linger ends connections without losing what was written last.
//
// A socket that is closed with unread input, or that gets input after it was closed, resets the connection, and a reset
// destroys what the peer's kernel has not acknowledged yet: the tail of an answer, or a goodbye.
//
// In: a connection whose sending side was ended (CloseWrite). Out: Wait returns when the peer has ended its side, or when
// it has all that was sent and has had some time to end; then the caller closes.
//
// It is the brake on peers that flood and dial anew at once, too: past a few bytes their input is not read any more, and
// the connection is kept all the same until its time is over.
package linger

import (
	"errors"
	"net"
	"os"
	"time"
)

// Limits bound a goodbye. Each is above 0.
type Limits struct {
	// Quiet is what a peer that has everything gets for ending its side.
	Quiet time.Duration
	// Stall is how long a peer may take nothing of what was sent.
	Stall time.Duration
	// Most bounds all of it.
	Most time.Duration
	// Bytes is how much input is read, and thrown away.
	Bytes int
}

// Default suits connections of clients.
var Default = Limits{Quiet: time.Second, Stall: 30 * time.Second, Most: 5 * time.Minute, Bytes: 256 << 10}

// steps is how often within Limits.Quiet the connection is looked at.
const steps = 5

// Wait reads and throws away, as the package comment says. It returns soon after stop reports true: who makes it do so
// sets a deadline in the past, too.
func Wait(nc net.Conn, l Limits, stop func() bool) {
	var buf [2 << 10]byte
	w := wait{limits: l}
	start := time.Now()
	for {
		step := time.Now().Add(l.Quiet / steps)
		if nc.SetReadDeadline(step) != nil || stop() {
			return
		}
		n := 0
		if w.deaf() {
			time.Sleep(time.Until(step))
		} else {
			var err error
			n, err = nc.Read(buf[:])
			if err != nil && !errors.Is(err, os.ErrDeadlineExceeded) {
				return
			}
		}
		if w.over(time.Since(start), n, unacknowledged(nc)) {
			return
		}
	}
}

// wait decides. It knows no clock and no socket.
type wait struct {
	limits Limits
	read   int
	left   int           // what the peer had not taken when last looked at
	taken  time.Duration // when it last took something, or had all
}

// deaf says that nothing more is read.
func (w *wait) deaf() bool { return w.read >= w.limits.Bytes }

// over takes what was read, and what the peer's kernel has not acknowledged, at a time since the start.
func (w *wait) over(at time.Duration, read, left int) bool {
	w.read += read
	if left != w.left {
		w.left, w.taken = left, at
	}
	switch {
	case at >= w.limits.Most:
		return true
	case left == 0:
		return at-w.taken >= w.limits.Quiet
	}
	return at-w.taken >= w.limits.Stall
}
