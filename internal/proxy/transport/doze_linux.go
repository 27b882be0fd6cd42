package transport

// Doze waits until Serve has something to do: bytes, the end, or the deadline. It takes little stack, and nothing else.
func (c *Conn) Doze() {
	if c.raw != nil && c.r == c.w {
		_ = c.raw.Read(stirs) // Serve meets the error again
	}
}

// stirs reports whether there is something to read.
func stirs(fd uintptr) bool { return !silent(int(fd)) }
