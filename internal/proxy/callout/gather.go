package callout

import (
	"io"
	"sync"
	"time"

	"github.com/spillway-lb/spillway/internal/proxy/message"
)

const (
	// gatherSize and gatherTime bound how much of a body that comes in small pieces is gathered to one chunk, and for how long.
	gatherSize = 16 << 10
	gatherTime = 5 * time.Millisecond
	// maxChunk is the longest chunk: its answer may be as long, and a little more, and must be below maxMessage.
	maxChunk = 64 << 10
)

// gatherer reads a body in chunks of gatherSize or so. While bytes are at hand it reads them itself; a body that makes it
// wait is read by a goroutine, so that what is here can go on after gatherTime.
type gatherer struct {
	src  message.Body
	held []byte // came after what filled a chunk; good until the source is read again
	slow *puller
	end  bool

	mu      sync.Mutex // guards the setting of slow, and stopped: stop is another goroutine's
	stopped bool
}

// next appends the next chunk to dst. last says that nothing of the body follows; an error is the source's. It waits for the
// first byte as long as it takes.
func (g *gatherer) next(dst []byte) (chunk []byte, last bool, err error) {
	if g.slow != nil {
		chunk, g.end, err = g.slow.take(dst)
		return chunk, g.end, err
	}
	start := len(dst)
	for {
		p := g.held
		if g.held = nil; p == nil {
			if p, err = g.src.Next(); err == io.EOF {
				g.end = true
				return dst, true, nil
			} else if err != nil {
				return dst, false, err
			}
		}
		if n := len(dst) - start; n > 0 && n+len(p) > gatherSize {
			g.held = p
			return dst, false, nil
		}
		if len(p) > maxChunk {
			g.held = p[maxChunk:]
			return append(dst, p[:maxChunk]...), false, nil
		}
		dst = append(dst, p...)
		if message.Ready(g.src) {
			continue
		}
		if len(dst)-start >= gatherSize {
			return dst, false, nil
		}
		g.pull()
		rest, last, err := g.slow.fill(dst, start)
		g.end = last
		return rest, last, err
	}
}

// ready reports whether next returns at once.
func (g *gatherer) ready() bool {
	if g.slow != nil {
		return g.slow.full()
	}
	return g.held != nil || message.Ready(g.src)
}

// pull leaves the source to a puller.
func (g *gatherer) pull() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.slow = newPuller(g.src, g.stopped)
}

// stop returns when no puller reads the source any more, which has been ended, or has more for nobody. One that is made later
// reads nothing.
func (g *gatherer) stop() {
	g.mu.Lock()
	g.stopped = true
	slow := g.slow
	g.mu.Unlock()
	if slow != nil {
		slow.stop()
	}
}

// puller reads a source in a goroutine of its own, up to gatherSize ahead.
type puller struct {
	mu      sync.Mutex
	changed *sync.Cond
	buf     []byte
	err     error // of the source, io.EOF too
	due     int   // counts the times that have passed
	stopped bool
	done    chan struct{}
}

func newPuller(src message.Body, stopped bool) *puller {
	p := &puller{done: make(chan struct{}), stopped: stopped}
	p.changed = sync.NewCond(&p.mu)
	if stopped {
		close(p.done)
		return p
	}
	go p.run(src)
	return p
}

func (p *puller) run(src message.Body) {
	defer close(p.done)
	defer func() {
		if recover() != nil {
			p.put(nil, io.ErrUnexpectedEOF)
		}
	}()
	for {
		piece, err := src.Next()
		if !p.put(piece, err) {
			return
		}
	}
}

// put adds what the source said. false: nothing more is wanted.
func (p *puller) put(piece []byte, err error) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	for len(p.buf) > 0 && len(p.buf)+len(piece) > gatherSize && !p.stopped {
		p.changed.Wait()
	}
	p.buf = append(p.buf, piece...)
	p.err = err
	p.changed.Broadcast()
	return err == nil && !p.stopped
}

// take waits for the first byte, and then for more.
func (p *puller) take(dst []byte) (chunk []byte, last bool, err error) {
	p.mu.Lock()
	for len(p.buf) == 0 && p.err == nil && !p.stopped {
		p.changed.Wait()
	}
	p.mu.Unlock()
	return p.fill(dst, len(dst))
}

// fill appends to the chunk that begins at start what comes within gatherTime.
func (p *puller) fill(dst []byte, start int) (chunk []byte, last bool, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	room := gatherSize - (len(dst) - start) // 0 or more
	due := p.due
	t := time.AfterFunc(gatherTime, p.pass)
	defer t.Stop()
	for len(p.buf) < room && p.err == nil && !p.stopped && p.due == due {
		p.changed.Wait()
	}
	n := min(len(p.buf), maxChunk)
	dst = append(dst, p.buf[:n]...)
	p.buf = append(p.buf[:0], p.buf[n:]...)
	p.changed.Broadcast()
	switch {
	case len(p.buf) > 0:
		return dst, false, nil
	case p.err == io.EOF:
		return dst, true, nil
	case p.err != nil:
		return dst, false, p.err
	case p.stopped:
		return dst, false, io.ErrUnexpectedEOF
	}
	return dst, false, nil
}

func (p *puller) pass() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.due++
	p.changed.Broadcast()
}

func (p *puller) full() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.buf) >= gatherSize || p.err != nil
}

func (p *puller) stop() {
	p.mu.Lock()
	p.stopped = true
	p.changed.Broadcast()
	p.mu.Unlock()
	<-p.done
}
