package hpack

import "github.com/spillway-lb/spillway/internal/proxy/header"

type staticField struct {
	name, value []byte
	id          header.ID
}

// Places in the static table that encoders use directly, RFC 7541 appendix A.
const (
	staticAuthority  = 1
	staticMethodGet  = 2
	staticMethodPost = 3
	staticPath       = 4
	staticSchemeHTTP = 6
	staticSchemeTLS  = 7
	staticStatus200  = 8
	staticLen        = 61
)

// static is RFC 7541 appendix A; index 0 is unused.
var static = func() (t [staticLen + 1]staticField) {
	for i, f := range staticText {
		name := []byte(f[0])
		id := header.Lookup(name)
		if id != header.Other {
			name = id.Name()
		}
		t[i+1] = staticField{name: name, value: []byte(f[1]), id: id}
	}
	return t
}()

// staticName finds the first static entry of a known name; 0 is none.
var staticName = func() (t [256]uint8) {
	for i := staticLen; i >= 1; i-- {
		if id := static[i].id; id != header.Other {
			t[id] = uint8(i)
		}
	}
	return t
}()

var staticText = [staticLen][2]string{
	{":authority", ""},
	{":method", "GET"},
	{":method", "POST"},
	{":path", "/"},
	{":path", "/index.html"},
	{":scheme", "http"},
	{":scheme", "https"},
	{":status", "200"},
	{":status", "204"},
	{":status", "206"},
	{":status", "304"},
	{":status", "400"},
	{":status", "404"},
	{":status", "500"},
	{"accept-charset", ""},
	{"accept-encoding", "gzip, deflate"},
	{"accept-language", ""},
	{"accept-ranges", ""},
	{"accept", ""},
	{"access-control-allow-origin", ""},
	{"age", ""},
	{"allow", ""},
	{"authorization", ""},
	{"cache-control", ""},
	{"content-disposition", ""},
	{"content-encoding", ""},
	{"content-language", ""},
	{"content-length", ""},
	{"content-location", ""},
	{"content-range", ""},
	{"content-type", ""},
	{"cookie", ""},
	{"date", ""},
	{"etag", ""},
	{"expect", ""},
	{"expires", ""},
	{"from", ""},
	{"host", ""},
	{"if-match", ""},
	{"if-modified-since", ""},
	{"if-none-match", ""},
	{"if-range", ""},
	{"if-unmodified-since", ""},
	{"last-modified", ""},
	{"link", ""},
	{"location", ""},
	{"max-forwards", ""},
	{"proxy-authenticate", ""},
	{"proxy-authorization", ""},
	{"range", ""},
	{"referer", ""},
	{"refresh", ""},
	{"retry-after", ""},
	{"server", ""},
	{"set-cookie", ""},
	{"strict-transport-security", ""},
	{"transfer-encoding", ""},
	{"user-agent", ""},
	{"vary", ""},
	{"via", ""},
	{"www-authenticate", ""},
}
