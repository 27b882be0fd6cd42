package exchange

import (
	"io"
	"sync/atomic"
	"time"

	"github.com/spillway-lb/spillway/internal/proxy/upstream"
)

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
	defer p.x.engine.Guard.Recover("body", func() {
		p.bodyErr = errCrashed
		p.stream.Interrupt()
	})
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
		if announced := p.x.Sent.ContentLength; announced >= 0 && (err == io.EOF && r.bytes != announced || r.bytes+int64(len(chunk)) > announced) {
			err = errLength
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
		p.x.watch.Moved()
		if b, ok := r.src.(interface{ AtEnd() bool }); ok && b.AtEnd() {
			p.final.Store(true)
		}
		r.keep(chunk)
		if p.writeErr = p.stream.SendData(chunk); p.writeErr != nil {
			return
		}
	}
	p.final.Store(true)
	p.x.bodyEnded()
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
func (p *pump) owed() bool {
	if s := p.x.scope; s != nil && s.replaced {
		return s.upload.busy()
	}
	return !p.final.Load() && !p.stopped()
}

// joinPump ends a pump whose stream has failed. It returns when the pump is done, or is left waiting for the client.
func (x *Exchange) joinPump(a *attempt) {
	a.Stream.Interrupt()
	t := time.NewTimer(pumpGrace)
	defer t.Stop()
	select {
	case <-a.pump.done:
	case <-t.C:
	}
}

// pumpGrace is how long the end of an answer waits for the end of the request: a backend that answers as it reads the
// last byte can be faster than the pump's bookkeeping.
const pumpGrace = 50 * time.Millisecond

// closeStream ends the stream and the pump with it.
func (x *Exchange) closeStream(a *attempt) {
	if a.Stream == nil {
		return
	}
	if a.pump != nil {
		x.stopPump(a)
	}
	x.watch.detach()
	a.CloseStream()
	a.pump = nil
}

// stopPump ends a pump for good: a client that still sends is not read any further.
func (x *Exchange) stopPump(a *attempt) {
	select {
	case <-a.pump.done:
		return
	default:
	}
	t := time.NewTimer(pumpGrace)
	defer t.Stop()
	select {
	case <-a.pump.done:
		return
	case <-t.C:
	}
	a.Stream.Interrupt()
	x.down.StopBody()
	if x.scope != nil {
		x.scope.interrupt()
	}
	<-a.pump.done
}
