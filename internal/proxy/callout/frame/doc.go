// Package frame is gRPC's own part of a call over HTTP/2: how messages are told apart in the bytes, and how a call says how it
// ended.
//
// In: pieces of a body as they come, and the fields of an answer's head or trailers. Out: messages, and a Status. Compressed
// messages are refused: no call here offers a compression. It knows neither connections nor what is in a message.
//
//	out = frame.Append(out, message)
//	r := frame.Reader{Limit: 128 << 10}
//	msg, err := r.Next(stream.Receive)   // io.EOF: the peer's end, between messages
package frame
