package header

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

// Lookup finds the ID of a lower-case name. The switch compiles to length and word comparisons and allocates nothing.
func Lookup(name []byte) ID {
	switch string(name) {
	case "accept-encoding":
		return AcceptEncoding
	case "access-control-request-headers":
		return AccessControlRequestHeaders
	case "access-control-request-method":
		return AccessControlRequestMethod
	case "age":
		return Age
	case "authorization":
		return Authorization
	case "cache-control":
		return CacheControl
	case "connection":
		return Connection
	case "content-encoding":
		return ContentEncoding
	case "content-length":
		return ContentLength
	case "content-type":
		return ContentType
	case "cookie":
		return Cookie
	case "date":
		return Date
	case "expect":
		return Expect
	case "grpc-message":
		return GrpcMessage
	case "grpc-status":
		return GrpcStatus
	case "grpc-timeout":
		return GrpcTimeout
	case "host":
		return Host
	case "http2-settings":
		return HTTP2Settings
	case "keep-alive":
		return KeepAlive
	case "location":
		return Location
	case "origin":
		return Origin
	case "proxy-authenticate":
		return ProxyAuthenticate
	case "proxy-authorization":
		return ProxyAuthorization
	case "proxy-connection":
		return ProxyConnection
	case "referer":
		return Referer
	case "server":
		return Server
	case "set-cookie":
		return SetCookie
	case "te":
		return TE
	case "traceparent":
		return Traceparent
	case "tracestate":
		return Tracestate
	case "trailer":
		return Trailer
	case "transfer-encoding":
		return TransferEncoding
	case "upgrade":
		return Upgrade
	case "user-agent":
		return UserAgent
	case "vary":
		return Vary
	case "via":
		return Via
	case "x-cloud-trace-context":
		return XCloudTraceContext
	case "x-forwarded-for":
		return XForwardedFor
	case "x-forwarded-host":
		return XForwardedHost
	case "x-forwarded-proto":
		return XForwardedProto
	case "x-request-id":
		return XRequestID
	}
	return Other
}
