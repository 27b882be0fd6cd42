//go:build !linux

package transport

// Doze is Serve's own wait here: nothing tells what stirs without reading it.
func (c *Conn) Doze() {}
