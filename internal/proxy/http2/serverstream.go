package http2

import (
	"sync"

	"github.com/spillway-lb/spillway/internal/proxy/header"
	"github.com/spillway-lb/spillway/internal/proxy/message"
)

// ServerStream is one request and its answer. It belongs to its handler until that returns.
type ServerStream struct {
	stream
	sc   *ServerConn
	req  message.Request
	head *head  // owns the bytes of req
	run  func() // serve, bound once
}

var serverStreams = sync.Pool{New: func() any { return new(ServerStream) }}

// begin readies the stream for a checked request.
func (st *ServerStream) begin(sc *ServerConn, id uint32, h *head, end bool) {
	st.setup(&sc.conn, id)
	st.sc, st.head = sc, h
	if st.run == nil {
		st.run = st.serve
	}
	st.recvEnd = end
	st.req.Body = nil
	if end {
		st.req.ContentLength = 0
		return
	}
	st.req.Body = &st.body
	st.remaining = st.req.ContentLength
	if st.req.ContentLength < 0 {
		st.req.ContentLength = message.UnknownLength
	}
}

// serve runs the handler and ends what it left open.
func (st *ServerStream) serve() {
	sc := st.sc
	sc.handler(st)
	sc.mu.Lock()
	st.onCancel, st.onTick = nil, nil
	if !st.gone {
		answered := st.sendEnd
		sc.mu.Unlock()
		st.leave(answered)
		sc.mu.Lock()
	}
	due := st.recycle()
	sc.running--
	last := sc.running == 0
	sc.mu.Unlock()
	sc.out.windowUpdates(0, due, 0)
	sc.out.flush()
	st.release()
	if last {
		sc.idleCond.Broadcast()
	}
}

// leave resets what the handler has not finished, RFC 9113 section 8.1: after a whole answer NO_ERROR tells the client
// not to send the rest of the request.
func (st *ServerStream) leave(answered bool) {
	sc := st.sc
	if answered {
		sc.cut(st.id, &StreamError{Code: CodeNo, Reason: ReasonStopSending})
		return
	}
	if sc.report != nil {
		sc.report(Event{Reason: ReasonHandlerAbandoned})
	}
	sc.cut(st.id, &StreamError{Code: CodeInternal, Reason: ReasonHandlerAbandoned})
}

func (st *ServerStream) release() {
	// The map's memory came from the head and goes back to it.
	st.head.fields, st.req.Header = st.req.Header, header.Map{}
	st.head.release()
	*st = ServerStream{run: st.run}
	serverStreams.Put(st)
}

// Request is the request; its Body is nil when the client sent none.
func (st *ServerStream) Request() *message.Request { return &st.req }

// ID is the stream's number, for logs.
func (st *ServerStream) ID() uint32 { return st.id }

// WriteInformational sends a 1xx answer and flushes it.
func (st *ServerStream) WriteInformational(status int, h *header.Map) error {
	if err := st.writeHead(status, h, false); err != nil {
		return err
	}
	st.c.out.flush()
	return nil
}

// WriteHead sends the head of the final answer. Fields that HTTP/2 forbids are left out.
func (st *ServerStream) WriteHead(status int, h *header.Map, endStream bool) error {
	if err := st.writeHead(status, h, endStream); err != nil {
		return err
	}
	if endStream {
		st.c.out.flush()
	}
	return nil
}

func (st *ServerStream) writeHead(status int, h *header.Map, endStream bool) error {
	if !message.ValidStatus(status) {
		status = 500
	}
	if err := st.sendable(); err != nil {
		return err
	}
	o := &st.c.out
	o.mu.Lock()
	if err := o.writable(&st.stream); err != nil {
		o.mu.Unlock()
		return st.sendError(err)
	}
	start := o.beginHeaders()
	o.buf = o.enc.Status(o.buf, status)
	o.answerFields(status, h)
	o.endHeaders(start, st.id, endStream)
	if endStream {
		st.sentEnd()
	}
	o.mu.Unlock()
	return nil
}

// Reset ends the stream with an error code. The handler must still return.
func (st *ServerStream) Reset(code ErrCode) {
	st.c.cut(st.id, &StreamError{Code: code, Reason: ReasonCancelled})
	st.c.out.flushAsync()
}

// AbortBody makes reading the request body fail with err, now and later; the answer can still be written. It may be
// called from any goroutine while the handler runs: a time-out on the request's body uses it.
func (st *ServerStream) AbortBody(err error) {
	st.c.mu.Lock()
	defer st.c.mu.Unlock()
	if st.bodyErr == nil {
		st.bodyErr = err
	}
	st.wake.Broadcast()
}
