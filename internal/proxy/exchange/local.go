package exchange

import (
	"bytes"
	"io"
	"strconv"

	"github.com/spillway-lb/spillway/internal/proxy/accesslog"
	"github.com/spillway-lb/spillway/internal/proxy/header"
	"github.com/spillway-lb/spillway/internal/proxy/message"
)

// literalBody is the body of a local answer.
type literalBody struct{ p []byte }

var _ message.Body = (*literalBody)(nil)

func (b *literalBody) Next() ([]byte, error) {
	if len(b.p) == 0 {
		return nil, io.EOF
	}
	p := b.p
	b.p = nil
	return p, nil
}

func (b *literalBody) Ready() bool           { return true }
func (b *literalBody) Trailers() *header.Map { return nil }
func (b *literalBody) Close()                {}

var (
	textPlain   = []byte("text/plain")
	contentGRPC = []byte("application/grpc")
)

// answerLocally gives an answer of the proxy's own, with the fields that x.local.Header holds already. Status 0 gives
// none: the client is gone. A gRPC call gets a gRPC status (trailers only) instead.
func (x *Exchange) answerLocally(status int, body []byte, details accesslog.Details) {
	x.endUpload()
	x.status, x.details = status, details
	if status == 0 {
		x.status = 499
		x.down.Abort()
		return
	}
	res := x.compose(status, body)
	composed := res.Status
	if !x.filterLocal(res) {
		return
	}
	if res.Status != composed {
		x.status = res.Status
	}
	x.sendLocal(res)
}

// compose makes an answer of the proxy's own as filters see it.
func (x *Exchange) compose(status int, body []byte) *message.Response {
	res := &x.local
	res.Status = status
	if x.isGRPC() && (status >= 400 || x.replyCode > 0) && !x.opensNoTunnel(200) {
		x.grpcStatus(status, body)
		body = nil
	} else if _, said := res.Header.Get(header.ContentType); !said && len(body) > 0 {
		res.Header.AddID(header.ContentType, textPlain)
	}
	res.ContentLength = int64(len(body))
	head := string(x.Request.Method) == "HEAD"
	if head && len(body) > 0 {
		res.Header.AddID(header.ContentLength, x.BuildInt(int64(len(body))))
	}
	if len(body) > 0 && !head {
		x.literal.p = body
		res.Body = &x.literal
	}
	return res
}

// sendLocal sends what filters have left of it.
func (x *Exchange) sendLocal(res *message.Response) {
	if x.details == accesslog.RedirectedByURLMap {
		x.applyRule(&res.Header)
	}
	x.addVia(&res.Header)
	x.addDate(&res.Header)
	x.begun = true
	x.noteGRPC(&res.Header)
	length := res.ContentLength
	err := x.down.WriteHead(res)
	if err == nil && res.Body != nil {
		err = x.copyBody(res.Body, length)
	}
	x.complete = err == nil
	if err == nil {
		return
	}
	if fromFilter(err) {
		x.details = accesslog.InternalError
	}
	x.down.Abort()
}

// imfFixdate is the form of dates in HTTP (RFC 9110 section 5.6.7).
const imfFixdate = "Mon, 02 Jan 2006 15:04:05 GMT"

// addDate says when the answer was made (RFC 9110 section 6.6.1), unless a hook has said so.
func (x *Exchange) addDate(h *header.Map) {
	if _, said := h.Get(header.Date); said {
		return
	}
	at := len(x.arena)
	x.arena = x.now().UTC().AppendFormat(x.arena, imfFixdate)
	h.AddID(header.Date, x.arena[at:])
}

// isGRPC reports whether the request is a gRPC call.
func (x *Exchange) isGRPC() bool {
	if x.rule != nil && x.rule.GRPC {
		return true
	}
	v, ok := x.Request.Header.Get(header.ContentType)
	return ok && bytes.HasPrefix(v, contentGRPC) && (len(v) == len(contentGRPC) || v[len(contentGRPC)] == '+' || v[len(contentGRPC)] == ';')
}

// grpcStatus turns an HTTP status into headers of a trailers-only gRPC answer, by the table of the gRPC project.
func (x *Exchange) grpcStatus(status int, message []byte) {
	code := "2" // UNKNOWN
	switch status {
	case 400:
		code = "13" // INTERNAL
	case 401:
		code = "16" // UNAUTHENTICATED
	case 403:
		code = "7" // PERMISSION_DENIED
	case 404:
		code = "12" // UNIMPLEMENTED
	case 429, 502, 503:
		code = "14" // UNAVAILABLE
	case 504:
		code = "4" // DEADLINE_EXCEEDED
	case 413, 431:
		code = "8" // RESOURCE_EXHAUSTED
	}
	if x.replyCode > 0 {
		code = strconv.Itoa(x.replyCode)
	}
	x.local.Status = 200
	x.local.Header.SetID(header.ContentType, contentGRPC)
	x.local.Header.SetID(header.GrpcStatus, x.build(code))
	if len(message) > 0 {
		x.local.Header.SetID(header.GrpcMessage, grpcMessage(x, message))
	}
}

// grpcMessage escapes what grpc-message cannot hold as it is, as the gRPC protocol over HTTP/2 has it.
func grpcMessage(x *Exchange, text []byte) []byte {
	const digits = "0123456789ABCDEF"
	return x.Build(func(dst []byte) []byte {
		for _, c := range text {
			if c < 0x20 || c > 0x7e || c == '%' {
				dst = append(dst, '%', digits[c>>4], digits[c&15])
				continue
			}
			dst = append(dst, c)
		}
		return dst
	})
}
