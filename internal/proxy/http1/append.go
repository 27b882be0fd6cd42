package http1

import (
	"strconv"

	"github.com/spillway-lb/spillway/internal/proxy/header"
	"github.com/spillway-lb/spillway/internal/proxy/message"
)

// AppendRequest writes the head of a request. A body of unknown length is chunked.
func AppendRequest(dst []byte, req *message.Request) []byte {
	dst = append(dst, req.Method...)
	dst = append(dst, ' ')
	dst = append(dst, req.Path...)
	dst = append(dst, " HTTP/1.1\r\nhost: "...)
	dst = append(dst, req.Authority...)
	dst = append(dst, '\r', '\n')
	hadLength := false
	te := false
	for i := range req.Header.Len() {
		f := req.Header.At(i)
		switch f.ID {
		case header.ContentLength:
			hadLength = true
			continue
		case header.TE:
			te = true
		case header.Connection, header.TransferEncoding, header.Upgrade, header.Host, header.KeepAlive, header.ProxyConnection:
			continue
		}
		dst = appendField(dst, f)
	}
	switch {
	case req.ContentLength == message.UnknownLength:
		dst = append(dst, "transfer-encoding: chunked\r\n"...)
	case req.ContentLength > 0 || hadLength || hasContent(req.Method):
		dst = appendLength(dst, req.ContentLength)
	}
	switch {
	case req.Protocol != nil:
		dst = append(dst, "connection: upgrade\r\nupgrade: "...)
		dst = append(dst, req.Protocol...)
		dst = append(dst, '\r', '\n')
	case te:
		dst = append(dst, "connection: te\r\n"...)
	}
	return append(dst, '\r', '\n')
}

// hasContent tells the methods that are about their content (RFC 9110 section 8.6): some servers answer 411 to one without a
// length.
func hasContent(method []byte) bool {
	switch string(method) {
	case "POST", "PUT", "PATCH":
		return true
	}
	return false
}

// Reply is what the writer of an answer must know besides the answer.
type Reply struct {
	// Minor is the client's HTTP/1 version.
	Minor uint8
	// Head: the request's method was HEAD.
	Head bool
	// KeepAlive: the connection lives on. It must be false for a body of unknown length to an HTTP/1.0 client.
	KeepAlive bool
	// Protocol is what a 101 switches to.
	Protocol []byte
}

// AppendResponse writes the head of a final answer, or of a 101.
func AppendResponse(dst []byte, res *message.Response, to Reply) []byte {
	dst = append(dst, statusLine(res.Status)...)
	bodyless := !message.HasBody(to.Head, res.Status)
	for i := range res.Header.Len() {
		f := res.Header.At(i)
		switch f.ID {
		case header.ContentLength:
			if !bodyless || !message.MayHaveLength(res.Status) {
				continue
			}
		case header.Connection, header.TransferEncoding, header.Upgrade, header.KeepAlive, header.ProxyConnection, header.TE:
			continue
		}
		dst = appendField(dst, f)
	}
	switch {
	case bodyless:
	case res.ContentLength >= 0:
		dst = appendLength(dst, res.ContentLength)
	case to.Minor > 0:
		dst = append(dst, "transfer-encoding: chunked\r\n"...)
	}
	switch {
	case to.Protocol != nil:
		dst = append(dst, "connection: upgrade\r\nupgrade: "...)
		dst = append(dst, to.Protocol...)
		dst = append(dst, '\r', '\n')
	case !to.KeepAlive:
		dst = append(dst, "connection: close\r\n"...)
	case to.Minor == 0:
		dst = append(dst, "connection: keep-alive\r\n"...)
	}
	return append(dst, '\r', '\n')
}

// AppendInformational writes a 1xx other than 101.
func AppendInformational(dst []byte, status int, m *header.Map) []byte {
	dst = append(dst, statusLine(status)...)
	for i := range m.Len() {
		f := m.At(i)
		if f.ID != header.ContentLength && f.ID != header.TransferEncoding && f.ID != header.Connection {
			dst = appendField(dst, f)
		}
	}
	return append(dst, '\r', '\n')
}

// AppendChunkHead writes the size line of a chunk; the data and CRLF follow. n is above 0.
func AppendChunkHead(dst []byte, n int) []byte {
	dst = strconv.AppendUint(dst, uint64(n), 16)
	return append(dst, '\r', '\n')
}

// AppendLastChunk writes the end of a chunked body; trailers may be nil.
func AppendLastChunk(dst []byte, trailers *header.Map) []byte {
	dst = append(dst, '0', '\r', '\n')
	if trailers != nil {
		for i := range trailers.Len() {
			dst = appendField(dst, trailers.At(i))
		}
	}
	return append(dst, '\r', '\n')
}

func appendField(dst []byte, f *header.Field) []byte {
	dst = append(dst, f.Name...)
	dst = append(dst, ':', ' ')
	dst = append(dst, f.Value...)
	return append(dst, '\r', '\n')
}

func appendLength(dst []byte, n int64) []byte {
	dst = append(dst, "content-length: "...)
	dst = strconv.AppendInt(dst, n, 10)
	return append(dst, '\r', '\n')
}
