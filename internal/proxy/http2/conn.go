package http2

import (
	"errors"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/spillway-lb/spillway/internal/proxy/http2/hpack"
	"github.com/spillway-lb/spillway/internal/proxy/linger"
)

// conn is what servers and clients share. One goroutine reads; everybody may write through out.
//
// Locks: out.mu guards the output and the writing half of the compression state, mu everything else that more than
// one goroutine touches. mu may be taken while out.mu is held, never the other way round.
type conn struct {
	nc      net.Conn
	limits  Limits                 // time-outs are guarded by mu, the others stay
	bounds  atomic.Pointer[Limits] // those of heads
	workers *Workers
	report  func(Event)
	side    side

	in     input
	out    output
	dec    *hpack.Decoder
	block  headerBlock // reader only
	floods floods      // reader only

	start time.Time
	// clock is the time since start at the last tick: time-outs are coarse, so nothing on the hot path asks the system
	// for the time.
	clock    atomic.Int64
	lastRead atomic.Int64 // clock at the last frame
	active   atomic.Int32 // len(streams)
	done     atomic.Int64 // streams that came to their end
	cuts     atomic.Int64 // streams that we have reset

	mu         sync.Mutex
	streams    map[uint32]*stream
	sendWindow int64
	recvWindow int64
	unacked    int64 // consumed, but not yet announced
	connWaits  int   // streams that wait for sendWindow
	peerWindow int64 // the peer's initial window for streams
	closed     *ConnError
	goneAway   bool // no new streams; the connection ends with the last one
	watch      watch

	cutOff atomic.Bool // a goodbye under way is to end
}

// side is what differs between servers and clients.
type side interface {
	// onHead takes a header block; the head is its own from then on. Reader only.
	onHead(stream uint32, h *head, end bool) *ConnError
	// idle tells whether the stream has never been opened. mu is held.
	idle(stream uint32) bool
	// ended tells whether the peer is known to have said that it sends no more on the stream. mu is held.
	ended(stream uint32) bool
	// onSetting takes the settings that concern one side only. mu is held.
	onSetting(s setting) *ConnError
	// onSettings is called after the peer's first SETTINGS and after each later one.
	onSettings()
	// onGoAway takes the peer's GOAWAY.
	onGoAway(last uint32, code ErrCode)
	// opens tells whether it is we who open the streams. Then RST_STREAM by the peer is not charged, and what has not left of
	// them when the connection fails never does: they are opened elsewhere.
	opens() bool
	// onRemoved is told that a stream has left the table. mu is held.
	onRemoved(st *stream)
	// lastStream is the last stream of the peer's that we have taken. mu is held.
	lastStream() uint32
	// onRefused is told that the peer has refused a stream. mu is held.
	onRefused()
}

func (c *conn) init(nc net.Conn, s side, l Limits, workers *Workers, report func(Event)) {
	c.nc, c.side, c.limits, c.workers, c.report = nc, s, l, workers, report
	c.bounds.Store(&c.limits)
	c.dec = hpack.NewDecoder(hpack.DefaultTableSize)
	c.floods = newFloods()
	c.start = time.Now()
	c.streams = make(map[uint32]*stream)
	c.sendWindow, c.peerWindow = minConnWindow, minConnWindow
	c.recvWindow = int64(l.ConnWindow)
	c.in.init(nc, c.out.flushUrgent)
	c.out.init(nc, workers, &c.clock, &c.active, func(err error) {
		c.fail(&ConnError{Code: CodeNo, Reason: ReasonPeerGone, Remote: true, Err: err})
	}, func() {
		_ = nc.SetReadDeadline(time.Unix(1, 0)) // the reader goes over to lingering
	})
}

// readFrames reads until the connection fails. What it returns is never nil.
func (c *conn) readFrames() *ConnError {
	for {
		c.in.rest(c.active.Load() == 0)
		if err := c.in.need(frameHeaderLen); err != nil {
			return c.readError(err)
		}
		h := parseFrameHeader(c.in.next(frameHeaderLen))
		if h.length > maxFrameLen {
			return connError(CodeFrameSize, ReasonFrameSize)
		}
		if err := c.payload(h); err != nil {
			return err
		}
		if err := c.dispatch(h, c.in.next(int(h.length))); err != nil {
			return err
		}
	}
}

