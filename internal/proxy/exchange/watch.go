package exchange

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/spillway-lb/spillway/internal/proxy/balance"
	"github.com/spillway-lb/spillway/internal/proxy/upstream"
)

// WatchEvery is how often an exchange that takes long is looked at: is the client still there, does anything move?
const WatchEvery = time.Second

// Ending is why an exchange was ended from outside.
type Ending uint8

// The reasons.
const (
	notEnded Ending = iota
	ClientGone
	Stalled
	Drained
	Aborted
)

// End interrupts whatever the exchange waits for. It may be called from any goroutine, also under locks of the client's
// connection, for which neither Interrupt nor anything that it locks ever waits.
func (x *Exchange) End(why Ending) { x.watch.end(why) }

// stuck reports whether nothing has moved for the stream's idle time, or the exchange's time has long been over: then it is
// the client that does not take the answer.
func (x *Exchange) stuck(now int64) bool {
	until := x.watch.until.Load()
	late := until != 0 && now-until > int64(2*WatchEvery)
	return x.watch.stuck(now, x.limits.StreamIdle) || late
}

// Overdue is why the exchange has to end now, if it has to: it is stuck, or its endpoint leaves and the time is over that requests
// have then. For one watcher.
func (x *Exchange) Overdue(now int64) (why Ending, overdue bool) {
	switch {
	case x.watch.drained(now):
		return Drained, true
	case x.stuck(now):
		return Stalled, true
	}
	return notEnded, false
}

// Ended reports whether End was called.
func (x *Exchange) Ended() bool { return x.watch.why() != notEnded }

// Tunnelling reports whether the exchange has become a tunnel: the client may close its sending side.
func (x *Exchange) Tunnelling() bool { return x.watch.tunnel.Load() }

// watch lets other goroutines end an exchange. The stream under way is known here, so that it can be interrupted.
type watch struct {
	progress atomic.Uint64                    // counts chunks in either direction
	tunnel   atomic.Bool                      // the client may close its sending side
	until    atomic.Int64                     // the exchange's deadline, in the clock's time; 0 is none
	endpoint atomic.Pointer[balance.Endpoint] // of the attempt under way
	mu       sync.Mutex
	stream   upstream.Stream
	dialing  context.CancelFunc // of the wait for a stream
	ended    Ending
	wake     chan struct{} // closed by end, while something sleeps
	filters  func()        // ends what filters wait for; nil without filters

	// Of the watcher alone:
	seen  uint64
	since int64
	// leaving is an endpoint that was seen to leave, at the time left.
	leaving *balance.Endpoint
	left    int64
}

// Moved notes progress.
func (w *watch) Moved() { w.progress.Add(1) }

// attach makes s the stream to interrupt; false when the exchange was ended before.
func (w *watch) attach(s upstream.Stream) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.stream, w.dialing = s, nil
	return w.ended == notEnded
}

// connecting makes cancel end the wait for a stream.
func (w *watch) connecting(cancel context.CancelFunc) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.dialing = cancel
	if w.ended != notEnded {
		cancel()
	}
}

func (w *watch) detach() {
	w.mu.Lock()
	w.stream, w.dialing = nil, nil
	w.mu.Unlock()
}

// end interrupts what is under way. The first reason counts.
func (w *watch) end(why Ending) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.ended != notEnded {
		return
	}
	w.ended = why
	if w.stream != nil {
		w.stream.Interrupt()
	}
	if w.dialing != nil {
		w.dialing()
	}
	if w.wake != nil {
		close(w.wake)
		w.wake = nil
	}
	if w.filters != nil {
		w.filters()
	}
}

// onEnd has end call f, which must not wait.
func (w *watch) onEnd(f func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.filters = f
	if w.ended != notEnded {
		f()
	}
}

// why is the reason, or notEnded.
func (w *watch) why() Ending {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.ended
}

// sleep waits, unless the exchange is ended meanwhile.
func (w *watch) sleep(d time.Duration) {
	w.mu.Lock()
	if w.ended != notEnded || d <= 0 {
		w.mu.Unlock()
		return
	}
	wake := make(chan struct{})
	w.wake = wake
	w.mu.Unlock()
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		w.mu.Lock()
		if w.wake == wake {
			w.wake = nil
		}
		w.mu.Unlock()
	case <-wake:
	}
}

// stuck reports whether nothing has moved for d. Called by the watcher only.
func (w *watch) stuck(now int64, d time.Duration) bool {
	if p := w.progress.Load(); p != w.seen || w.since == 0 {
		w.seen, w.since = p, now
		return false
	}
	return now-w.since > int64(d)
}

// drained reports whether the endpoint has been leaving for as long as requests have then. The time counts from when the watcher
// sees it first, WatchEvery late at most. Called by the watcher only.
func (w *watch) drained(now int64) bool {
	e := w.endpoint.Load()
	if e == nil || e.Draining() == 0 {
		w.leaving = nil
		return false
	}
	if e != w.leaving {
		w.leaving, w.left = e, now
	}
	return now-w.left >= int64(e.Draining())
}
