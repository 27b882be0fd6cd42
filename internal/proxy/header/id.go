package header

import "bytes"

// ID numbers the names that the proxy itself looks at, so that it compares integers. Other is every other name.
type ID uint8

// Known names.
const (
	Other ID = iota
	AcceptEncoding
	AccessControlRequestHeaders
	AccessControlRequestMethod
	Age
	Authorization
	CacheControl
	Connection
	ContentEncoding
	ContentLength
	ContentType
	Cookie
	Date
	Expect
	GrpcMessage
	GrpcStatus
	GrpcTimeout
	Host
	HTTP2Settings
	KeepAlive
	Location
	Origin
	ProxyAuthenticate
	ProxyAuthorization
	ProxyConnection
	Referer
	Server
	SetCookie
	TE
	Traceparent
	Tracestate
	Trailer
	TransferEncoding
	Upgrade
	UserAgent
	Vary
	Via
	XCloudTraceContext
	XForwardedFor
	XForwardedHost
	XForwardedProto
	XRequestID
	numIDs
)

var names = [numIDs][]byte{
	AcceptEncoding:              []byte("accept-encoding"),
	AccessControlRequestHeaders: []byte("access-control-request-headers"),
	AccessControlRequestMethod:  []byte("access-control-request-method"),
	Age:                         []byte("age"),
	Authorization:               []byte("authorization"),
	CacheControl:                []byte("cache-control"),
	Connection:                  []byte("connection"),
	ContentEncoding:             []byte("content-encoding"),
	ContentLength:               []byte("content-length"),
	ContentType:                 []byte("content-type"),
	Cookie:                      []byte("cookie"),
	Date:                        []byte("date"),
	Expect:                      []byte("expect"),
	GrpcMessage:                 []byte("grpc-message"),
	GrpcStatus:                  []byte("grpc-status"),
	GrpcTimeout:                 []byte("grpc-timeout"),
	Host:                        []byte("host"),
	HTTP2Settings:               []byte("http2-settings"),
	KeepAlive:                   []byte("keep-alive"),
	Location:                    []byte("location"),
	Origin:                      []byte("origin"),
	ProxyAuthenticate:           []byte("proxy-authenticate"),
	ProxyAuthorization:          []byte("proxy-authorization"),
	ProxyConnection:             []byte("proxy-connection"),
	Referer:                     []byte("referer"),
	Server:                      []byte("server"),
	SetCookie:                   []byte("set-cookie"),
	TE:                          []byte("te"),
	Traceparent:                 []byte("traceparent"),
	Tracestate:                  []byte("tracestate"),
	Trailer:                     []byte("trailer"),
	TransferEncoding:            []byte("transfer-encoding"),
	Upgrade:                     []byte("upgrade"),
	UserAgent:                   []byte("user-agent"),
	Vary:                        []byte("vary"),
	Via:                         []byte("via"),
	XCloudTraceContext:          []byte("x-cloud-trace-context"),
	XForwardedFor:               []byte("x-forwarded-for"),
	XForwardedHost:              []byte("x-forwarded-host"),
	XForwardedProto:             []byte("x-forwarded-proto"),
	XRequestID:                  []byte("x-request-id"),
}

// Name is the lower-case name of a known ID.
func (id ID) Name() []byte { return names[id] }

// Lookup finds the ID of a lower-case name.
func Lookup(name []byte) ID {
	if len(name) == 0 {
		return Other
	}
	if id := byHash[hash(name)]; bytes.Equal(names[id], name) {
		return id
	}
	return Other
}

// hash tells the known names apart by length, first and last byte. A new name that has the place of another needs other
// factors (TestEveryNumberHasItsName).
func hash(name []byte) uint8 {
	return (uint8(len(name)) + 13*name[0] + 60*name[len(name)-1]) % 128
}

var byHash = func() (table [128]ID) {
	for id := Other + 1; id < numIDs; id++ {
		table[hash(names[id])] = id
	}
	return table
}()
