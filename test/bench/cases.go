package main

// kind is how a case loads a proxy.
type kind int

const (
	saturate   kind = iota // closed loop, as fast as it goes
	fixedRate              // open loop at a rate, latency from the intended time of sending
	handshakes             // a TLS handshake and one request for each connection
	churn                  // connections of a few requests each
	idle                   // connections that sit after one request
)

// benchCase is one row of the comparison.
type benchCase struct {
	name, about string
	kind        kind
	// conns is the number of client connections, streams of those each one has at a time (HTTP/2).
	conns, streams int
	rate           int
	// each is the number of requests of a connection that does not last; closes says that its last one asks the proxy to
	// end it, otherwise the client does.
	each   int
	closes bool
	// half makes the rate half of what the slowest peer of the run can do.
	half bool
	// bodyBytes of the answer and postBytes of the request.
	bodyBytes, postBytes int
	tls                  bool
	rsa                  bool
	resume               bool
	http2                bool // downstream
	http2Up              bool // upstream (h2c)
	grpc                 bool
	routes               int
	// busy runs a loop that takes one core away.
	busy bool
	// callout is what every request meets.
	callout calloutUse
}

// calloutUse is an extension of a case.
type calloutUse int

const (
	noCallout       calloutUse = iota
	calloutHeaders             // one event, one answer that sets a field
	calloutStreamed            // the request's body, too, each chunk of which is answered
	calloutDuplex              // the same in full duplex
	calloutNoMatch             // a condition that does not hold
	pluginHeaders              // no callout: a Wasm plugin that sets a field
)

