package http2

import (
	"net"
	"runtime"
	"sync"
	"sync/atomic"

	"github.com/spillway-lb/spillway/internal/proxy/field"

	"github.com/spillway-lb/spillway/internal/proxy/header"
	"github.com/spillway-lb/spillway/internal/proxy/http2/hpack"
	"github.com/spillway-lb/spillway/internal/proxy/message"
)

const (
	// flushAt is how much output is collected before a writer flushes unasked.
	flushAt = 32 << 10
	// waitAt is how much output may lie unsent before writers of DATA wait.
	waitAt = 96 << 10
	// keepBelow is the largest buffer that is used again.
	keepBelow = 256 << 10
	// maxControl bounds the control frames that lie unsent because the peer does not read.
	maxControl = 10000
	// flushRounds is how many writes one goroutine does for others before it hands over.
	flushRounds = 8
)

// output is the writing half of a connection. Whoever has a frame appends it to buf under mu; whoever flushes first
// writes until buf is empty, and others add to buf meanwhile, so that many frames share one system call. No lock is
// held across a system call.
type output struct {
	mu      sync.Mutex
	dst     net.Conn
	workers *Workers
	enc     *hpack.Encoder
	room    sync.Cond // buf has shrunk, or err is set

	buf      []byte
	box      *writeBuffer // where buf came from
	spare    *writeBuffer
	maxFrame int // what the peer takes
	writing  bool
	urgent   bool // the reader has appended something that must leave without a flush by others
	control  int  // control frames since buf was last written
	closing  bool // after buf, nothing is sent any more
	ended    bool // and that has been told to the peer
	err      error

	// opened is the last stream of ours whose head is in buf, or was; left is the last one of which something may have left.
	opened uint32
	left   atomic.Uint32

	// last DATA frame in buf, so that END_STREAM can be added to it.
	lastStream uint32
	lastFrame  int

	// since is the tick at which the write under way began, plus one; 0 without one.
	since atomic.Int64
	clock *atomic.Int64
	// others is the number of streams of the connection.
	others *atomic.Int32
	// dataFrames counts DATA frames sent; window updates are measured against it.
	dataFrames atomic.Int64

	drainJob func()
	onError  func(error)
	onEnded  func()
}

func (o *output) init(
	dst net.Conn, workers *Workers, clock *atomic.Int64, others *atomic.Int32, onError func(error), onEnded func(),
) {
	o.dst, o.workers, o.clock, o.others, o.onError, o.onEnded = dst, workers, clock, others, onError, onEnded
	o.enc = hpack.NewEncoder()
	o.maxFrame = maxFrameLen
	o.room.L = &o.mu
	o.drainJob = func() {
		o.mu.Lock()
		o.drain()
		o.mu.Unlock()
	}
}

type writeBuffer struct{ b []byte }

// Small answers need little; bodies grow their buffer once, and it stays grown.
var writeBuffers = sync.Pool{New: func() any { return &writeBuffer{b: make([]byte, 0, 4<<10)} }}

// open makes sure that there is a buffer to append to. mu is held.
func (o *output) open() {
	if o.buf != nil {
		return
	}
	if o.box, o.spare = o.spare, nil; o.box == nil {
		o.box = writeBuffers.Get().(*writeBuffer)
	}
	o.buf = o.box.b[:0]
	o.lastStream = 0
}

// flush sends what has been appended.
func (o *output) flush() {
	o.mu.Lock()
	if !o.writing && len(o.buf) > 0 {
		o.writing = true
		if o.others.Load() > 0 && len(o.buf) < flushAt {
			// Let the streams that can run add their frames: a system call costs many times what they do.
			o.mu.Unlock()
			runtime.Gosched()
			o.mu.Lock()
		}
		o.drain()
	}
	o.mu.Unlock()
}

// flushAsync is flush for those who must not block: the reader, timers, cancellation.
func (o *output) flushAsync() {
	o.mu.Lock()
	o.kick()
	o.mu.Unlock()
}

// kick lets a worker flush. mu is held.
func (o *output) kick() {
	o.urgent = false
	if !o.writing && (len(o.buf) > 0 || o.closing) {
		o.writing = true
		o.workers.Run(o.drainJob)
	}
}

