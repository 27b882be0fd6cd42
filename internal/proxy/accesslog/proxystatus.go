package accesslog

// proxyErrors maps our reasons to the error types of RFC 9209 (Proxy-Status), which Google's regional load balancers
// log beside their own details.
var proxyErrors = map[Details]string{
	ClientDisconnectedBeforeAnyResponse:    "client_disconnected",
	ClientDisconnectedAfterPartialResponse: "client_disconnected",
	ClientTimedOut:                         "http_request_error",
	FailedToPickBackend:                    "destination_unavailable",
	FailedToConnectToBackend:               "connection_refused",
	BackendTLSFailed:                       "tls_protocol_error",
	BackendTimeout:                         "http_response_timeout",
	BackendClosedBeforeData:                "connection_terminated",
	BackendClosedAfterPartial:              "http_response_incomplete",
	BackendResponseCorrupted:               "http_protocol_error",
	BackendResponseHeadersTooLong:          "http_response_header_section_size",
	BackendInterimNotSupported:             "http_protocol_error",
	BackendOverloaded:                      "connection_limit_reached",
	RequestTimeout:                         "http_response_timeout",
	InternalError:                          "proxy_internal_error",
	ConfigNotFound:                         "destination_not_found",
	FaultFilterAbort:                       "destination_not_found",
	HeadersTooLong:                         "http_request_error",
	TooManyHeaders:                         "http_request_error",
	URITooLong:                             "http_request_error",
	BodyTooLarge:                           "http_request_error",
	InvalidRequestHeaders:                  "http_request_error",
	InvalidRequestLine:                     "http_request_error",
	InvalidRequestPath:                     "http_request_error",
	InvalidHost:                            "http_request_error",
	ConflictingFraming:                     "http_request_error",
	InvalidContentLength:                   "http_request_error",
	UnsupportedTransferCoding:              "http_request_error",
	MalformedChunkedBody:                   "http_request_error",
	HTTPVersionNotSupported:                "http_request_error",
	MethodNotSupported:                     "http_request_error",
	ExpectationFailed:                      "http_request_error",
	HeaderTimeout:                          "http_request_error",
	BodyTimeout:                            "http_request_error",
	MisdirectedRequest:                     "http_request_error",
	TooManyConnections:                     "connection_limit_reached",
	HTTP2Flood:                             "http_request_denied",
	HTTP2ProtocolError:                     "http_request_error",
	HandshakeFailed:                        "tls_protocol_error",
	HandshakeTimeout:                       "tls_protocol_error",
	ShuttingDown:                           "proxy_internal_response",
}

// appendProxyStatus writes nothing for answers that are not errors.
func appendProxyStatus(b []byte, d Details) []byte {
	kind, failed := proxyErrors[d]
	if !failed {
		return b
	}
	b = append(b, `,"proxyStatus":"error=\"`...)
	b = append(b, kind...)
	b = append(b, `\"; details=\"`...)
	b = append(b, d...)
	return append(b, `\""`...)
}
