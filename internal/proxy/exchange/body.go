package exchange

import (
	"errors"
	"io"

	"github.com/spillway-lb/spillway/internal/proxy/accesslog"
	"github.com/spillway-lb/spillway/internal/proxy/header"
	"github.com/spillway-lb/spillway/internal/proxy/http1"
	"github.com/spillway-lb/spillway/internal/proxy/message"
	"github.com/spillway-lb/spillway/internal/proxy/transport"
)

// maxReplay is how much of a request's body is kept for another attempt. GatherLimit is how much of it is collected
// before the first attempt when it has arrived already: then it goes out with the head, in one write.
const (
	maxReplay   = 64 << 10
	GatherLimit = 16 << 10
)

// replay is the request's body as attempts send it: what was kept, then what still comes.
type replay struct {
	turns
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
	for len(r.kept) < GatherLimit && message.Ready(r.src) {
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

// bodyFailure is the answer to a request whose body could not be read.
func bodyFailure(err error) (status int, details accesslog.Details) {
	var bad *http1.Refusal
	switch {
	case errors.As(err, &bad):
		return bad.Status, RefusalDetails(bad)
	case errors.Is(err, transport.ErrTimeout):
		return 408, accesslog.BodyTimeout
	}
	return 0, accesslog.ClientDisconnectedBeforeAnyResponse
}
