// Package tunnel passes bytes between two ends until both have ended: what a connection is after a 101, and what frontends
// that know no HTTP will be from the start.
//
// In: two Ends (Conn makes one of a connection; streams bring their own) and what is told of progress: a tunnel has no
// time-out of its own, whoever watches the exchange ends it when nothing moves. Out: the bytes that went from the second to
// the first. Each direction has a goroutine that holds a buffer only while bytes pass; between two plain connections bulk is
// moved inside the kernel.
package tunnel
