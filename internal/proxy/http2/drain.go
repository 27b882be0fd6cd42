package http2

// Draining goes in two steps, RFC 9113 section 6.8: first a GOAWAY that names no stream, so that the peer opens no more
// while those already on their way are still served; then, when a PING has made the round, one with the real number.
// The connection ends with its last stream.

// drain starts it, once.
func (c *conn) drain() {
	c.mu.Lock()
	w := &c.watch
	if w.draining || c.goneAway || c.closed != nil {
		c.mu.Unlock()
		return
	}
	w.draining = true
	w.wake(c)
	w.drainAt = c.now()
	c.mu.Unlock()
	c.control(func(b []byte) []byte {
		return appendPing(appendGoAway(b, maxWindow, CodeNo, ""), 0, drainPing)
	})
	c.out.flushAsync()
}

// lastGoAway is the second step.
func (c *conn) lastGoAway() {
	c.mu.Lock()
	if c.goneAway || c.closed != nil {
		c.mu.Unlock()
		return
	}
	c.goneAway = true
	last := c.side.lastStream()
	over := len(c.streams) == 0
	c.mu.Unlock()
	if over {
		c.fail(connError(CodeNo, ReasonGoAway))
		return
	}
	c.control(func(b []byte) []byte { return appendGoAway(b, last, CodeNo, "") })
	c.out.flushAsync()
}

// endIfDrained closes a connection that has said goodbye and has lost its last stream. mu is held.
func (c *conn) endIfDrained() {
	if c.goneAway && len(c.streams) == 0 && c.closed == nil {
		c.workers.Run(func() { c.fail(connError(CodeNo, ReasonGoAway)) })
	}
}
