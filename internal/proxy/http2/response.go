package http2

import (
	"github.com/spillway-lb/spillway/internal/proxy/header"
	"github.com/spillway-lb/spillway/internal/proxy/message"
)

// response checks the head of an answer by RFC 9113 section 8.3.2 and returns its status and declared length (-1
// without one); problem is the rule that was broken, or "".
func (h *head) response() (status int, length int64, problem string) {
	if h.seen != pseudoStatus {
		h.refuse("answer without :status, or with a request's pseudo-header")
	}
	if len(h.status) != 3 || h.status[0] < '1' || h.status[0] > '9' {
		h.refuse("invalid :status")
	}
	for _, c := range h.status {
		if c < '0' || c > '9' {
			h.refuse("invalid :status")
			break
		}
		status = status*10 + int(c-'0')
	}
	if h.malformed == "" && !message.ValidStatus(status) {
		h.refuse("invalid :status")
	}
	if status == 101 {
		h.refuse("101 in HTTP/2")
	}
	length = h.contentLength()
	if !message.MayHaveLength(status) && length >= 0 {
		if length > 0 {
			h.refuse("content-length in an answer without a body")
		}
		h.fields.Del(header.ContentLength)
		length = -1
	}
	return status, length, h.malformed
}
