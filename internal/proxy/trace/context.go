// Package trace carries trace contexts through the proxy and turns finished requests into spans.
//
// In: the headers of a request (W3C traceparent and tracestate, X-Cloud-Trace-Context). Out: the headers for the
// backend, and for sampled requests a SpanData given to an Exporter (package otlp below this one has one). A nil
// *Tracer is "off": contexts are still read for the access log, headers pass unchanged, and the cost is one nil check.
//
//	tracer.Start(&span, &request.Header) // a nil tracer only reads
//	span.Inject(&request.Header)
//	...
//	if tracer.Recording(&span) { tracer.Finish(&span, trace.SpanData{...}) }
package trace

import (
	"encoding/binary"
	"encoding/hex"

	"github.com/spillway-lb/spillway/internal/proxy/header"
)

// ID of a trace and of a span. All zero is invalid.
type (
	TraceID [16]byte
	SpanID  [8]byte
)

// Context is what travels in headers.
type Context struct {
	Trace   TraceID
	Span    SpanID
	Sampled bool
}

// Valid says whether there is a trace at all.
func (c *Context) Valid() bool { return c.Trace != TraceID{} && c.Span != SpanID{} }

// Extract reads the caller's context: traceparent, else X-Cloud-Trace-Context. A malformed header is no header.
func Extract(h *header.Map) (Context, bool) {
	if v, ok := h.Get(header.Traceparent); ok && h.Count(header.Traceparent) == 1 {
		if c, ok := parseTraceparent(v); ok {
			return c, true
		}
	}
	if v, ok := h.Get(header.XCloudTraceContext); ok {
		return parseCloud(v)
	}
	return Context{}, false
}

const traceparentLength = 2 + 1 + 32 + 1 + 16 + 1 + 2

// parseTraceparent reads version-trace-span-flags. Versions above 00 may have more parts; ff is invalid.
func parseTraceparent(v []byte) (Context, bool) {
	var c Context
	var version, flags [1]byte
	if len(v) < traceparentLength || v[2] != '-' || v[35] != '-' || v[52] != '-' {
		return c, false
	}
	if !decodeHex(version[:], v[:2]) || version[0] == 0xff {
		return c, false
	}
	if len(v) > traceparentLength && (version[0] == 0 || v[traceparentLength] != '-') {
		return c, false
	}
	if !decodeHex(c.Trace[:], v[3:35]) || !decodeHex(c.Span[:], v[36:52]) || !decodeHex(flags[:], v[53:55]) {
		return c, false
	}
	c.Sampled = flags[0]&1 != 0
	return c, c.Valid()
}

// decodeHex is strict: lower case only, as the W3C demands.
func decodeHex(dst, src []byte) bool {
	for _, c := range src {
		if c >= 'A' && c <= 'F' {
			return false
		}
	}
	_, err := hex.Decode(dst, src)
	return err == nil
}

// parseCloud reads TRACE_ID/SPAN_ID;o=OPTIONS: 32 hex digits, a decimal number, and 1 for sampled. The last two are
// optional.
func parseCloud(v []byte) (Context, bool) {
	var c Context
	if len(v) < 32 {
		return c, false
	}
	if _, err := hex.Decode(c.Trace[:], v[:32]); err != nil {
		return c, false
	}
	rest := v[32:]
	span := uint64(1) // a trace without a span still names its trace
	if len(rest) > 0 && rest[0] == '/' {
		n := 1
		span = 0
		for ; n < len(rest) && rest[n] >= '0' && rest[n] <= '9'; n++ {
			digit := uint64(rest[n] - '0')
			if span > (1<<64-1-digit)/10 {
				return Context{}, false
			}
			span = span*10 + digit
		}
		rest = rest[n:]
	}
	binary.BigEndian.PutUint64(c.Span[:], span)
	c.Sampled = string(rest) == ";o=1"
	if len(rest) > 0 && !c.Sampled && string(rest) != ";o=0" {
		return Context{}, false
	}
	return c, c.Valid()
}

// AppendTraceparent appends the W3C form.
func (c *Context) AppendTraceparent(b []byte) []byte {
	b = append(b, "00-"...)
	b = hex.AppendEncode(b, c.Trace[:])
	b = append(b, '-')
	b = hex.AppendEncode(b, c.Span[:])
	if c.Sampled {
		return append(b, "-01"...)
	}
	return append(b, "-00"...)
}
