package exchange

import (
	"errors"
	"io"
	"sync/atomic"
	"time"

	"github.com/spillway-lb/spillway/internal/proxy/upstream"
)

// pump sends a body that is still arriving, in a goroutine beside the one that awaits the answer. When its attempt is given
// up, the next one's pump sends what was kept and goes on with what comes.
type pump struct {
	x        *Exchange
	stream   upstream.Stream
	done     chan struct{}
	final    atomic.Bool // the client's part is read: what is left to do is to send it
	waiting  atomic.Bool // for bytes of the client
	sent     int         // of what is kept
	left     bool        // the body's lock is held
	bodyErr  error       // reading from the client failed
	broken   atomic.Bool // bodyErr is set
	writeErr error       // writing to the backend failed: it may have answered already
}

func (x *Exchange) startPump(s upstream.Stream) *pump {
	p := &pump{x: x, stream: s, done: make(chan struct{})}
	p.final.Store(x.body.whole())
	x.uploading = true
	x.body.begin(p)
	go p.run()
	return p
}

func (p *pump) run() {
	defer close(p.done)
	r := &p.x.body
	defer r.leave(p)
	defer p.x.engine.Guard.Recover("body", func() {
		p.breakOff(errCrashed)
	})
	for {
		bodyErr, writeErr := p.move()
		if p.writeErr = writeErr; writeErr != nil {
			return
		}
		var chunk []byte
		if bodyErr == nil {
			chunk, bodyErr = r.next(p)
		}
		switch {
		case bodyErr == io.EOF:
			p.final.Store(true)
			p.x.bodyEnded()
			p.writeErr = p.stream.SendEnd(r.trailers)
			return
		case errors.Is(bodyErr, errGivenUp):
			return
		case bodyErr != nil:
			p.breakOff(bodyErr)
			return
		}
		p.x.watch.Moved()
		if p.writeErr = p.stream.SendData(chunk); p.writeErr != nil {
			return
		}
	}
}

// breakOff ends the attempt because of the body. Whoever is interrupted finds out why.
func (p *pump) breakOff(err error) {
	p.bodyErr = err
	p.broken.Store(true)
	p.stream.Interrupt()
}

// stopped reports whether the pump has ended, and the body with it or its stream.
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

// joinPump ends a pump whose stream has failed. It returns when the pump is done, or waits for the client.
func (x *Exchange) joinPump(a *attempt) {
	a.Stream.Interrupt()
	x.body.settle(a.pump)
}

// takeBack makes the request ready to be sent again, whole, if that can be: the attempt's pump sends nothing more.
func (x *Exchange) takeBack(a *attempt) bool {
	if a.pump == nil {
		return x.body.replayable()
	}
	if x.bodyFailed(a) || !x.body.giveUp(a.pump) {
		return false
	}
	a.Stream.Interrupt()
	x.body.settle(a.pump)
	a.pump = nil
	return true
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
	t := time.NewTimer(pumpGrace)
	defer t.Stop()
	select {
	case <-a.pump.done:
		return
	case <-t.C:
	}
	a.Stream.Interrupt()
	if !a.pump.final.Load() {
		x.down.StopBody()
	}
	if x.scope != nil {
		x.scope.interrupt()
	}
	<-a.pump.done
}

// endUpload ends the reading of a body when there is no further attempt: one that was given up may still be at it.
func (x *Exchange) endUpload() {
	if x.uploading && x.current.pump == nil {
		x.uploading = false
		x.body.end(func() {
			x.down.StopBody()
			if x.scope != nil {
				x.scope.interrupt()
			}
		})
	}
}
