package exchange

import (
	"math/rand/v2"
	"time"

	"github.com/spillway-lb/spillway/internal/proxy/accesslog"
	"github.com/spillway-lb/spillway/internal/proxy/balance"
	"github.com/spillway-lb/spillway/internal/proxy/extension"
	"github.com/spillway-lb/spillway/internal/proxy/header"
	"github.com/spillway-lb/spillway/internal/proxy/metrics"
	"github.com/spillway-lb/spillway/internal/proxy/trace"
)

// finish counts, logs and traces.
func (x *Exchange) finish() {
	x.endUpload()
	x.dropCopies()
	if x.counted {
		x.service.ReleaseLimit(balance.Requests)
	}
	for range x.retrying {
		x.service.ReleaseLimit(balance.Retries)
	}
	end := x.backEnd
	if end.IsZero() {
		end = x.now()
	}
	sample := metrics.Sample{
		Status:       x.status,
		Total:        end.Sub(x.start),
		RequestBytes: x.headSize + x.body.bytes, ResponseBytes: x.outBytes,
	}
	if x.attempts > 0 && !x.headAt.IsZero() {
		sample.Backend = x.headAt.Sub(x.sentAt)
	}
	if x.scope != nil {
		x.scope.end(extension.Outcome{
			Status: x.status, Details: string(x.details), Complete: x.complete,
			RequestBytes: sample.RequestBytes, ResponseBytes: sample.ResponseBytes, Duration: sample.Total,
		})
	}
	x.shard.Request(x.shard.Route(x.serviceName(), x.routeName()), &sample)
	x.log(&sample)
	if x.status >= 400 && isLimit(x.details) {
		x.engine.Metrics.Limits.Inc(string(x.details))
	}
	if x.engine.Tracer.Recording(&x.span) {
		x.trace(end, &sample)
	}
}

// isLimit says whether a limit or a time-out made the answer.
func isLimit(d accesslog.Details) bool {
	switch d {
	case accesslog.HeadersTooLong, accesslog.TooManyHeaders, accesslog.URITooLong, accesslog.BodyTooLarge,
		accesslog.HeaderTimeout, accesslog.BodyTimeout, accesslog.ClientTimedOut, accesslog.BackendTimeout,
		accesslog.BackendOverloaded:
		return true
	}
	return false
}

func (x *Exchange) serviceName() string {
	if x.service == nil {
		return ""
	}
	return x.service.Name
}

func (x *Exchange) routeName() string {
	if x.rule == nil {
		return ""
	}
	return x.rule.Route
}

// log writes the access log record, if the backend service's policy picks it, or all are wanted.
func (x *Exchange) log(m *metrics.Sample) {
	if x.engine.Log == nil {
		return
	}
	policy := accesslog.LogEverything()
	if !x.engine.LogAll && x.derived != nil {
		policy = x.derived.Logging
	}
	if policy == nil || !policy.Sample(rand.Uint32()) {
		return
	}
	var r accesslog.Record
	r.Reset()
	x.record(&r, m)
	x.engine.Log.Log(policy, &r)
}

// record fills in what is known.
func (x *Exchange) record(r *accesslog.Record, m *metrics.Sample) {
	q := &x.Request
	r.Start, r.Latency = x.start, m.Total
	r.FirstByteLatency = m.Backend
	if !x.backEnd.IsZero() {
		r.BackendLatency = x.backEnd.Sub(x.sentAt)
	}
	r.Method, r.Authority, r.Path = q.Method, q.Authority, q.Path
	r.Scheme = x.client.Scheme
	r.UserAgent, _ = q.Header.Get(header.UserAgent)
	r.Referer, _ = q.Header.Get(header.Referer)
	r.Protocol = x.protocol()
	r.RequestBytes, r.ResponseBytes = m.RequestBytes, m.ResponseBytes
	r.Status, r.Details, r.Attempts = x.status, x.details, x.attempts
	r.Client, r.Local = x.address, x.client.Local
	if x.endpoint != nil {
		r.Endpoint = x.endpoint.Addr
		r.Group, r.Zone, r.Region = x.endpoint.Group, x.endpoint.Zone, x.endpoint.Region
	}
	r.ForwardingRule, r.TargetProxy = x.client.Frontend.Name, x.client.Frontend.Target()
	if x.target != nil {
		r.URLMap = x.target.Spec.GetUrlMap()
	}
	if x.service != nil {
		r.BackendService, r.BackendTarget = x.service.Name, x.service.Spec.GetTarget()
	}
	if x.rule != nil {
		r.Route, r.Rule = x.rule.Route, x.rule.RuleName
	}
	r.TLSProtocol, r.TLSCipher, r.ServerName = x.client.TLSVersion, x.client.TLSCipher, x.client.ServerName
	if x.span.Valid() {
		r.Trace, r.Span = appendHex(nil, x.span.Trace[:]), appendHex(nil, x.span.Span[:])
		r.Sampled = x.span.Sampled
	}
	r.GRPCStatus = x.grpcOutcome()
	if x.scope != nil {
		r.Extensions = x.scope.logged()
	}
}

// noteGRPC keeps the gRPC status of a head or of trailers for the log: their bytes end with the stream.
func (x *Exchange) noteGRPC(h *header.Map) {
	if h == nil || !x.isGRPC() {
		return
	}
	v, ok := h.Get(header.GrpcStatus)
	if !ok || len(v) == 0 || len(v) > 2 {
		return
	}
	n := 0
	for _, c := range v {
		n = n*10 + int(c-'0')
	}
	x.grpcKnown, x.grpcCode = true, n
}

// grpcOutcome is the gRPC status of the answer.
func (x *Exchange) grpcOutcome() int {
	if !x.grpcKnown {
		return accesslog.NoGRPC
	}
	return x.grpcCode
}

func (x *Exchange) protocol() string {
	switch {
	case x.Request.Major == 2:
		return "HTTP/2"
	case x.Request.Minor == 0:
		return "HTTP/1.0"
	}
	return "HTTP/1.1"
}

func (x *Exchange) trace(end time.Time, m *metrics.Sample) {
	q := &x.Request
	d := trace.SpanData{
		Name:  string(q.Method) + " " + x.routeName(),
		Start: x.start, End: end,
		Method: string(q.Method), Scheme: x.client.Scheme, Host: string(q.Authority), Path: string(q.Path),
		Protocol: x.protocol()[len("HTTP/"):],
		Status:   x.status, Details: string(x.details),
		BackendService: x.serviceName(), Route: x.routeName(),
		Client: x.address, Attempts: x.attempts,
		RequestBytes: m.RequestBytes, ResponseBytes: m.ResponseBytes,
		BackendStart: x.sentAt, BackendEnd: x.backEnd,
	}
	if x.endpoint != nil {
		d.Endpoint = x.endpoint.Addr
	}
	if x.scope != nil {
		d.Extensions = x.scope.traced()
	}
	if agent, ok := q.Header.Get(header.UserAgent); ok {
		d.UserAgent = string(agent)
	}
	x.engine.Tracer.Finish(&x.span, d)
}

func appendHex(dst, src []byte) []byte {
	const digits = "0123456789abcdef"
	for _, c := range src {
		dst = append(dst, digits[c>>4], digits[c&15])
	}
	return dst
}
