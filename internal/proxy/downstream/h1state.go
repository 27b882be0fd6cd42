package downstream

import "fmt"

// h1State is where an HTTP/1 connection of a client stands. h1Table says what leads from one to the next.
type h1State uint32

const (
	impossible h1State = iota // in h1Table: the event does not happen there
	// Waiting: what the deadline means differs.
	fresh   // nothing was asked yet; looked at again after recheckAfter
	idle    // a request was answered; looked at again after recheckAfter
	resting // as idle, to wait in a new goroutine: this one's stack has served
	quiet   // was looked at again; until the time for being idle is over
	woken   // the proxy drains; the next tick looks whether anything has come
	leaving // the last wait of a connection that drains
	// Reading and answering.
	inHead // a head has begun, and must be whole in time
	asked  // a request was parsed, or is under way
	// The end.
	slow   // a head has taken too long, which is answered
	ending // no further request is read: the last answer was given, or is a refusal
	handed // it goes on as HTTP/2
	over   // closed
	h1States
)

// h1Event is what happens to the connection.
type h1Event uint8

const (
	part    h1Event = iota // bytes have come that are no whole head yet
	whole                  // a whole head
	bad                    // a head that is refused
	preface                // the beginning of HTTP/2
	next                   // an exchange has ended, others may follow
	last                   // an exchange has ended, none may follow
	passed                 // the deadline has passed while waiting for bytes
	parting                // the same while the proxy drains
	drained                // the proxy begins to drain
	moved                  // a goroutine begins to serve the connection
	ended                  // the connection is closed
	h1Events
)

// h1Table is what each event makes of each state. It is all there is to say about that: how long each wait takes, and what is
// answered, is h1Conn's.
var h1Table = [h1States][h1Events]h1State{
	fresh: {
		part: inHead, whole: asked, bad: ending, preface: handed,
		passed: quiet, parting: leaving, drained: woken, moved: fresh, ended: over,
	},
	idle: {
		part: inHead, whole: asked, bad: ending,
		passed: resting, parting: leaving, drained: woken, ended: over,
	},
	resting: {drained: resting, moved: quiet, ended: over},
	quiet: {
		part: inHead, whole: asked, bad: ending, preface: handed,
		passed: over, parting: leaving, drained: woken, ended: over,
	},
	woken: {
		part: inHead, whole: asked, bad: ending, preface: handed,
		passed: leaving, parting: leaving, drained: woken, moved: woken, ended: over,
	},
	leaving: {
		part: inHead, whole: asked, bad: ending, preface: handed,
		passed: over, parting: over, drained: leaving, ended: over,
	},
	inHead: {
		part: inHead, whole: asked, bad: ending, preface: handed,
		passed: slow, parting: slow, drained: inHead, ended: over,
	},
	asked:  {next: idle, last: ending, drained: asked, ended: over},
	slow:   {drained: slow, ended: over},
	ending: {drained: ending, ended: over},
	handed: {drained: handed, ended: over},
	over:   {drained: over, ended: over},
}

// after is the state that an event leads to. One that cannot happen is a fault of Spillway's, and ends the connection (see
// guard).
func (s h1State) after(e h1Event) h1State {
	to := h1Table[s][e]
	if to == impossible {
		s.fault(e)
	}
	return to
}

// fault stands apart for after to be inlined.
//
//go:noinline
func (s h1State) fault(e h1Event) {
	panic(fmt.Sprintf("downstream: event %d in state %d of a connection", e, s))
}
