package transport

import (
	"crypto/tls"
	"net"
)

// Silence makes a function that reports whether a connection from Eager or TLSClient, which another goroutine reads, has
// nothing to say, not even its end: nothing lies unread, and the reader has done with what it has read, for it reads again.
// Of any other connection it says so always. The function is for one goroutine at a time.
func Silence(nc net.Conn) func() bool {
	if tc, ok := nc.(*tls.Conn); ok {
		nc = tc.NetConn()
	}
	s, ok := nc.(*socket)
	if !ok {
		return func() bool { return true }
	}
	quiet := false
	ask := func(fd uintptr) { quiet = silent(int(fd)) }
	return func() bool {
		quiet = false
		// In this order: whoever has taken bytes away before the kernel was asked is not parked until they are done with.
		return s.raw.Control(ask) == nil && quiet && s.parked.Load()
	}
}
