// Package poison makes use after release visible.
//
// In: memory that goes back to a pool. Out: in a build with the tag poison it is overwritten, so that whoever still reads it
// gets 0xDB and a test fails; in every other build nothing happens. docs/memory.md says whose memory lives how long;
// `make poison` runs the data plane's tests so.
package poison

// Byte is what released memory holds.
const Byte = 0xDB
