package http2

import (
	"io"
	"sync"

	"github.com/spillway-lb/spillway/internal/proxy/header"
	"github.com/spillway-lb/spillway/internal/proxy/message"
)

// Readier is implemented by bodies that know whether Next would return at once.
type Readier interface {
	Ready() bool
}

// A stream has two directions, each open or ended, and is in the connection's table until both have ended or it is cut:
//
//	                         begin
//	                           |
//	                           v
//	     recvEnd  +--------- open ---------+  sendEnd
//	(END_STREAM   |                        |  (END_STREAM is
//	  came)       v                        v   in the buffer)
//	        half closed              half closed
//	         (by peer)                 (by us)
//	              |                        |
//	    sendEnd   +------> finished <------+  recvEnd
//	                           |
//	   any state  -- cut --> removed --> recycled
//
// The words for the ends of a stream, in the code:
//
//   - sentEnd: our last frame is in the buffer (sendEnd). It is said under out.mu, so that no drain closes under it.
//   - finished: both directions have ended; the stream leaves the table.
//   - cut: it ends early by our RST_STREAM (resetStream, Reset, Cancel and the time-outs come here), by number, because the
//     owner may recycle it at any moment.
//   - drop: it ends early without one: the peer's RST_STREAM, its GOAWAY, or the connection's end. cut drops, too.
//   - abort: part of drop: whoever waits on the stream gets an error, and OnCancel is called.
//   - remove: part of finished and drop: it leaves the table (gone), which may end a connection that drains.
//   - leave: part of serve: a handler has returned, and what it left open is cut.
//   - recycle: the owner is done with it; its memory is used again. A stream is gone before.
//   - refuseID: RST_STREAM for a number that never got a stream.
//
// After recvEnd the message that came stays readable, whatever happens; after sendErr nothing is written.

// stream is what both kinds of stream share. Fields are guarded by c.mu but where it says otherwise.
type stream struct {
	c    *conn
	id   uint32
	wake sync.Cond

	sendWindow int64
	recvWindow int64
	unacked    int64 // consumed, but not yet announced

	recv      queue
	current   *block // what the consumer holds
	remaining int64  // of the declared content-length; -1 without one
	trailer   *head

	recvEnd bool  // the peer has ended its direction
	sendEnd bool  // we have ended ours
	discard bool  // nobody reads the body any more
	gone    bool  // not in the table any more
	early   bool  // the head of the answer has not come yet: no DATA may (clients)
	bodyErr error // makes reading the body fail, and nothing else
	recvErr error
	sendErr error

	activity int64 // clock at the last frame in either direction
	blocked  int64 // clock, plus one, since when the peer's windows have let little pass; 0 if they are open
	trickle  int   // bytes that have passed since then
	onConn   bool  // waits for the connection's window

	done     chan struct{}
	onCancel func()
	onTick   func() bool

	client *ClientStream // of which this is a part; nil for servers

	rst  bool // RST_STREAM was sent; guarded by out.mu
	body body
}

// setup readies a new or reused stream.
func (st *stream) setup(c *conn, id uint32) {
	*st = stream{c: c, id: id, remaining: -1}
	st.wake.L = &c.mu
	st.body.st = st
}

// abort makes all calls on the stream end with err, and tells who asked to be told. mu is held.
func (st *stream) abort(err error) {
	if st.recvErr == nil && !st.recvEnd {
		// A message that came whole stays readable.
		st.recvErr = err
		st.c.unacked += int64(st.recv.drop())
	}
	st.stopSending(err)
	st.cancelled()
}

func (st *stream) stopSending(err error) {
	if st.sendErr == nil {
		st.sendErr = err
	}
	st.wake.Broadcast()
}

func (st *stream) cancelled() {
	if st.done != nil {
		close(st.done)
		st.done = nil
	}
	if fn := st.onCancel; fn != nil {
		st.onCancel = nil
		fn()
	}
}

// finished removes a stream both of whose directions have ended. mu is held.
func (c *conn) finished(st *stream) {
	if !st.gone {
		c.done.Add(1)
		c.remove(st)
	}
}

// WriteData sends body bytes. It blocks while the peer's windows are shut or much output lies unsent. p may be used
// again when it returns.
func (st *stream) WriteData(p []byte, endStream bool) error {
	for len(p) > 0 {
		n, err := st.reserve(len(p))
		if err != nil {
			return err
		}
		last := endStream && n == len(p)
		if err := st.c.out.data(st, p[:n], last); err != nil {
			st.unreserve(n)
			return st.sendError(err)
		}
		p = p[n:]
		if last {
			st.c.out.flush()
			return nil
		}
	}
	if !endStream {
		return nil
	}
	if err := st.sendable(); err != nil {
		return err
	}
	if err := st.c.out.data(st, nil, true); err != nil {
		return st.sendError(err)
	}
	st.c.out.flush()
	return nil
}

