package http2

import "github.com/spillway-lb/spillway/internal/proxy/header"

// What RFC 9113 section 8.2 and RFC 9110 allow in names and values; stricter where another parser could read a
// message differently after it has been turned into HTTP/1.

// byteClass has a bit for each use a byte may be put to.
type byteClass uint8

const (
	inName  byteClass = 1 << iota // field name: tchar without upper case
	inToken                       // method: tchar
	inValue                       // field value: visible, space, tab, obs-text
	inPath                        // request target: visible ASCII and obs-text, no fragment
)

var byteClasses = func() (t [256]byteClass) {
	for c := range 256 {
		if c == '\t' || c >= ' ' && c != 0x7f {
			t[c] |= inValue
		}
		if c > ' ' && c != 0x7f && c != '#' {
			t[c] |= inPath
		}
	}
	for _, c := range []byte("!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyz") {
		t[c] |= inName | inToken
	}
	for _, c := range []byte("ABCDEFGHIJKLMNOPQRSTUVWXYZ") {
		t[c] |= inToken
	}
	return t
}()

// consistsOf tells whether every byte of p belongs to the class.
func consistsOf(p []byte, class byteClass) bool {
	for _, c := range p {
		if byteClasses[c]&class == 0 {
			return false
		}
	}
	return true
}

func validName(name []byte) bool { return len(name) > 0 && consistsOf(name, inName) }

// validValue also refuses white space at the ends, RFC 9113 section 8.2.1.
func validValue(v []byte) bool {
	if len(v) == 0 {
		return true
	}
	return !isSpace(v[0]) && !isSpace(v[len(v)-1]) && consistsOf(v, inValue)
}

func isSpace(c byte) bool { return c == ' ' || c == '\t' }

// connectionSpecific names what must not appear in HTTP/2, RFC 9113 section 8.2.2. We neither take nor send it.
func connectionSpecific(id header.ID) bool {
	switch id {
	case header.Connection, header.ProxyConnection, header.KeepAlive, header.TransferEncoding, header.Upgrade,
		header.HTTP2Settings:
		return true
	}
	return false
}

// notInTrailers names fields that steer framing, routing or authentication, which a recipient that merges trailers
// into headers would act upon, RFC 9110 section 6.5.1.
func notInTrailers(id header.ID) bool {
	switch id {
	case header.ContentLength, header.Host, header.TE, header.Trailer, header.Expect, header.Authorization,
		header.ProxyAuthorization, header.Cookie, header.SetCookie, header.CacheControl, header.ContentEncoding,
		header.ContentType, header.Location:
		return true
	}
	return false
}

// parseLength reads a content-length: digits only, below 2^63.
func parseLength(v []byte) (int64, bool) {
	if len(v) == 0 || len(v) > 18 {
		return 0, false
	}
	n := int64(0)
	for _, c := range v {
		if c < '0' || c > '9' {
			return 0, false
		}
		n = n*10 + int64(c-'0')
	}
	return n, true
}

// equalFold compares ASCII without regard to case.
func equalFold(a, b []byte) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if lower(a[i]) != lower(b[i]) {
			return false
		}
	}
	return true
}

func lower(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		return c + ('a' - 'A')
	}
	return c
}
