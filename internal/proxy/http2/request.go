package http2

import (
	"github.com/spillway-lb/spillway/internal/proxy/field"
	"github.com/spillway-lb/spillway/internal/proxy/header"
	"github.com/spillway-lb/spillway/internal/proxy/message"
)

// request checks a request head by RFC 9113 section 8.3.1 and RFC 8441, and moves it into req. It returns the rule
// that was broken, or "".
func (h *head) request(req *message.Request, scheme []byte, extendedConnect bool) string {
	if h.seen&pseudoStatus != 0 {
		h.refuse(":status in a request")
	}
	if !field.ValidToken(h.method) {
		h.refuse("invalid :method")
	}
	h.checkTarget(extendedConnect)
	h.checkAuthority()
	length := h.contentLength()
	h.joinCookies()
	if h.malformed != "" {
		return h.malformed
	}
	req.Method, req.Scheme, req.Path, req.Protocol = h.method, scheme, h.path, h.protocol
	req.Authority = h.authority
	req.ContentLength = length
	req.Major, req.Minor = 2, 0
	req.Header, h.fields = h.fields, req.Header
	return ""
}

func (h *head) isConnect() bool { return string(h.method) == "CONNECT" }

// checkTarget checks :scheme, :path and :protocol against the method.
func (h *head) checkTarget(extendedConnect bool) {
	if h.seen&pseudoProtocol != 0 {
		if !extendedConnect || !h.isConnect() || !field.ValidToken(h.protocol) {
			h.refuse("unexpected :protocol")
		}
	} else if h.isConnect() {
		if h.seen&(pseudoScheme|pseudoPath) != 0 {
			h.refuse(":scheme or :path with CONNECT")
		}
		return
	}
	if s := string(h.scheme); s != "http" && s != "https" {
		h.refuse("invalid :scheme")
	}
	switch {
	case !field.ValidTarget(h.path):
		h.refuse("invalid :path")
	case h.path[0] == '/':
	case len(h.path) == 1 && h.path[0] == '*' && string(h.method) == "OPTIONS":
	default:
		h.refuse("invalid :path")
	}
}

// checkAuthority settles on one authority: :authority, or host when there is none; both must agree. The host field is
// removed, because the authority says it all and a second copy could be edited apart.
func (h *head) checkAuthority() {
	for i := range h.fields.Len() {
		f := h.fields.At(i)
		if f.ID != header.Host {
			continue
		}
		if h.authority == nil && !h.isConnect() {
			h.authority = f.Value
		}
		if !field.EqualFold(h.authority, f.Value) {
			h.refuse("host differs from :authority")
			return
		}
	}
	h.fields.Del(header.Host)
	if !message.ValidAuthority(h.authority) {
		h.refuse("invalid :authority")
	}
}
