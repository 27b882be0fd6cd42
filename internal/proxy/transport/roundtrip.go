package transport

// WriteThenRead writes out and waits for the first bytes of the answer, which it reads into the buffer. It
// returns ErrStale, with nothing written, when the peer has closed the connection or sent something unasked.
//
// Check, write, park and read happen inside one RawConn.Read, so no event between them is lost and no read fails but
// the check itself.
func (c *Conn) WriteThenRead(out []byte) error { return c.WriteBothThenRead(out, nil) }

// WriteBothThenRead is WriteThenRead for a head and its body.
func (c *Conn) WriteBothThenRead(head, body []byte) error {
	if c.raw == nil {
		c.wrote = true
		if err := c.WriteThree(head, body, nil); err != nil {
			return err
		}
		return c.Fill()
	}
	if c.onAnswer == nil {
		c.onAnswer = c.answer
	}
	c.out, c.wrote, c.readErr = [2][]byte{head, body}, false, nil
	err := c.raw.Read(c.onAnswer)
	c.outside()
	c.out = [2][]byte{}
	if err != nil {
		return err
	}
	return c.readErr
}

// Quiet is the check of WriteThenRead alone, for a request that goes out in pieces: ErrStale when the peer has closed the
// connection or sent something unasked, and any other error when the connection cannot be used either.
func (c *Conn) Quiet() error {
	if c.raw == nil {
		return nil
	}
	if c.onQuiet == nil {
		c.onQuiet = c.listen
	}
	c.readErr = nil
	err := c.raw.Read(c.onQuiet)
	c.outside()
	if err != nil {
		return err
	}
	return c.readErr
}

// listen is the callback of Quiet.
func (c *Conn) listen(fd uintptr) bool {
	c.inside(fd)
	if c.makeRoom() != nil {
		c.readErr = ErrBufferFull
	} else if !c.quiet(fd) {
		c.readErr = ErrStale
	}
	return true
}

// Written reports whether the last WriteThenRead got as far as writing.
func (c *Conn) Written() bool { return c.wrote }

// answer is the callback of WriteThenRead: first check and write, then, once woken, read.
func (c *Conn) answer(fd uintptr) bool {
	c.inside(fd)
	if c.makeRoom() != nil {
		c.readErr = ErrBufferFull
		return true
	}
	if !c.wrote {
		if !c.quiet(fd) {
			c.readErr = ErrStale
			return true
		}
		c.wrote = true
		if c.readErr = c.writeOut(); c.readErr != nil {
			return true
		}
		return false
	}
	n, err := c.readNow(fd)
	if n == 0 && err == errWouldBlock {
		return false
	}
	c.w += n
	if n == 0 {
		c.readErr = orEOF(err)
	}
	return true
}

func (c *Conn) writeOut() error {
	if len(c.out[1]) == 0 {
		return c.Write(c.out[0])
	}
	return c.WriteThree(c.out[0], c.out[1], nil)
}

// quiet reports whether an idle connection is open and has nothing to say. TLS may read session tickets here.
func (c *Conn) quiet(fd uintptr) bool {
	n, err := c.readNow(fd)
	return n == 0 && err == errWouldBlock
}
