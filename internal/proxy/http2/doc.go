// Package http2 is HTTP/2 for a proxy: server connections (downstream) and client connections (upstream).
//
// In: a net.Conn that has agreed on HTTP/2 (ALPN, or prior knowledge). Out: requests and answers as message.Request,
// message.Response and message.Body, strictly validated, so that nothing that passed here can desynchronise an
// HTTP/1 peer. The package knows no routing and no policy beyond its limits; it depends on header and message only.
//
// # Server
//
//	sc := http2.NewServerConn(conn, &cfg)   // sc.Unread(p) gives back bytes that a protocol sniffer took
//	err := sc.Serve(func(st *http2.ServerStream) {
//		req := st.Request()                      // req.Body is the pull source of the request body
//		st.OnCancel(attempt.Cancel)              // the client went away (or st.Done())
//		st.WriteHead(200, &hdr, false)           // head, then body, then trailers
//		st.WriteData(chunk, false)
//		st.WriteTrailers(&trailers)              // or WriteData(chunk, true)
//	})
//
// The handler runs on a goroutine of its own per stream. When it returns the stream is over: an unfinished answer is
// reset, an unread request body is refused, and the stream's memory (request, headers, arena) is used again. Nothing
// of the stream may be touched after that. sc.Shutdown drains gracefully: it may be called from any goroutine.
//
// # Client
//
//	cc := http2.NewClientConn(conn, &cfg)
//	cs, err := cc.Open(req, endStream)       // http2.IsRetryable(err): nothing was processed, use another connection
//	cs.WriteData(chunk, false)               // full duplex: one goroutine may write while another reads
//	cs.WriteTrailers(&trailers)
//	err = cs.ReadHead(&resp, onInformational)
//	chunk, err := resp.Body.Next()
//	cs.Close()                               // exactly once; resets the stream when it is not finished
//
// resp and everything read from the stream is valid until Close. cs.Cancel may be called from any goroutine until
// Close returns; it makes every blocked call return.
//
// # Flushing
//
// Writes are buffered, as with bufio: several small frames, of several streams, leave in one system call. What ends a
// message (endStream, WriteTrailers) is flushed at once, and so is everything when output grows large, when a call
// of this package blocks on the same stream, and when a handler returns. Before blocking on anything else, call
// Flush:
//
//	if r, ok := body.(http2.Readier); !ok || !r.Ready() {
//		st.Flush()
//	}
//	chunk, err := body.Next()
//
// # Flow control
//
// Window updates go out only as the consumer takes bytes from a Body; WriteData blocks while the peer's window is
// shut. So a slow peer slows the other side, and memory per stream is bounded by the window.
//
// # Errors
//
// Every blocked call ends with a *StreamError (one stream) or a *ConnError (all of them); both name a Reason for logs
// and metrics. IsRetryable tells whether the peer has certainly not processed the request.
package http2