// Flush sends what has been written to this stream, and to others of the connection.
func (st *stream) Flush() { st.c.out.flush() }

// sendError prefers the reason of the stream's end over the output's.
func (st *stream) sendError(err error) error {
	st.c.mu.Lock()
	defer st.c.mu.Unlock()
	if st.sendErr != nil {
		return st.sendErr
	}
	return err
}

// sendable tells whether the stream still takes output.
func (st *stream) sendable() error {
	st.c.mu.Lock()
	defer st.c.mu.Unlock()
	if st.sendErr != nil {
		return st.sendErr
	}
	if st.sendEnd {
		return errWriteAfterEnd
	}
	return nil
}

var errWriteAfterEnd = &StreamError{Code: CodeInternal, Reason: ReasonMisuse, Detail: "write after the end"}

// stopped tells whether nothing more may be written. out.mu may be held.
func (st *stream) stopped() bool {
	st.c.mu.Lock()
	defer st.c.mu.Unlock()
	return st.sendErr != nil
}

// sentEnd notes that our direction has ended, with a frame that is in the buffer. out.mu is held: the frame must not reach
// the peer, who may act on it at once, before that is noted; nor may a connection that drains take the stream for over,
// and end, before the frame is in the buffer.
func (st *stream) sentEnd() {
	st.c.mu.Lock()
	st.sendEnd = true
	if st.recvEnd {
		st.c.finished(st)
	}
	st.c.mu.Unlock()
}

// reserve waits until both windows are open and takes up to want bytes from them.
func (st *stream) reserve(want int) (int, error) {
	c := st.c
	flushed := false
	c.mu.Lock()
	defer c.mu.Unlock()
	for {
		if st.sendErr != nil {
			return 0, st.sendErr
		}
		if st.sendEnd {
			return 0, errWriteAfterEnd
		}
		n := min(int64(want), st.sendWindow, c.sendWindow, maxReserve)
		if n <= 0 && st.answered() {
			return 0, errAnswered
		}
		if n > 0 {
			st.sendWindow -= n
			c.sendWindow -= n
			st.passed(int(n), int(n) == want)
			return int(n), nil
		}
		if !flushed {
			c.mu.Unlock()
			c.out.flush()
			c.mu.Lock()
			flushed = true
			continue
		}
		st.waitWindow()
	}
}

// answered tells whether nothing waits for the rest of a request: all of its answer has come. mu is held.
func (st *stream) answered() bool { return st.client != nil && st.recvEnd && !st.client.connect }

var errAnswered = &StreamError{Code: CodeNo, Reason: ReasonStopSending}

// minProgress is how many bytes have to pass before a window counts as open that holds less than is to be sent: a peer that
// opens it by a byte at a time is as slow as one that does not open it.
const minProgress = 4 << 10

// passed notes that bytes leave; all means that nothing waits behind them. mu is held.
func (st *stream) passed(n int, all bool) {
	if st.blocked != 0 {
		if st.trickle += n; !all && st.trickle < minProgress {
			return
		}
	}
	st.blocked, st.trickle = 0, 0
	st.activity = st.c.clock.Load()
}

// maxReserve keeps one large write from taking the whole connection window at once.
const maxReserve = 64 << 10

func (st *stream) waitWindow() {
	c := st.c
	if st.blocked == 0 {
		st.blocked = c.clock.Load() + 1
	}
	if c.sendWindow <= 0 {
		st.onConn = true
		c.connWaits++
	}
	st.wake.Wait()
	if st.onConn {
		st.onConn = false
		c.connWaits--
	}
}

// unreserve gives connection window back that a reset stream did not use.
func (st *stream) unreserve(n int) {
	c := st.c
	c.mu.Lock()
	c.sendWindow += int64(n)
	c.wakeConnWaiters()
	c.mu.Unlock()
}

// wakeConnWaiters wakes the streams that wait for the connection's window. mu is held.
func (c *conn) wakeConnWaiters() {
	if c.connWaits == 0 || c.sendWindow <= 0 {
		return
	}
	for _, st := range c.streams {
		if st.onConn {
			st.wake.Broadcast()
		}
	}
}

// WriteTrailers ends our direction with trailers.
func (st *stream) WriteTrailers(t *header.Map) error {
	if err := st.sendable(); err != nil {
		return err
	}
	o := &st.c.out
	o.mu.Lock()
	if err := o.writable(st); err != nil {
		o.mu.Unlock()
		return st.sendError(err)
	}
	start := o.beginHeaders()
	o.fields(t)
	o.endHeaders(start, st.id, true)
	st.sentEnd()
	o.mu.Unlock()
	o.flush()
	return nil
}

