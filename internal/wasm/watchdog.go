package wasm

import (
	"sync/atomic"
	"time"
)

// watchSteps is how often the watchdog must have looked at a call before it ends it. One deadline would also end calls
// that were not run at all for a while, on a machine that is busy or asleep: a watchdog that did not run either counts one
// step for that.
const watchSteps = 5

// watchdog ends calls that take too long. A call costs it two stores; its timer runs only while there are calls.
type watchdog struct {
	step    time.Duration
	left    atomic.Int32 // steps of the call under way, 0 without one
	ticking atomic.Bool
	timer   *time.Timer
	expired func()
}

func newWatchdog(limit time.Duration, expired func()) *watchdog {
	w := &watchdog{step: max(limit/watchSteps, time.Microsecond), expired: expired}
	w.timer = time.AfterFunc(time.Hour, w.tick)
	w.timer.Stop()
	return w
}

// begin starts the time of a call, which may be so many times as long as the limit.
func (w *watchdog) begin(times int32) {
	w.left.Store(watchSteps*times + 1) // the first step may be shorter than the others
	w.start()
}

// end gives the steps that were left; 0 is none: the call's time was up before it returned, and expired has been called, or is
// about to be.
func (w *watchdog) end() (left int32) { return w.left.Swap(0) }

func (w *watchdog) start() {
	if !w.ticking.Load() && w.ticking.CompareAndSwap(false, true) {
		w.timer.Reset(w.step)
	}
}

func (w *watchdog) tick() {
	left := w.left.Load()
	if left == 0 {
		w.ticking.Store(false)
		if w.left.Load() != 0 {
			w.start() // a call began in between
		}
		return
	}
	if w.left.CompareAndSwap(left, left-1) && left == 1 {
		w.expired()
		return
	}
	w.timer.Reset(w.step)
}