// flushUrgent is flushAsync if the reader has appended something.
func (o *output) flushUrgent() {
	o.mu.Lock()
	if o.urgent {
		o.kick()
	}
	o.mu.Unlock()
}

// drain writes until there is nothing left. mu is held, and released during writes; writing is set by the caller.
func (o *output) drain() {
	for round := 0; len(o.buf) > 0 && o.err == nil; round++ {
		if round == flushRounds {
			o.workers.Run(o.drainJob)
			return
		}
		b, box := o.buf, o.box
		o.buf, o.box = nil, nil
		o.control = 0
		o.urgent = false
		o.since.Store(o.clock.Load() + 1)
		before := o.left.Swap(o.opened)
		o.mu.Unlock()
		n, err := o.dst.Write(b)
		o.mu.Lock()
		o.since.Store(0)
		if err != nil && n == 0 {
			o.left.Store(before)
		}
		o.keep(b, box)
		if err != nil {
			o.fail(err)
			break
		}
		o.room.Broadcast()
	}
	if o.closing && !o.ended {
		o.ended = true
		o.mu.Unlock()
		closeWrite(o.dst)
		o.onEnded()
		o.mu.Lock()
		o.room.Broadcast()
	}
	o.writing = false
	if o.ended {
		o.room.Broadcast() // awaitEnd waits for the last writer, too
	}
	if len(o.buf) == 0 && o.spare != nil {
		writeBuffers.Put(o.spare)
		o.spare = nil
	}
}

// keep saves a written buffer for the next frames, unless it has grown large.
func (o *output) keep(b []byte, box *writeBuffer) {
	if cap(b) > keepBelow {
		return
	}
	box.b = b
	if o.spare == nil {
		o.spare = box
	} else {
		writeBuffers.Put(box)
	}
}

// discard gives up what has not left. mu is held.
func (o *output) discard() {
	if o.box != nil {
		o.keep(o.buf, o.box)
		o.buf, o.box = nil, nil
	}
}

// fail makes all further output vanish. mu is held.
func (o *output) fail(err error) {
	if o.err != nil {
		return
	}
	o.err = err
	o.buf, o.box = nil, nil
	o.room.Broadcast()
	// On another goroutine: onError takes the connection's lock and tells streams, whose owners may hold ours.
	o.workers.Run(func() { o.onError(err) })
}

// appendControl appends a control frame made by the reader; it reports false when too many lie unsent.
func (o *output) appendControl(add func([]byte) []byte) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.err != nil || o.closing {
		return true
	}
	o.open()
	o.buf = add(o.buf)
	o.urgent = true
	o.lastStream = 0
	o.control++
	return o.control <= maxControl
}

// reset appends RST_STREAM. mu is held.
func (o *output) reset(id uint32, code ErrCode) {
	if o.err == nil && !o.closing {
		o.open()
		o.buf = appendRSTStream(o.buf, id, code)
		o.lastStream = 0
		o.control++
	}
}

// windowUpdate appends WINDOW_UPDATE. mu is held.
func (o *output) windowUpdate(id, n uint32) {
	if o.err == nil && !o.closing {
		o.open()
		o.buf = appendWindowUpdate(o.buf, id, n)
		o.lastStream = 0
		o.control++
	}
}

// windowUpdates appends what a consumer has freed; 0 is nothing.
func (o *output) windowUpdates(id, connDue, streamDue uint32) {
	if connDue|streamDue == 0 {
		return
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if connDue != 0 {
		o.windowUpdate(0, connDue)
	}
	if streamDue != 0 {
		o.windowUpdate(id, streamDue)
	}
}

// data appends DATA frames for bytes whose windows have been reserved. It waits while too much lies unsent.
func (o *output) data(st *stream, p []byte, end bool) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	for len(o.buf) >= waitAt && o.writing && o.writable(st) == nil {
		o.room.Wait()
		if st.stopped() {
			return errStreamReset // see sendError
		}
	}
	if err := o.writable(st); err != nil {
		return err
	}
	o.open()
	if len(p) == 0 && end && o.lastStream == st.id {
		o.buf[o.lastFrame+4] |= byte(flagEndStream)
		st.sentEnd()
		return nil
	}
	for {
		n := min(len(p), o.maxFrame)
		var flags frameFlags
		if end && n == len(p) {
			flags = flagEndStream
		}
		o.lastStream, o.lastFrame = st.id, len(o.buf)
		o.buf = appendFrameHeader(o.buf, n, frameData, flags, st.id)
		o.buf = append(o.buf, p[:n]...)
		o.dataFrames.Add(1)
		p = p[n:]
		if len(p) == 0 {
			break
		}
	}
	if end {
		st.sentEnd()
	}
	if len(o.buf) >= flushAt && !o.writing {
		o.writing = true
		o.drain()
	}
	return nil
}