// Done is closed when the stream is reset, by either side, or its connection ends.
func (st *stream) Done() <-chan struct{} {
	c := st.c
	c.mu.Lock()
	defer c.mu.Unlock()
	if st.done == nil {
		st.done = make(chan struct{})
		if st.broken() {
			done := st.done
			close(done)
			st.done = nil
			return done
		}
	}
	return st.done
}

// broken tells whether the stream has been cut short. mu is held.
func (st *stream) broken() bool { return st.recvErr != nil || st.sendErr != nil }

// OnCancel asks for one call of fn when the stream is reset by the peer or its connection ends; at once if that has
// happened. fn runs under the connection's lock: it must not block, nor call methods of this stream. nil withdraws,
// and then no call is under way any more.
func (st *stream) OnCancel(fn func()) {
	c := st.c
	c.mu.Lock()
	defer c.mu.Unlock()
	if fn != nil && st.broken() {
		fn()
		return
	}
	st.onCancel = fn
}

// OnTick asks for a call of fn at each tick of the connection's clock (see Limits.Tick), under the same terms as OnCancel.
// true resets the stream.
func (st *stream) OnTick(fn func() bool) {
	st.c.mu.Lock()
	defer st.c.mu.Unlock()
	st.onTick = fn
}

// recycle ends the stream's use of pooled memory. mu is held; the stream has left the table.
func (st *stream) recycle() (due uint32) {
	n := st.recv.drop()
	if st.current != nil {
		n += st.current.n
		blocks.Put(st.current)
		st.current = nil
	}
	if st.trailer != nil {
		st.trailer.release()
		st.trailer = nil
	}
	return st.c.credit(n)
}

// body is a stream's incoming body.
type body struct{ st *stream }

var (
	_ message.Body = (*body)(nil)
	_ Readier      = (*body)(nil)
)

// Next returns the next bytes; taking them is what opens the peer's window again.
func (b *body) Next() ([]byte, error) {
	st, c := b.st, b.st.c
	flushed := false
	c.mu.Lock()
	connDue, streamDue := st.consumed()
	for !st.ready() {
		if !flushed {
			c.mu.Unlock()
			c.out.windowUpdates(st.id, connDue, streamDue)
			c.out.flush()
			connDue, streamDue, flushed = 0, 0, true
			c.mu.Lock()
			continue
		}
		st.wake.Wait()
	}
	err := st.bodyErr
	if err == nil {
		err = st.recvErr
	}
	if err == nil {
		if st.current = st.recv.pop(); st.current == nil {
			err = io.EOF
		}
	}
	c.mu.Unlock()
	if connDue|streamDue != 0 {
		c.out.windowUpdates(st.id, connDue, streamDue)
		c.out.flush()
	}
	if err != nil {
		return nil, err
	}
	return st.current.data[:st.current.n], nil
}

// Ready tells whether Next would return at once.
func (b *body) Ready() bool {
	c := b.st.c
	c.mu.Lock()
	defer c.mu.Unlock()
	return b.st.ready()
}

// ready tells whether a reader of the body has anything to take. mu is held.
func (st *stream) ready() bool {
	return st.recv.head != nil || st.recvEnd || st.recvErr != nil || st.bodyErr != nil
}

// Trailers returns the trailers after io.EOF, or nil.
func (b *body) Trailers() *header.Map {
	c := b.st.c
	c.mu.Lock()
	defer c.mu.Unlock()
	if b.st.trailer == nil {
		return nil
	}
	return &b.st.trailer.fields
}

// Close gives up what was not read: it is credited to the connection, not to the stream, so that the peer stops.
func (b *body) Close() {
	st, c := b.st, b.st.c
	c.mu.Lock()
	st.discard = true
	connDue, _ := st.consumed()
	if due := c.credit(st.recv.drop()); due != 0 {
		connDue += due
	}
	c.mu.Unlock()
	if connDue != 0 {
		c.out.windowUpdates(st.id, connDue, 0)
		c.out.flushAsync()
	}
}

// consumed releases what the consumer held and returns the window updates that are due. mu is held.
func (st *stream) consumed() (connDue, streamDue uint32) {
	b := st.current
	if b == nil {
		return 0, 0
	}
	st.current = nil
	n := b.n
	blocks.Put(b)
	st.activity = st.c.clock.Load()
	st.unacked += int64(n)
	if !st.recvEnd && !st.gone && !st.discard && st.unacked >= int64(st.c.limits.StreamWindow)/2 {
		streamDue = uint32(st.unacked)
		st.recvWindow += st.unacked
		st.unacked = 0
	}
	return st.c.credit(n), streamDue
}
