package http2

import "time"

// watch is the clock of a connection: one timer, whose tick checks every time-out. While nothing goes on it sleeps
// until the idle time-out, so that idle connections cost no wake-ups. Fields are guarded by conn.mu.
type watch struct {
	timer         *time.Timer
	every         time.Duration
	asleep        bool
	stopped       bool
	settingsAcked bool

	idleSince  time.Duration
	pingAt     time.Duration // when a probe was sent
	pingOut    bool
	drainAt    time.Duration // when the first GOAWAY was sent
	draining   bool
	quietTicks int
}

// pings tell their answers apart.
var (
	probePing = [8]byte{'s', 'p', 'i', 'l', 'l', 'p', 'r', 'b'}
	drainPing = [8]byte{'s', 'p', 'i', 'l', 'l', 'd', 'r', 'n'}
)

// action is what a tick leads to.
type action struct {
	fail  *ConnError
	probe bool
	last  bool // the second GOAWAY is due
	reset []overdue
	next  time.Duration // until the next tick
}

type overdue struct {
	id     uint32
	reason Reason
}

// rhythm is how often time-outs are looked at.
func (l *Limits) rhythm() time.Duration {
	every := l.Tick
	for _, d := range []time.Duration{
		l.SettingsTimeout, l.HeaderTimeout, l.IdleTimeout, l.StreamIdleTimeout, l.WriteTimeout, l.PingInterval, l.PingTimeout,
	} {
		if d > 0 {
			every = min(every, max(d/4, time.Millisecond))
		}
	}
	return every
}

// startWatch starts the timer.
func (c *conn) startWatch() {
	c.mu.Lock()
	c.watch.every = c.limits.rhythm()
	c.watch.timer = time.AfterFunc(c.watch.every, c.tick)
	c.mu.Unlock()
}

func (w *watch) stop(c *conn) {
	c.mu.Lock()
	w.stopped = true
	if w.timer != nil {
		w.timer.Stop()
	}
	c.mu.Unlock()
}

// wake notes that something goes on, and makes ticks regular again after sleep. mu is held.
func (w *watch) wake(c *conn) {
	w.quietTicks = 0
	if w.asleep && !w.stopped {
		w.asleep = false
		now := int64(time.Since(c.start))
		c.clock.Store(now)
		c.lastRead.Store(now)
		w.timer.Reset(w.every)
	}
	w.idleSince = time.Duration(c.clock.Load())
}

// tick is the shell around judge.
func (c *conn) tick() {
	now := time.Since(c.start)
	c.clock.Store(int64(now))
	c.mu.Lock()
	if c.watch.stopped {
		c.mu.Unlock()
		return
	}
	if c.closed != nil {
		stuck := c.goodbyeStuck(now)
		c.watch.timer.Reset(c.watch.every)
		c.mu.Unlock()
		if stuck {
			c.cutNow()
		}
		return
	}
	a := c.judge(now)
	if a.fail != nil {
		c.goneAway = true // what would be opened before it ends is refused instead
	}
	c.watch.timer.Reset(a.next)
	if a.fail != nil && a.fail.graceful() {
		// Nobody opens a stream between here and the end.
		c.goneAway = true
	}
	c.mu.Unlock()
	if a.fail != nil {
		c.fail(a.fail)
		return
	}
	for _, o := range a.reset {
		if c.report != nil {
			c.report(Event{Reason: o.reason})
		}
		c.cut(o.id, &StreamError{Code: CodeCancel, Reason: o.reason})
	}
	if a.probe {
		c.control(func(b []byte) []byte { return appendPing(b, 0, probePing) })
	}
	if a.last {
		c.lastGoAway()
	}
	// Also whatever a caller has forgotten to flush.
	c.out.flushAsync()
}

// judge decides what is due at now. mu is held.
func (c *conn) judge(now time.Duration) action {
	w, l := &c.watch, &c.limits
	a := action{next: w.every}
	a.fail = c.overdue(now)
	if a.fail != nil {
		return a
	}
	for id, st := range c.streams {
		switch {
		case st.onTick != nil && st.onTick():
			a.reset = append(a.reset, overdue{id, ReasonStreamIdle})
		case l.StreamIdleTimeout > 0 && st.blocked != 0 && now-time.Duration(st.blocked-1) >= l.StreamIdleTimeout:
			a.reset = append(a.reset, overdue{id, ReasonSlowWindow})
		case l.StreamIdleTimeout > 0 && now-time.Duration(st.activity) >= l.StreamIdleTimeout:
			a.reset = append(a.reset, overdue{id, ReasonStreamIdle})
		}
	}
	if w.draining && !c.goneAway && now-w.drainAt >= time.Second {
		a.last = true
	}
	c.rhythm(now, &a)
	return a
}

// rhythm decides on probes, idleness and sleep. mu is held.
func (c *conn) rhythm(now time.Duration, a *action) {
	w, l := &c.watch, &c.limits
	if len(c.streams) > 0 {
		w.quietTicks, w.idleSince = 0, now
		if l.PingInterval > 0 && !w.pingOut && now-time.Duration(c.lastRead.Load()) >= l.PingInterval {
			w.pingOut, w.pingAt, a.probe = true, now, true
		}
		return
	}
	w.quietTicks++
	if l.IdleTimeout > 0 && now-w.idleSince >= l.IdleTimeout {
		a.fail = connError(CodeNo, ReasonIdle)
		return
	}
	if w.quietTicks < 2 || !w.settingsAcked || w.draining || w.pingOut || c.block.since.Load() != 0 || c.out.since.Load() != 0 {
		return
	}
	w.asleep = true
	a.next = 24 * time.Hour
	if l.IdleTimeout > 0 {
		a.next = l.IdleTimeout - (now - w.idleSince)
	}
}

// goodbyeStuck tells whether a peer takes nothing of what was written before the end.
func (c *conn) goodbyeStuck(now time.Duration) bool {
	since := c.out.since.Load()
	return since != 0 && now-time.Duration(since-1) >= min(c.limits.WriteTimeout, defaultWriteTimeout)
}

// overdue checks the time-outs of the whole connection. mu is held.
func (c *conn) overdue(now time.Duration) *ConnError {
	w, l := &c.watch, &c.limits
	since := func(mark int64) time.Duration {
		if mark == 0 {
			return 0
		}
		return now - time.Duration(mark-1)
	}
	switch {
	case since(c.out.since.Load()) >= l.WriteTimeout:
		return connError(CodeCancel, ReasonSlowWrite)
	case !w.settingsAcked && now >= l.SettingsTimeout:
		return connError(CodeSettingsTimeout, ReasonSettingsTimeout)
	case since(c.block.since.Load()) >= l.HeaderTimeout:
		return connError(CodeEnhanceYourCalm, ReasonHeaderTimeout)
	case w.pingOut && now-w.pingAt >= l.PingTimeout:
		return connError(CodeCancel, ReasonPingTimeout)
	}
	return nil
}

// onPingAck takes the answer to a PING of ours; false: we had not asked.
func (c *conn) onPingAck(data [8]byte) bool {
	c.mu.Lock()
	probe := data == probePing && c.watch.pingOut
	if probe {
		c.watch.pingOut = false
	}
	draining := data == drainPing && c.watch.draining && !c.goneAway
	c.mu.Unlock()
	if draining {
		c.lastGoAway()
	}
	return probe || draining
}
