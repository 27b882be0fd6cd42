package http2

import (
	"bytes"
	"io"
	"sync"
)

const (
	// readBufferLen holds a full frame and the start of the next ones.
	readBufferLen = 32 << 10
	// idleBufferLen is what a connection reads into that waits without streams, or gets little at a time: it holds no
	// pooled buffer meanwhile.
	idleBufferLen = 512
)

type readBuffer [readBufferLen]byte

var readBuffers = sync.Pool{New: func() any { return new(readBuffer) }}

// input buffers what comes from the socket. Only the reader goroutine uses it.
type input struct {
	src    io.Reader
	wait   func() // called before every read that may block
	buf    []byte // idle[:] or pooled[:]
	r, w   int
	last   int // what the last read brought
	pooled *readBuffer
	idle   [idleBufferLen]byte
}

func (in *input) init(src io.Reader, wait func()) {
	in.src, in.wait = src, wait
	in.buf = in.idle[:]
}

// buffered is the number of bytes that can be had without reading.
func (in *input) buffered() int { return in.w - in.r }

// unread puts bytes before everything else; only before the first read.
func (in *input) unread(p []byte) {
	in.take()
	in.w = copy(in.buf, p)
	if rest := p[in.w:]; len(rest) > 0 {
		in.src = io.MultiReader(bytes.NewReader(bytes.Clone(rest)), in.src)
	}
}

// need blocks until n bytes (at most a frame) are buffered.
func (in *input) need(n int) error {
	for in.buffered() < n {
		if in.buffered() == 0 {
			in.r, in.w = 0, 0
		}
		if len(in.buf)-in.r < n || in.w == len(in.buf) {
			in.room()
		}
		in.wait()
		m, err := in.src.Read(in.buf[in.w:])
		in.w += m
		in.last = m
		if err != nil && in.buffered() < n {
			return err
		}
	}
	return nil
}

// next takes n buffered bytes; they are valid until the next need.
func (in *input) next(n int) []byte {
	p := in.buf[in.r : in.r+n : in.r+n]
	in.r += n
	return p
}

// room moves what is buffered to the front, of a pooled buffer if it was not there yet.
func (in *input) room() {
	if in.pooled == nil {
		in.take()
		return
	}
	in.w = copy(in.buf, in.buf[in.r:in.w])
	in.r = 0
}

func (in *input) take() {
	in.pooled = readBuffers.Get().(*readBuffer)
	in.w = copy(in.pooled[:], in.buf[in.r:in.w])
	in.r = 0
	in.buf = in.pooled[:]
}

// rest gives the pooled buffer back if it is empty, and the next read will hardly need it.
func (in *input) rest(idle bool) {
	if in.pooled != nil && in.buffered() == 0 && (idle || in.last < idleBufferLen) {
		in.release()
	}
}

func (in *input) release() {
	if in.pooled != nil {
		readBuffers.Put(in.pooled)
	}
	in.pooled = nil
	in.buf = in.idle[:]
	in.r, in.w = 0, 0
}
