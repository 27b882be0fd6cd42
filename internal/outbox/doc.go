// Package outbox makes API servers say what the store says: it writes statuses, annotations, finalizers, derived objects and events,
// by differences only.
//
// In: the store, to which status.Writer says what it wants and in which a source puts what API servers have; a client for each
// cluster. Out: writes. An entry's Written is compared with its Object, a wish (status.Wish) is granted, and what is there already
// is not written: a process that starts anew writes nothing.
//
//	box := outbox.New(outbox.Config{Store: s, Clients: clients, Install: "spillway", Now: time.Now, Say: say})
//	box.Run(ctx, since) // while it leads; returns when what was in flight has ended
//
// Core decides, without a clock and without I/O: it is told of entries, of answers and of the time, and says which writes may start.
// Each object has at most one write in flight. A write is based on what was read: who else has written wins, and the difference is
// made out again. What is refused waits: for another version of the object, for its Namespace, for its kind to be served, or longer
// each time. Nothing here is remembered over a restart.
package outbox
