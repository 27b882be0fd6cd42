package callout

import (
	"strconv"

	"github.com/spillway-lb/spillway/internal/proxy/extension"
	"github.com/spillway-lb/spillway/internal/proxy/message"
)

// subject is a request or an answer.
type subject interface {
	fields
	fieldList
	Body() message.Body
	SetBody(b message.Body, length int64) error
	// bodiless reports whether the message has no body, whatever is put into it.
	bodiless() bool
}

func pseudoOfRequest(q *extension.Request) []pair {
	return []pair{{":method", q.Method()}, {":scheme", q.Scheme()}, {":authority", q.Authority()}, {":path", q.Path()}}
}

func pseudoOfResponse(r *extension.Response) []pair {
	return []pair{{":status", strconv.AppendInt(nil, int64(r.Status()), 10)}}
}

// endsRequest reports whether a request ends with its head, as callouts see it: what follows an upgrade is the tunnel's.
func endsRequest(q *extension.Request) bool { return !q.HasBody() || q.Upgrade() != nil }

// lengthOf is what a message's head says of its body, message.UnknownLength if nothing.
func lengthOf(m subject) int64 {
	text, _ := m.Get("content-length")
	n, err := strconv.ParseInt(string(text), 10, 64)
	if err != nil {
		return message.UnknownLength
	}
	return n
}
