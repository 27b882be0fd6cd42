package exchange

import (
	"time"

	"github.com/spillway-lb/spillway/internal/proxy/accesslog"
	"github.com/spillway-lb/spillway/internal/proxy/http1"
)

// Refuse answers a request that is not served, and logs it.
func (x *Exchange) Refuse(status int, details accesslog.Details) {
	x.start = time.Now()
	x.answerLocally(status, nil, details)
	x.finish()
	x.engine.Metrics.Refused.Inc(string(details))
}

// RefusalDetails is the access log's word for why the codec refused a request.
func RefusalDetails(r *http1.Refusal) accesslog.Details {
	switch r.Reason {
	case "header_too_large":
		return accesslog.HeadersTooLong
	case "too_many_headers", "too_many_connection_options":
		return accesslog.TooManyHeaders
	case "uri_too_long":
		return accesslog.URITooLong
	case "body_too_large":
		return accesslog.BodyTooLarge
	case "invalid_request_line", "invalid_method":
		return accesslog.InvalidRequestLine
	case "invalid_target":
		return accesslog.InvalidRequestPath
	case "connect_not_supported":
		return accesslog.MethodNotSupported
	case "http_version_not_supported":
		return accesslog.HTTPVersionNotSupported
	case "missing_host", "multiple_hosts", "invalid_host":
		return accesslog.InvalidHost
	case "invalid_content_length":
		return accesslog.InvalidContentLength
	case "repeated_content_length", "content_length_with_transfer_encoding", "repeated_transfer_encoding",
		"transfer_encoding_in_http_1_0":
		return accesslog.ConflictingFraming
	case "invalid_transfer_encoding", "unsupported_transfer_encoding":
		return accesslog.UnsupportedTransferCoding
	case "unknown_expectation":
		return accesslog.ExpectationFailed
	case "invalid_chunk_size", "invalid_chunk_extension", "invalid_chunk_end", "invalid_trailer":
		return accesslog.MalformedChunkedBody
	}
	return accesslog.InvalidRequestHeaders
}
