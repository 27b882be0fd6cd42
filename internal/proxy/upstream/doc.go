// Package upstream is the proxy's side towards backends: connections, their pools, and the streams that requests get on
// them.
//
// In: an endpoint and how to speak to it (Target). Out: a Stream, which sends one request and reads its answer, the same
// way over HTTP/1 and HTTP/2:
//
//	pool := pools.Create(endpoint, target)       // once; Find from then on
//	stream, err := pool.Open(waiting, true, service)   // an idle connection, or a new one
//	err = stream.RoundTrip(req, body, &answer)   // the whole body is at hand: one write
//	... or SendHead, SendData, SendEnd in one goroutine and ReadHead in another
//	... answer.Response.Body.Next() ...
//	stream.Close()                               // exactly once: back to the pool, or shut
//
// A connection goes back to its pool only after a whole exchange that left nothing over; it is checked for bytes nobody
// asked for, and for its end, when it is used again. The pool is last-in-first-out, so surplus connections grow old and
// are closed by the sweep.
package upstream
