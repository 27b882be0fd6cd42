package http2

import (
	"errors"
	"sync/atomic"
)

// maxContinuations bounds the CONTINUATION frames of one header block; the bytes are bounded too, but empty frames
// cost work without any.
const maxContinuations = 64

// headerBlock collects HEADERS and CONTINUATION frames. Only the reader uses it, but for since.
type headerBlock struct {
	open   bool
	stream uint32
	end    bool // END_STREAM
	self   bool // depends on itself
	frames int
	buf    []byte
	// since is the clock, plus one, at which the block began; 0 without an open one.
	since atomic.Int64
}

// onHeaders starts a block, and finishes it at once in the usual case, straight from the read buffer.
func (c *conn) onHeaders(h frameHeader, p []byte) *ConnError {
	p, ok := unpad(h, p)
	if !ok || h.stream == 0 {
		return connError(CodeProtocol, ReasonProtocol)
	}
	c.block.self = false
	if h.flags.Has(flagPriority) {
		if len(p) < 5 {
			return connError(CodeFrameSize, ReasonFrameSize)
		}
		c.block.self = dependsOnItself(h, p)
		p = p[5:]
	}
	end := h.flags.Has(flagEndStream)
	if h.flags.Has(flagEndHeaders) {
		return c.decode(h.stream, end, p)
	}
	b := &c.block
	b.open, b.stream, b.end, b.frames = true, h.stream, end, 0
	b.buf = append(b.buf[:0], p...)
	c.blockBegan()
	return nil
}

// blockBegan starts the time of a block, or of a frame, that has not come whole. Reader only.
func (c *conn) blockBegan() {
	if c.block.since.Load() != 0 {
		return
	}
	c.mu.Lock()
	c.watch.wake(c) // its clock may have slept
	c.mu.Unlock()
	c.block.since.Store(c.clock.Load() + 1)
}

func (c *conn) onContinuation(h frameHeader, p []byte) *ConnError {
	b := &c.block
	if !b.open || b.stream != h.stream {
		return connError(CodeProtocol, ReasonFrameOrder)
	}
	b.frames++
	b.buf = append(b.buf, p...)
	if b.frames > maxContinuations || uint32(len(b.buf)) > bombFactor*c.bounds.Load().MaxHeaderListBytes {
		return connError(CodeEnhanceYourCalm, ReasonContinuationFlood)
	}
	if !h.flags.Has(flagEndHeaders) {
		return nil
	}
	b.open = false
	b.since.Store(0)
	err := c.decode(b.stream, b.end, b.buf)
	b.buf = nil
	return err
}

// decode turns a whole block into a head and hands it over.
func (c *conn) decode(stream uint32, end bool, block []byte) *ConnError {
	h := newHead(c.bounds.Load())
	if err := c.dec.Decode(block, h); err != nil {
		h.release()
		if errors.Is(err, errHeaderBomb) {
			return connError(CodeEnhanceYourCalm, ReasonHeaderBomb)
		}
		return connError(CodeCompression, ReasonHeaderCompression)
	}
	if c.block.self {
		h.refuse("stream depends on itself")
	}
	return c.side.onHead(stream, h, end)
}
