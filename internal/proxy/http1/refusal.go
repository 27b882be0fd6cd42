package http1

// Refusal is why a message was not accepted. For a request, Status is the answer; for an answer the proxy says 502.
type Refusal struct {
	Status int
	// Reason is in snake case, for access logs and metrics.
	Reason string
}

func (r *Refusal) Error() string { return "http1: " + r.Reason }

// The reasons.
var (
	errBareLF          = &Refusal{400, "bare_lf"}
	errBareCR          = &Refusal{400, "bare_cr"}
	errObsFold         = &Refusal{400, "folded_header"}
	errSpaceColon      = &Refusal{400, "space_before_colon"}
	errHeaderName      = &Refusal{400, "invalid_header_name"}
	errHeaderValue     = &Refusal{400, "invalid_header_value"}
	errHeaderBytes     = &Refusal{431, "header_too_large"}
	errHeaderCount     = &Refusal{431, "too_many_headers"}
	errTargetLong      = &Refusal{414, "uri_too_long"}
	errRequestLine     = &Refusal{400, "invalid_request_line"}
	errMethod          = &Refusal{400, "invalid_method"}
	errTarget          = &Refusal{400, "invalid_target"}
	errConnect         = &Refusal{501, "connect_not_supported"}
	errVersion         = &Refusal{505, "http_version_not_supported"}
	errNoHost          = &Refusal{400, "missing_host"}
	errManyHosts       = &Refusal{400, "multiple_hosts"}
	errHost            = &Refusal{400, "invalid_host"}
	errLength          = &Refusal{400, "invalid_content_length"}
	errLengths         = &Refusal{400, "repeated_content_length"}
	errLengthAndCoding = &Refusal{400, "content_length_with_transfer_encoding"}
	errCoding          = &Refusal{400, "invalid_transfer_encoding"}
	errCodings         = &Refusal{400, "repeated_transfer_encoding"}
	errCodingVersion   = &Refusal{400, "transfer_encoding_in_http_1_0"}
	errCodingUnknown   = &Refusal{501, "unsupported_transfer_encoding"}
	errConnectionList  = &Refusal{400, "too_many_connection_options"}
	errExpect          = &Refusal{417, "unknown_expectation"}
	errChunkSize       = &Refusal{400, "invalid_chunk_size"}
	errChunkExtension  = &Refusal{400, "invalid_chunk_extension"}
	errChunkEnd        = &Refusal{400, "invalid_chunk_end"}
	errTrailer         = &Refusal{400, "invalid_trailer"}
	errBodyBytes       = &Refusal{413, "body_too_large"}
	errStatusLine      = &Refusal{502, "invalid_status_line"}
	errStatusVersion   = &Refusal{502, "invalid_response_version"}
	errSwitching       = &Refusal{502, "unexpected_upgrade"}
	errNoBodyFraming   = &Refusal{502, "transfer_encoding_without_body"}
)
