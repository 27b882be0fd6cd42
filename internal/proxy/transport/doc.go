// Package transport is the byte level below the HTTP codecs: connections that hold a buffer only while there is
// something in it, and deadlines that cost a store instead of a system call.
//
// In: a net.Conn (TCP, TLS, or anything else) and a Clock. Out: a Conn, which
//
//   - calls a Handler whenever bytes have arrived (Serve), or writes a request and reads the first bytes of the answer
//     (WriteThenRead), both without the read that fails with EAGAIN before each park;
//   - reads into and consumes from its own buffer (Fill, Bytes, Consume), taken from a pool and given back when empty;
//   - fails every wait after the time given to Arm. Only expiry touches the socket.
//
// A Conn belongs to one goroutine at a time, except for Expire, Interrupt and HungUp, which any goroutine may call.
package transport
