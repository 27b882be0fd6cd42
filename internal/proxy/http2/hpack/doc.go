// Package hpack compresses header fields for HTTP/2, RFC 7541.
//
// In: a header block as bytes. Out: fields with their header.ID, handed to a Sink; and the reverse. Nothing is
// allocated per block: golang.org/x/net/http2/hpack, which was the start, makes a string of every literal and of every
// value it is asked to encode (BenchmarkDecode and BenchmarkEncode print both). Its Huffman code is used.
//
// Both tables are byte rings that grow with use, so that an idle connection that never compressed anything holds
// little. The encoder's index is a direct-mapped array of hashes: it forgets on collision instead of growing, which no
// peer can abuse.
package hpack