// wake lets writers that wait for room look whether their streams have ended. mu is not held.
func (o *output) wake() {
	o.mu.Lock()
	o.room.Broadcast()
	o.mu.Unlock()
}

// writable tells whether frames of the stream may still be sent. mu is held.
func (o *output) writable(st *stream) error {
	if o.err != nil || o.closing {
		return errOutputClosed
	}
	if st.rst {
		return errStreamReset
	}
	return nil
}

var (
	errOutputClosed = &ConnError{Code: CodeNo, Reason: ReasonClosed}
	errStreamReset  = &StreamError{Code: CodeCancel, Reason: ReasonCancelled}
)

// beginHeaders starts a header block and returns where; fields are then encoded into buf by enc. mu is held.
func (o *output) beginHeaders() int {
	o.open()
	o.lastStream = 0
	start := len(o.buf)
	o.buf = appendFrameHeader(o.buf, 0, frameHeaders, 0, 0)
	o.buf = o.enc.Begin(o.buf)
	return start
}

// endHeaders finishes the block that began at start, in as many frames as it takes. mu is held.
func (o *output) endHeaders(start int, stream uint32, end bool) {
	var flags frameFlags
	if end {
		flags = flagEndStream
	}
	length := len(o.buf) - start - frameHeaderLen
	if length <= o.maxFrame {
		appendFrameHeader(o.buf[start:start], length, frameHeaders, flags|flagEndHeaders, stream)
		return
	}
	block := append([]byte(nil), o.buf[start+frameHeaderLen:]...)
	o.buf = o.buf[:start]
	typ := frameHeaders
	for len(block) > 0 {
		n := min(len(block), o.maxFrame)
		if n == len(block) {
			flags |= flagEndHeaders
		}
		o.buf = append(appendFrameHeader(o.buf, n, typ, flags, stream), block[:n]...)
		block = block[n:]
		typ, flags = frameContinuation, 0
	}
}

// fields encodes header fields but for those that HTTP/2 forbids. mu is held, a block has begun.
func (o *output) fields(m *header.Map) {
	if m == nil {
		return
	}
	for i := range m.Len() {
		f := m.At(i)
		if field.ConnectionSpecific(f.ID) || f.ID == header.Host || f.ID == header.TE && !field.EqualFold(f.Value, textTrailers) {
			continue
		}
		o.buf = o.enc.Field(o.buf, f)
	}
}

// answerFields is fields for an answer, which may be one that must not have a length.
func (o *output) answerFields(status int, m *header.Map) {
	if m != nil && !message.MayHaveLength(status) {
		m.Del(header.ContentLength)
	}
	o.fields(m)
}

// closeAfter appends a last frame and lets the connection end after it. mu is not held.
func (o *output) closeAfter(last func([]byte) []byte) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.closing || o.err != nil {
		return
	}
	if last != nil {
		o.open()
		o.buf = last(o.buf)
	}
	o.closing = true
	o.room.Broadcast()
	o.kick()
}

// awaitEnd waits until all has been written, or cannot be.
func (o *output) awaitEnd() {
	o.mu.Lock()
	defer o.mu.Unlock()
	for !(o.ended && !o.writing) && o.err == nil {
		o.room.Wait()
	}
}

// closeWrite ends our direction, so that the peer reads what was sent before it sees the end.
func closeWrite(nc net.Conn) {
	if h, ok := nc.(interface{ CloseWrite() error }); ok {
		_ = h.CloseWrite()
		return
	}
	_ = nc.Close()
}
