package accesslog

// Details is the reason in statusDetails. Google's words are used where Google has one.
type Details string

// Answers that came from a backend or were meant to be given locally.
const (
	ResponseSentByBackend Details = "response_sent_by_backend"
	RedirectedByURLMap    Details = "redirect_by_url_map"
	// ResponseSentByExtension is an answer of a filter.
	ResponseSentByExtension Details = "response_sent_by_extension"
	CORSPreflight           Details = "cors_preflight_by_url_map"
	FaultFilterAbort        Details = "fault_filter_abort"
	UpgradedConnection      Details = "websocket_closed"
)

// Failures between the proxy and the client.
const (
	ClientDisconnectedBeforeAnyResponse    Details = "client_disconnected_before_any_response"
	ClientDisconnectedAfterPartialResponse Details = "client_disconnected_after_partial_response"
	ClientTimedOut                         Details = "client_timed_out"
)

// Failures between the proxy and the backend.
const (
	FailedToPickBackend           Details = "failed_to_pick_backend"
	FailedToConnectToBackend      Details = "failed_to_connect_to_backend"
	BackendTLSFailed              Details = "ssl_handshake_error"
	BackendTimeout                Details = "backend_timeout"
	BackendClosedBeforeData       Details = "backend_connection_closed_before_data_sent_to_client"
	BackendClosedAfterPartial     Details = "backend_connection_closed_after_partial_response_sent"
	BackendResponseCorrupted      Details = "backend_response_corrupted"
	BackendResponseHeadersTooLong Details = "backend_response_headers_too_long"
	BackendInterimNotSupported    Details = "backend_interim_response_not_supported"
	BackendOverloaded             Details = "backend_connection_limit"
	RequestTimeout                Details = "request_overall_timeout"
	InternalError                 Details = "internal_error"
)

// Requests that were refused before they were routed.
const (
	ConfigNotFound            Details = "config_not_found"
	HeadersTooLong            Details = "headers_too_long"
	TooManyHeaders            Details = "too_many_headers"
	URITooLong                Details = "uri_too_long"
	BodyTooLarge              Details = "request_body_too_large"
	InvalidRequestHeaders     Details = "invalid_request_headers"
	InvalidRequestLine        Details = "invalid_request_line"
	InvalidRequestPath        Details = "invalid_request_path"
	InvalidHost               Details = "invalid_request_host"
	ConflictingFraming        Details = "conflicting_framing_headers"
	InvalidContentLength      Details = "invalid_content_length"
	UnsupportedTransferCoding Details = "unsupported_transfer_coding"
	MalformedChunkedBody      Details = "malformed_chunked_body"
	HTTPVersionNotSupported   Details = "http_version_not_supported"
	MethodNotSupported        Details = "method_not_supported"
	ExpectationFailed         Details = "expectation_not_supported"
	HeaderTimeout             Details = "request_header_timeout"
	BodyTimeout               Details = "request_body_timeout"
	MisdirectedRequest        Details = "misdirected_request"
	TooManyConnections        Details = "too_many_connections"
	HTTP2Flood                Details = "http2_flood"
	HTTP2ProtocolError        Details = "http2_protocol_error"
	HandshakeFailed           Details = "tls_handshake_failed"
	HandshakeTimeout          Details = "tls_handshake_timeout"
	ShuttingDown              Details = "proxy_shutting_down"
)