var cases = []benchCase{
	{name: "h1-128", about: "HTTP/1.1, 128 B answers, 64 connections", conns: 64, bodyBytes: 128},
	{name: "h1-10k", about: "HTTP/1.1, 10 KB answers, 64 connections", conns: 64, bodyBytes: 10_000},
	{name: "h1-1m", about: "HTTP/1.1, 1 MB answers, 64 connections", conns: 64, bodyBytes: 1_000_000},
	{name: "h1-c1000", about: "HTTP/1.1, 128 B answers, 1,000 connections", conns: 1000, bodyBytes: 128},
	{name: "h1-c10000", about: "HTTP/1.1, 128 B answers, 10,000 connections", conns: 10_000, bodyBytes: 128},
	{name: "post-10k", about: "HTTP/1.1, POST of 10 KB, 64 connections", conns: 64, bodyBytes: 128, postBytes: 10_000},
	{name: "post-1m", about: "HTTP/1.1, POST of 1 MB, 64 connections", conns: 64, bodyBytes: 128, postBytes: 1_000_000},
	{
		name: "h2-down", about: "HTTP/2 to HTTP/1.1, 128 B, 16 connections of 8 streams", conns: 16, streams: 8,
		bodyBytes: 128, http2: true,
	},
	{
		name: "h2-both", about: "HTTP/2 to HTTP/2, 128 B, 16 connections of 8 streams", conns: 16, streams: 8,
		bodyBytes: 128, http2: true, http2Up: true,
	},
	{name: "h2-up", about: "HTTP/1.1 to HTTP/2, 128 B, 64 connections", conns: 64, bodyBytes: 128, http2Up: true},
	{
		name: "h2-10k", about: "HTTP/2 to HTTP/2, 10 KB, 16 connections of 8 streams", conns: 16, streams: 8,
		bodyBytes: 10_000, http2: true, http2Up: true,
	},
	{
		name: "grpc", about: "gRPC unary, 128 B both ways, 16 connections of 8 streams", conns: 16, streams: 8,
		bodyBytes: 128, postBytes: 128, http2: true, http2Up: true, grpc: true,
	},
	{name: "tls-128", about: "TLS 1.3 keep-alive, 128 B answers, 64 connections", conns: 64, bodyBytes: 128, tls: true},
	{name: "tls-10k", about: "TLS 1.3 keep-alive, 10 KB answers, 64 connections", conns: 64, bodyBytes: 10_000, tls: true},
	{name: "tls-1m", about: "TLS 1.3 keep-alive, 1 MB answers, 64 connections", conns: 64, bodyBytes: 1_000_000, tls: true},
	{
		name: "churn", about: "HTTP/1.1, 128 B, one request a connection, which the client closes", kind: churn, conns: 16,
		each: 1, bodyBytes: 128,
	},
	{
		name: "churn-10", about: "HTTP/1.1, 128 B, 10 requests a connection, which the client closes", kind: churn, conns: 16,
		each: 10, bodyBytes: 128,
	},
	{
		name: "churn-close", about: "HTTP/1.1, 128 B, one request a connection, with Connection: close", kind: churn, conns: 16,
		each: 1, closes: true, bodyBytes: 128,
	},
	{
		name: "handshake-ecdsa", about: "full TLS 1.3 handshakes, ECDSA P-256, one request each", kind: handshakes,
		conns: 16, each: 1, bodyBytes: 128, tls: true,
	},
	{
		name: "handshake-rsa", about: "full TLS 1.3 handshakes, RSA 2048, one request each", kind: handshakes,
		conns: 16, each: 1, bodyBytes: 128, tls: true, rsa: true,
	},
	{
		name: "handshake-resumed", about: "resumed TLS 1.3 handshakes, one request each", kind: handshakes,
		conns: 16, each: 1, bodyBytes: 128, tls: true, resume: true,
	},
	{
		name: "routes-10000", about: "as h1-128 with 10,000 routes, the last one requested", conns: 64, bodyBytes: 128,
		routes: 10_000,
	},
	{
		name: "rate-4000", about: "HTTP/1.1, 128 B, 64 connections, 4,000 requests/s", kind: fixedRate, conns: 64,
		rate: 4000, bodyBytes: 128,
	},
	{
		name: "rate-12000", about: "HTTP/1.1, 128 B, 64 connections, 12,000 requests/s", kind: fixedRate, conns: 64,
		rate: 12_000, bodyBytes: 128,
	},
	{
		name: "busy-4000", about: "as rate-4000 with one core busy", kind: fixedRate, conns: 64, rate: 4000,
		bodyBytes: 128, busy: true,
	},
	{
		name: "half", about: "HTTP/1.1, 128 B, 64 connections, at half of the slowest peer's capacity", kind: fixedRate,
		conns: 64, half: true, bodyBytes: 128,
	},
	{name: "idle", about: "RSS of 10,000 idle connections after one request each", kind: idle, conns: 10_000, bodyBytes: 128},
	{
		name: "idle-tls", about: "RSS of 10,000 idle TLS connections after one request each", kind: idle, conns: 10_000,
		bodyBytes: 128, tls: true,
	},
	{name: "ext-none", about: "as h1-128, what the cases below add to", conns: 64, bodyBytes: 128},
	{
		name: "ext-header", about: "HTTP/1.1, 128 B, 64 connections, a callout for request headers", conns: 64, bodyBytes: 128,
		callout: calloutHeaders,
	},
	{name: "ext-post-64k", about: "HTTP/1.1, POST of 64 KB, 64 connections", conns: 64, bodyBytes: 128, postBytes: 64 << 10},
	{
		name: "ext-streamed-64k", about: "the same through a callout, Streamed", conns: 64, bodyBytes: 128, postBytes: 64 << 10,
		callout: calloutStreamed,
	},
	{
		name: "ext-duplex-64k", about: "the same through a callout, FullDuplexStreamed", conns: 64, bodyBytes: 128, postBytes: 64 << 10,
		callout: calloutDuplex,
	},
	{
		name: "ext-nomatch", about: "as h1-128 with a condition that does not hold", conns: 64, bodyBytes: 128, callout: calloutNoMatch,
	},
	{
		name: "ext-wasm", about: "as h1-128 with a Wasm plugin that sets a field of the request", conns: 64, bodyBytes: 128, callout: pluginHeaders,
	},
}
