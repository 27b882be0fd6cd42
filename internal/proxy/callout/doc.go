// Package callout is the client of Envoy's ext_proc protocol (envoy.service.ext_proc.v3): an extension that runs in a server of
// its own, and is told of an exchange message by message.
//
// In: an extension of the model whose target is a backend service (Compile). Out: filters (extension.Filter), each of which
// has one gRPC stream over package call for as long as its exchange.
//
//	settings, err := callout.Compile(extension.Traffic, resource, chain, spec)
//	filter := settings.New(exchange)
//
// The parts: core knows which answers are owed and which messages are legal, and nothing of time and connections; session puts
// it on a stream, and whoever waits for an answer reads it, for the other side of the exchange too; body stands before a body,
// in chunks that are each answered (Streamed) or with what goes and what comes independent of one another (full duplex);
// mutation does to messages what callouts ask for; observer shows an exchange to a callout aside. gRPC's framing is
// package frame.
//
// # What fails, and what becomes of it
//
// A callout that cannot be reached, ends the stream with a status other than OK or while an answer is owed, answers late,
// illegally, with more than 128 kB or with what has no place in HTTP, has failed: extension.Failing says what becomes of the
// exchange. A stream that ends with OK and owes nothing is the callout's word that it wants no more of the exchange. The time
// for an answer runs while somebody waits for it; in full duplex from when the callout has been sent all of a side, and again
// from each of its messages.
//
// With failOpen a body goes on with the originals of the chunks that are with the callout. In full duplex only until the
// callout has answered some of it, or 256 KB of it are under way; after that a failure ends the exchange.
package callout