// payload waits for the rest of a frame. One that is no DATA has the time of a header block for coming whole.
func (c *conn) payload(h frameHeader) *ConnError {
	if c.in.buffered() >= int(h.length) {
		return nil
	}
	if h.typ != frameData {
		c.blockBegan()
	}
	if err := c.in.need(int(h.length)); err != nil {
		return c.readError(err)
	}
	if !c.block.open {
		c.block.since.Store(0)
	}
	return nil
}

// setLimits changes the bounds of heads, and the time-outs. Windows and numbers of streams, which the peer counts on, stay.
func (c *conn) setLimits(l Limits) {
	c.bounds.Store(&l)
	c.mu.Lock()
	defer c.mu.Unlock()
	old := &c.limits
	old.HeaderTimeout, old.IdleTimeout, old.StreamIdleTimeout = l.HeaderTimeout, l.IdleTimeout, l.StreamIdleTimeout
	old.WriteTimeout, old.PingInterval, old.PingTimeout, old.Tick = l.WriteTimeout, l.PingInterval, l.PingTimeout, l.Tick
	c.watch.every = old.rhythm()
	if w := &c.watch; w.asleep && !w.stopped {
		// An idle connection sleeps until its old time.
		w.asleep = false
		w.timer.Reset(w.every)
	}
}

func (c *conn) readError(err error) *ConnError {
	if errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	return &ConnError{Code: CodeNo, Reason: ReasonPeerGone, Remote: true, Err: err}
}

func connError(code ErrCode, reason Reason) *ConnError {
	return &ConnError{Code: code, Reason: reason}
}

// lingerTime bounds how long a connection that ends by an error may take to say so.
const lingerTime = time.Second

// end is the last thing the reader does.
func (c *conn) end(err *ConnError) {
	c.fail(err)
	c.mu.Lock()
	why := c.closed
	l := linger.Default
	l.Stall = min(l.Stall, c.limits.WriteTimeout)
	c.mu.Unlock()
	if !why.Remote && why.Reason != ReasonSlowWrite {
		if !why.graceful() {
			l.Most = lingerTime
		}
		c.out.awaitEnd()
		linger.Wait(c.nc, l, c.cutOff.Load)
	}
	c.watch.stop(c)
	_ = c.nc.Close()
	c.in.release()
}

// crashed ends a connection whose reader has panicked, as far as that is possible: its locks may be held for ever.
func (c *conn) crashed() {
	if c.mu.TryLock() {
		c.mu.Unlock()
		c.fail(connError(CodeInternal, ReasonClosed))
		c.watch.stop(c)
	}
	_ = c.nc.Close()
}

// cutNow ends a connection that is saying goodbye.
func (c *conn) cutNow() {
	c.cutOff.Store(true)
	_ = c.nc.SetDeadline(time.Unix(1, 0))
}

// graceful tells whether what lies unsent belongs to answers that are whole: their peers may take it at their pace.
func (e *ConnError) graceful() bool { return e.Reason == ReasonGoAway || e.Reason == ReasonIdle }

// fail ends the connection and all its streams, once. It tells the peer if the peer is not the cause, and never
// blocks. The writer goes on until its buffer is empty: for a moment, or, at a graceful end, as long as the peer takes
// something (see watch.overdue).
func (c *conn) fail(e *ConnError) {
	last, first := c.close(e)
	if !first {
		return
	}
	if c.report != nil && e.Reason != ReasonClosed && e.Reason != ReasonGoAway && e.Reason != ReasonPeerGone {
		c.report(Event{Reason: e.Reason, Conn: true})
	}
	switch {
	case e.Remote:
		c.out.closeAfter(nil)
		_ = c.nc.SetDeadline(time.Now().Add(lingerTime))
	case e.Reason == ReasonSlowWrite:
		_ = c.nc.Close()
	default:
		if !e.graceful() {
			_ = c.nc.SetDeadline(time.Now().Add(lingerTime))
		}
		c.out.closeAfter(func(b []byte) []byte { return appendGoAway(b, last, e.Code, string(e.Reason)) })
	}
}

// close ends all streams, the first time. It returns what GOAWAY names.
func (c *conn) close(e *ConnError) (last uint32, first bool) {
	c.out.mu.Lock()
	defer c.out.mu.Unlock()
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed != nil {
		return 0, false
	}
	c.closed = e
	if c.side.opens() {
		c.out.discard()
		c.dropUnsent(e)
	}
	for _, st := range c.streams {
		c.drop(st, e)
	}
	return c.side.lastStream(), true
}

