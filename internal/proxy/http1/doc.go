// Package http1 is the HTTP/1.1 codec: bytes to messages and back.
//
// In: a buffer that holds the start of a message. Out: a message.Request or message.Response whose slices point into that
// buffer (names are lowered in place), what the head says about framing and connection, and a Body that reads the rest
// from the connection. AppendRequest, AppendResponse, AppendChunk and AppendTrailers write the wire form.
//
// The parser is strict: whatever two parsers could read differently is refused, with a Refusal that names the status and
// the reason. The rules, beyond the grammar of RFC 9112:
//
//   - lines end in CRLF; a bare LF, a bare CR, NUL and other control bytes are refused, as is obs-fold;
//   - one CRLF before a request line is skipped;
//   - one Content-Length of digits only, never together with Transfer-Encoding, and also not twice the same;
//   - Transfer-Encoding is exactly "chunked", in HTTP/1.1 only; a known other coding before it is a 501;
//   - exactly one Host in HTTP/1.1, at most one in HTTP/1.0; the authority of an absolute target replaces it;
//   - a target holds no fragment, no space and no control byte; bytes above 0x7f pass;
//   - CONNECT is 501: this is a reverse proxy.
//
// Paths: dot segments, also written with %2e, are resolved before anything looks at the path, and what is resolved is what
// the backend gets. "//" and encoded slashes stay as they are, as does the case of percent-encoding.
//
// Hop-by-hop fields (those that Connection names, and Connection, Keep-Alive, Proxy-Connection, Transfer-Encoding, Upgrade,
// HTTP2-Settings) are not in the Header of the message; "te: trailers" stays. An Upgrade becomes Request.Protocol,
// which somebody else allows or ignores. Host becomes Request.Authority. Content-Length stays in the Header for others to see; what is
// written is Request.ContentLength.
package http1
