package http2

import (
	"sync"

	"github.com/spillway-lb/spillway/internal/proxy/header"
	"github.com/spillway-lb/spillway/internal/proxy/message"
)

// ClientStream is a request that was sent and its answer. One goroutine may write while another reads.
type ClientStream struct {
	stream
	cc      *ClientConn
	connect bool // CONNECT: no length applies to what follows a 2xx
	isHead  bool
	// bodiless: the answer has no body, whatever follows its head.
	bodiless bool

	// Guarded by conn.mu.
	answer  *head // of the final answer
	status  int
	length  int64
	informs []inform
	taken   int // informational answers so far
}

type inform struct {
	status int
	head   *head
}

var clientStreams = sync.Pool{New: func() any { return new(ClientStream) }}

// begin readies the stream. mu is held.
func (cs *ClientStream) begin(cc *ClientConn, id uint32, req *message.Request, end bool) {
	informs := cs.informs[:0]
	cs.setup(&cc.conn, id)
	cs.client, cs.cc = cs, cc
	cs.early = true
	cs.sendEnd = end
	cs.connect = string(req.Method) == "CONNECT" || len(req.Protocol) > 0
	cs.isHead = string(req.Method) == "HEAD"
	cs.bodiless = false
	cs.answer, cs.status, cs.length, cs.informs, cs.taken = nil, 0, 0, informs, 0
}

// takeHead puts the head of an answer into the mailbox, and owns h. mu is held.
func (cs *ClientStream) takeHead(h *head, end bool) verdict {
	status, length, problem := h.response()
	v := verdict{}
	switch {
	case h.tooLarge:
		v = verdict{CodeCancel, ReasonHeaderListSize, "answer's header list too large"}
	case problem != "":
		v = verdict{CodeProtocol, ReasonMalformed, problem}
	case status < 200 && end:
		v = verdict{CodeProtocol, ReasonMalformed, "informational answer with END_STREAM"}
	case status < 200:
		return cs.takeInform(status, h)
	default:
		v = cs.expect(status, length, end)
	}
	if !v.ok() {
		h.release()
		return v
	}
	cs.answer, cs.status, cs.early = h, status, false
	cs.recvEnd = end
	cs.activity = cs.c.clock.Load()
	cs.wake.Broadcast()
	return v
}

func (cs *ClientStream) takeInform(status int, h *head) verdict {
	if cs.taken++; cs.taken > message.MaxInformational {
		h.release()
		return verdict{CodeEnhanceYourCalm, ReasonInformationFlood, "too many informational answers"}
	}
	cs.informs = append(cs.informs, inform{status, h})
	cs.activity = cs.c.clock.Load()
	cs.wake.Broadcast()
	return verdict{}
}

// expect works out what body may follow the head. mu is held.
func (cs *ClientStream) expect(status int, length int64, end bool) verdict {
	switch {
	case cs.connect && status < 300:
		cs.length, cs.remaining = message.UnknownLength, -1
	case !message.HasBody(cs.isHead, status):
		// What comes all the same, trailers too, is not the client's.
		cs.length, cs.remaining, cs.discard, cs.bodiless = 0, -1, true, true
	case end && length > 0:
		return verdict{CodeProtocol, ReasonContentLength, "content-length without a body"}
	case length < 0:
		cs.length, cs.remaining = message.UnknownLength, -1
	default:
		cs.length, cs.remaining = length, length
	}
	if end {
		cs.length = 0
	}
	return verdict{}
}

// ReadHead waits for the final answer and fills resp, which stays valid until Close. Informational answers before it
// are handed to onInformational, if that is not nil; their headers are valid during the call.
func (cs *ClientStream) ReadHead(resp *message.Response, onInformational func(status int, h *header.Map)) error {
	c := cs.c
	flushed := false
	c.mu.Lock()
	for {
		switch {
		case len(cs.informs) > 0:
			in := cs.informs[0]
			cs.informs = append(cs.informs[:0], cs.informs[1:]...)
			c.mu.Unlock()
			if onInformational != nil {
				onInformational(in.status, &in.head.fields)
			}
			in.head.release()
			c.mu.Lock()
		case cs.answer != nil && (cs.recvErr == nil || cs.bodiless):
			cs.fill(resp)
			c.mu.Unlock()
			return nil
		case cs.recvErr != nil:
			err := cs.recvErr
			c.mu.Unlock()
			return err
		case !flushed:
			c.mu.Unlock()
			c.out.flush()
			flushed = true
			c.mu.Lock()
		default:
			cs.wake.Wait()
		}
	}
}

// fill hands the answer over. mu is held.
func (cs *ClientStream) fill(resp *message.Response) {
	resp.Status = cs.status
	resp.Header.CopyFrom(&cs.answer.fields)
	resp.ContentLength = cs.length
	resp.Body = nil
	switch {
	case cs.bodiless:
	case !cs.recvEnd || cs.recv.head != nil || cs.trailer != nil:
		resp.Body = &cs.body
	default:
		resp.ContentLength = 0 // an empty DATA has ended it meanwhile
	}
}

// ID is the stream's number, for logs.
func (cs *ClientStream) ID() uint32 { return cs.id }

// Cancel resets the stream, and makes every blocked call on it return. It never blocks, and may be called from any
// goroutine until Close is called.
func (cs *ClientStream) Cancel() {
	if cs.c.cut(cs.id, &StreamError{Code: CodeCancel, Reason: ReasonCancelled}) {
		cs.cc.cancelled()
	}
	cs.c.out.flushUrgent()
}

// Close ends the use of the stream: what is unfinished is reset, and the memory of the answer is used again. It must
// be called exactly once, by the owner, and nothing of the stream may be touched afterwards.
func (cs *ClientStream) Close() {
	c := cs.c
	c.mu.Lock()
	if !cs.gone {
		c.mu.Unlock()
		cs.Cancel()
		c.mu.Lock()
	}
	due := cs.recycle()
	for _, in := range cs.informs {
		in.head.release()
	}
	clear(cs.informs)
	cs.informs = cs.informs[:0]
	if cs.answer != nil {
		cs.answer.release()
		cs.answer = nil
	}
	c.mu.Unlock()
	if due != 0 {
		c.out.windowUpdates(0, due, 0)
		c.out.flushAsync()
	}
	clientStreams.Put(cs)
}