// dropUnsent ends the streams of ours of which not even the head has left, and never will. mu is held.
func (c *conn) dropUnsent(e *ConnError) {
	unseen := *e
	unseen.Unprocessed = true
	left := c.out.left.Load()
	for id, st := range c.streams {
		if id > left {
			c.drop(st, &unseen)
		}
	}
}

// drop takes a stream out of the table with an error for whoever waits on it. mu is held.
func (c *conn) drop(st *stream, err error) {
	st.abort(err)
	c.remove(st)
}

// remove takes a stream out of the table. mu is held.
func (c *conn) remove(st *stream) {
	if st.gone {
		return
	}
	st.gone = true
	delete(c.streams, st.id)
	c.active.Add(-1)
	c.side.onRemoved(st)
}

// add puts a new stream into the table. mu is held.
func (c *conn) add(st *stream) {
	st.sendWindow = c.peerWindow
	st.recvWindow = int64(c.limits.StreamWindow)
	if !c.watch.settingsAcked {
		// The peer may not have seen our SETTINGS yet.
		st.recvWindow = max(st.recvWindow, minConnWindow)
	}
	c.streams[st.id] = st
	c.active.Add(1)
	c.watch.wake(c)
	st.activity = c.clock.Load()
}

// resetStream ends one stream because of something the peer did. Reader only.
func (c *conn) resetStream(id uint32, v verdict) *ConnError {
	c.cut(id, &StreamError{Code: v.code, Reason: v.reason, Detail: v.detail})
	c.out.flushUrgent()
	return c.refused(v.reason)
}

// cut drops a stream and sends RST_STREAM; a stream that is over stays as it is, and it says no. It goes by number, and marks the
// stream under both locks, because the owner may recycle a stream as soon as it learns of its end.
func (c *conn) cut(id uint32, err *StreamError) bool {
	o := &c.out
	o.mu.Lock()
	defer o.mu.Unlock()
	c.mu.Lock()
	st := c.streams[id]
	if st == nil {
		c.mu.Unlock()
		return false
	}
	st.rst = true
	o.room.Broadcast()
	c.cuts.Add(1)
	c.drop(st, err)
	due := c.credit(0)
	c.mu.Unlock()
	o.room.Broadcast()
	o.reset(id, err.Code)
	if due != 0 {
		o.windowUpdate(0, due)
	}
	o.urgent = true
	return true
}

// refuseID sends RST_STREAM for a stream that is not in the table. Reader only.
func (c *conn) refuseID(id uint32, code ErrCode, reason Reason) *ConnError {
	c.cuts.Add(1)
	if err := c.control(func(b []byte) []byte { return appendRSTStream(b, id, code) }); err != nil {
		return err
	}
	return c.refused(reason)
}

// refused accounts for a stream that the peer made us reset. Reader only.
func (c *conn) refused(reason Reason) *ConnError {
	if c.report != nil {
		c.report(Event{Reason: reason})
	}
	return c.charge(&c.floods.serverReset, ReasonServerReset)
}

// charge counts something that a peer may do only so often. Reader only.
func (c *conn) charge(a *allowance, reason Reason) *ConnError {
	if a.spend() {
		return nil
	}
	c.floods.elapse(time.Duration(c.clock.Load()))
	c.floods.sent(c.out.dataFrames.Load())
	c.floods.streamDone(int(c.done.Swap(0)))
	c.floods.cut(int(c.cuts.Swap(0)))
	if a.spend() {
		return nil
	}
	return connError(CodeEnhanceYourCalm, reason)
}

// control appends a control frame from the reader.
func (c *conn) control(add func([]byte) []byte) *ConnError {
	if c.out.appendControl(add) {
		return nil
	}
	return connError(CodeEnhanceYourCalm, ReasonOutputFlood)
}

// credit notes that n received bytes have been consumed, and returns the window update that is due, or 0. mu is held.
func (c *conn) credit(n int) uint32 {
	c.unacked += int64(n)
	if c.unacked < int64(c.limits.ConnWindow)/2 {
		return 0
	}
	due := uint32(c.unacked)
	c.recvWindow += c.unacked
	c.unacked = 0
	return due
}

// now is the time since start; for rare paths only.
func (c *conn) now() time.Duration { return time.Since(c.start) }
