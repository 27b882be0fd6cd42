package http2

// ClientConn is a connection to a backend.
type ClientConn struct{}
