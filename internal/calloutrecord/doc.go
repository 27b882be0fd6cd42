// Package calloutrecord keeps what a proxy and a callout say to each other as readable text, and plays it to another callout.
//
// In: streams of ext_proc, on their way to a callout (Recorder stands between), or a file of such a stream and a callout. Out: a
// file for each stream, and what another callout answers differently (Replay).
//
// A file has a message after another, in protobuf's text format, behind a line that says whose it is: "--> REQUEST EVENT" or
// "<-- ANSWER". The last line is "<== STATUS".
package calloutrecord
