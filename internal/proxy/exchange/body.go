package exchange

import (
	"errors"
	"io"
	"sync/atomic"

	"github.com/spillway-lb/spillway/internal/proxy/accesslog"
	"github.com/spillway-lb/spillway/internal/proxy/header"
	"github.com/spillway-lb/spillway/internal/proxy/http1"
	"github.com/spillway-lb/spillway/internal/proxy/message"
	"github.com/spillway-lb/spillway/internal/proxy/transport"
	"github.com/spillway-lb/spillway/internal/proxy/upstream"
)

// maxReplay is how much of a request's body is kept for another attempt. gatherLimit is how much of it is collected
// before the first attempt when it has arrived already: then it goes out with the head, in one write.
const (
	maxReplay   = 64 << 10
	gatherLimit = 16 << 10
)

// replay is the request's body as attempts send it: what was kept, then what still comes.
type replay struct {
	src      message.Body // nil: no body, or all of it is in kept
	kept     []byte
	buffer   []byte // of the pool, when kept is not the connection's
	overflow bool   // more was sent than is kept: not replayable
	trailers *header.Map
	bytes    int64
}

// prepare collects what has arrived. An error is the client's fault.
func (r *replay) prepare(req *message.Request) error {
	if req.Body == nil {
		return nil
	}
	r.src = req.Body
	if w, ok := r.src.(interface{ Whole() bool }); ok && w.Whole() {
		p, err := r.src.Next()
		if err != nil && err != io.EOF {
			return err
		}
		r.kept, r.src = p, nil
		r.bytes = int64(len(p))
		return nil
	}
	for len(r.kept) < gatherLimit && ready(r.src) {
		p, err := r.src.Next()
		if err == io.EOF {
			r.trailers = r.src.Trailers()
			r.src = nil
			return nil
		}
		if err != nil {
			return err
		}
		r.keep(p)
	}
	return nil
}

// keep appends to what is kept, or gives up on another attempt.
func (r *replay) keep(p []byte) {
	r.bytes += int64(len(p))
	if r.overflow {
		return
	}
	if len(r.kept)+len(p) > maxReplay {
		r.overflow = true
		return
	}
	if r.buffer == nil {
		r.buffer = transport.TakeBuffer(maxReplay)
		r.kept = r.buffer[:0]
	}
	r.kept = append(r.kept, p...)
}

// whole reports whether the body is at hand, so that one call sends the request.
func (r *replay) whole() bool { return r.src == nil && r.trailers == nil && !r.overflow }

// replayable reports whether another attempt can send the body again.
func (r *replay) replayable() bool { return !r.overflow }

func (r *replay) reset() {
	if r.buffer != nil {
		transport.GiveBuffer(r.buffer)
	}
	*r = replay{}
}

// ready reports whether Next returns at once.
func ready(b message.Body) bool {
	r, ok := b.(interface{ Ready() bool })
	return ok && r.Ready()
}

// pump sends a body that is still arriving, in a goroutine beside the one that awaits the answer.
type pump struct {
	x        *Exchange
	stream   upstream.Stream
	done     chan struct{}
	final    atomic.Bool // the client's part is read: what is left to do is to send it
	waiting  atomic.Bool // for bytes of the client
	bodyErr  error       // reading from the client failed
	writeErr error       // writing to the backend failed: it may have answered already
}

func (x *Exchange) startPump(s upstream.Stream) *pump {
	p := &pump{x: x, stream: s, done: make(chan struct{})}
	go p.run()
	return p
}

func (p *pump) run() {
	defer close(p.done)
	r := &p.x.body
	if len(r.kept) > 0 {
		if p.writeErr = p.stream.SendData(r.kept); p.writeErr != nil {
			return
		}
	}
	for r.src != nil {
		err, writeErr := p.move()
		if p.writeErr = writeErr; writeErr != nil {
			return
		}
		var chunk []byte
		if err == nil {
			p.waiting.Store(true)
			chunk, err = r.src.Next()
			p.waiting.Store(false)
		}
		if err == io.EOF {
			r.trailers = r.src.Trailers()
			r.src = nil
			break
		}
		if err != nil {
			p.bodyErr = err
			p.stream.Interrupt()
			return
		}
		p.x.watch.moved()
		if b, ok := r.src.(interface{ AtEnd() bool }); ok && b.AtEnd() {
			p.final.Store(true)
		}
		r.keep(chunk)
		if p.writeErr = p.stream.SendData(chunk); p.writeErr != nil {
			return
		}
	}
	p.final.Store(true)
	p.writeErr = p.stream.SendEnd(r.trailers)
}

// stopped reports whether the pump has ended, and the body with it or its stream: another can go on with the body.
func (p *pump) stopped() bool {
	select {
	case <-p.done:
		return p.bodyErr == nil
	default:
		return false
	}
}

// owed reports whether the client was to send more: not when all had come, nor when it was the backend that took nothing.
func (p *pump) owed() bool { return !p.final.Load() && !p.stopped() }

// bodyFailure is the answer to a request whose body could not be read.
func bodyFailure(err error) (status int, details accesslog.Details) {
	var bad *http1.Refusal
	switch {
	case errors.As(err, &bad):
		return bad.Status, refusalDetails(bad)
	case errors.Is(err, transport.ErrTimeout):
		return 408, accesslog.BodyTimeout
	}
	return 0, accesslog.ClientDisconnectedBeforeAnyResponse
}
