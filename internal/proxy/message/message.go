// Package message is the form in which an HTTP request or answer passes between the codecs (http1, http2), the
// request path (exchange), and the hooks that may stand between them. It knows no wire format.
package message

import (
	"github.com/spillway-lb/spillway/internal/proxy/header"
)

// UnknownLength is the ContentLength of a body whose end only its source knows.
const UnknownLength = -1

// Request is a request after parsing. Byte slices live as long as the exchange.
type Request struct {
	Method    []byte
	Scheme    []byte // "http" or "https", from the connection, never from the client's absolute form
	Authority []byte // host[:port] in the client's own letters (who compares ignores case); empty for HTTP/1.0 without Host
	Path      []byte // origin form with query, or "*"; for CONNECT empty unless Protocol is set
	// RoutePath is Path as rules read it, with the query, from the moment it is routed; before that it is nil (see requestpath).
	RoutePath []byte
	Protocol  []byte // upgrade target: "websocket" of an Upgrade or an extended CONNECT; nil without one
	Header    header.Map
	// ContentLength is 0 without a body, UnknownLength for chunked and for HTTP/2 bodies of unknown size.
	ContentLength int64
	// Body is nil without a body.
	Body Body
	// Major and Minor are the downstream HTTP version.
	Major, Minor uint8
}

// Response is the head of a final answer, and its body.
type Response struct {
	Status        int
	Header        header.Map
	ContentLength int64
	Body          Body
}

// Body is a pull source. A source that waits simply blocks in Next, which is all the back-pressure there is.
type Body interface {
	// Next returns the next chunk, which is never empty and is valid until the following call. At the end it returns
	// nil and io.EOF; any other error means the message was cut short.
	Next() ([]byte, error)
	// Trailers is valid after io.EOF; nil without trailers.
	Trailers() *header.Map
	// Close gives up what was not read. It is called exactly once, also after io.EOF.
	Close()
}

// The values of Request.Scheme.
var (
	SchemeHTTP  = []byte("http")
	SchemeHTTPS = []byte("https")
)

// Ready reports whether Next of a body returns at once, as far as its source can tell.
func Ready(b Body) bool {
	r, ok := b.(interface{ Ready() bool })
	return ok && r.Ready()
}
