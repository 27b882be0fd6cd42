package field

import "github.com/spillway-lb/spillway/internal/proxy/header"

// ConnectionSpecific names what belongs to one connection (RFC 9110 section 7.6.1, RFC 9113 section 8.2.2): it is never passed on, and
// nobody but a codec may write it.
func ConnectionSpecific(id header.ID) bool {
	switch id {
	case header.Connection, header.ProxyConnection, header.KeepAlive, header.TransferEncoding, header.Upgrade,
		header.HTTP2Settings:
		return true
	}
	return false
}

// Framing names what says where a message ends, or what is negotiated for one hop: the proxy's own, which no edit may touch.
func Framing(id header.ID) bool {
	switch id {
	case header.ContentLength, header.TE, header.Trailer, header.Expect:
		return true
	}
	return ConnectionSpecific(id)
}

// NotInTrailers names fields that steer framing, routing or authentication, which a recipient that merges trailers
// into headers would act upon (RFC 9110 section 6.5.1).
func NotInTrailers(id header.ID) bool {
	switch id {
	case header.Host, header.Authorization, header.ProxyAuthorization, header.Cookie, header.SetCookie, header.CacheControl,
		header.ContentEncoding, header.ContentType, header.Location, header.XForwardedFor, header.XForwardedProto:
		return true
	}
	return Framing(id)
}
