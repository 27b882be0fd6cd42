package http2

import (
	"errors"
	"fmt"

	xhttp2 "golang.org/x/net/http2"
)

// ErrCode is an HTTP/2 error code, RFC 9113 section 7.
type ErrCode = xhttp2.ErrCode

// Error codes that users of the package send or compare.
const (
	CodeNo              = xhttp2.ErrCodeNo
	CodeProtocol        = xhttp2.ErrCodeProtocol
	CodeInternal        = xhttp2.ErrCodeInternal
	CodeFlowControl     = xhttp2.ErrCodeFlowControl
	CodeSettingsTimeout = xhttp2.ErrCodeSettingsTimeout
	CodeStreamClosed    = xhttp2.ErrCodeStreamClosed
	CodeFrameSize       = xhttp2.ErrCodeFrameSize
	CodeRefusedStream   = xhttp2.ErrCodeRefusedStream
	CodeCancel          = xhttp2.ErrCodeCancel
	CodeCompression     = xhttp2.ErrCodeCompression
	CodeConnect         = xhttp2.ErrCodeConnect
	CodeEnhanceYourCalm = xhttp2.ErrCodeEnhanceYourCalm
)

// Reason says in one word why a stream or a connection ended. The set is closed, so it may label a metric.
type Reason string

// Reasons that end a connection.
const (
	ReasonBadPreface        Reason = "bad_preface"
	ReasonFrameSize         Reason = "frame_size"
	ReasonFrameOrder        Reason = "frame_order"
	ReasonProtocol          Reason = "protocol_error"
	ReasonStreamID          Reason = "stream_id"
	ReasonBadSettings       Reason = "bad_settings"
	ReasonFlowControl       Reason = "flow_control"
	ReasonHeaderCompression Reason = "header_compression"
	ReasonHeaderBomb        Reason = "header_bomb"
	ReasonContinuationFlood Reason = "continuation_flood"
	ReasonRapidReset        Reason = "rapid_reset"
	ReasonServerReset       Reason = "server_reset"
	ReasonSettingsFlood     Reason = "settings_flood"
	ReasonPingFlood         Reason = "ping_flood"
	ReasonEmptyDataFlood    Reason = "empty_data_flood"
	ReasonPriorityFlood     Reason = "priority_flood"
	ReasonGoAwayFlood       Reason = "go_away_flood"
	ReasonWindowFlood       Reason = "window_update_flood"
	ReasonUnknownFlood      Reason = "unknown_frame_flood"
	ReasonInformationFlood  Reason = "informational_flood"
	ReasonOutputFlood       Reason = "output_flood"
	ReasonSettingsTimeout   Reason = "settings_timeout"
	ReasonHeaderTimeout     Reason = "header_timeout"
	ReasonPingTimeout       Reason = "ping_timeout"
	ReasonSlowWrite         Reason = "slow_write"
	ReasonIdle              Reason = "idle"
	ReasonPeerGone          Reason = "peer_gone"
	ReasonGoAway            Reason = "go_away"
	ReasonClosed            Reason = "closed"
)

// Reasons that end a stream.
const (
	ReasonPeerReset        Reason = "peer_reset"
	ReasonCancelled        Reason = "cancelled"
	ReasonRefused          Reason = "refused_stream"
	ReasonMalformed        Reason = "malformed_message"
	ReasonContentLength    Reason = "content_length_mismatch"
	ReasonHeaderListSize   Reason = "header_list_size"
	ReasonStreamClosed     Reason = "stream_closed"
	ReasonStreamIdle       Reason = "stream_idle"
	ReasonSlowWindow       Reason = "slow_window"
	ReasonNoCapacity       Reason = "no_capacity"
	ReasonNoExtendedConn   Reason = "no_extended_connect"
	ReasonStopSending      Reason = "stop_sending"
	ReasonMisuse           Reason = "misuse"
	ReasonHandlerAbandoned Reason = "handler_abandoned"
)

// ConnError ends a connection and every stream of it.
type ConnError struct {
	Code   ErrCode
	Reason Reason
	// Remote is set when the peer said so (GOAWAY), not we.
	Remote bool
	// Unprocessed is set when the peer has certainly not processed the stream that got this error.
	Unprocessed bool
	// Err is the transport's error, if there was one.
	Err error
}

func (e *ConnError) Error() string {
	if e.Err != nil {
		return fmt.Sprintf("http2: connection: %s: %v", e.Reason, e.Err)
	}
	return fmt.Sprintf("http2: connection: %s (%s)", e.Reason, e.Code)
}

func (e *ConnError) Unwrap() error { return e.Err }

// StreamError ends one stream.
type StreamError struct {
	Code   ErrCode
	Reason Reason
	// Remote is set when the peer reset the stream.
	Remote bool
	// Unprocessed is set when the peer has certainly not processed the request.
	Unprocessed bool
	// Detail says more for a log; it holds no bytes of the peer.
	Detail string
}

func (e *StreamError) Error() string {
	if e.Detail != "" {
		return fmt.Sprintf("http2: stream: %s: %s (%s)", e.Reason, e.Detail, e.Code)
	}
	return fmt.Sprintf("http2: stream: %s (%s)", e.Reason, e.Code)
}

// IsRetryable tells whether the peer has certainly not processed the request, so that any request, not only an
// idempotent one, may be sent again: refused streams, streams above GOAWAY's last, and connections that died or were
// full before the request was sent.
func IsRetryable(err error) bool {
	var se *StreamError
	if errors.As(err, &se) {
		return se.Unprocessed
	}
	var ce *ConnError
	return errors.As(err, &ce) && ce.Unprocessed
}

// ReasonOf names the reason in err, or ReasonPeerGone for errors of a transport.
func ReasonOf(err error) Reason {
	var se *StreamError
	if errors.As(err, &se) {
		return se.Reason
	}
	var ce *ConnError
	if errors.As(err, &ce) {
		return ce.Reason
	}
	return ReasonPeerGone
}
