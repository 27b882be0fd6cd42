// Package truth holds the promise that no status says True for what a request shows to be false. Each fault of a table is brought into a
// running `serve`, then it is there at a restart with what was kept, then at a start from nothing. Each time the object that is at fault has
// to say so in the words of the table, requests have to be answered as the table says, the neighbours have to serve on, and a client that
// asks all along must never find that a promise is broken for longer than a bound.
package truth
