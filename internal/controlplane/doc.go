// Package controlplane is the round loop: from what changed in the store to what proxies serve, and back to what statuses
// say.
//
//	store -> engine -> publisher -> Sink (data planes, in this process or elsewhere)
//	  ^         |                     |
//	  |         +-> Applier           +-> Feedback: acknowledgements, refusals, addresses, verdicts
//	  +------------- facts <----------+
//
// In: the store's changes, and what data planes report. Out: to the Sink one transaction a round; to the Applier the writes
// that units want; into the store the facts that they read. What a round says about objects is held back until the proxies
// have dealt with it, for a bounded time; then the truth is said, whatever it is.
//
//	loop := controlplane.New(controlplane.Config{Store: s, Engine: e, Sink: planes, Applier: writer, ...})
//	go loop.Run(ctx)
//
// It has no ends of its own: no files, no sockets, no API server.
package controlplane
