// Package accesslog writes one JSON line for each logged request, in the form that Google's load balancers write to
// Cloud Logging (a LogEntry with httpRequest, jsonPayload and resource.labels).
//
// In: a Record, filled by the request path as the exchange goes on, and the Policy of the backend service (sampling,
// optional fields). Out: lines on an io.Writer. Writer.Log encodes into pooled memory and returns; a goroutine writes.
// A slow disk never slows a request: lines that find the buffer full are dropped and counted.
//
//	policy := accesslog.CompilePolicy(backendService.Logging)   // once for each backend service
//	if policy.Sample(random) { writer.Log(policy, &record) }
package accesslog

import (
	"net/netip"
	"time"
)

// Record is what is known about one request when it ends. Byte slices need to live only until Log returns. The zero
// value of a field means "not known" and leaves its JSON field out, unless Google's form always has it.
type Record struct {
	// Start is when the first byte of the request arrived; Latency counts from there to the last byte of the answer.
	Start   time.Time
	Latency time.Duration
	// BackendLatency counts from the first byte sent to the backend to the last byte received from it, of the last
	// attempt. FirstByteLatency ends at the first byte of the backend's answer.
	BackendLatency   time.Duration
	FirstByteLatency time.Duration

	Method    []byte
	Scheme    string // "http" or "https"
	Authority []byte
	Path      []byte // with query
	UserAgent []byte
	Referer   []byte
	Protocol  string // "HTTP/1.1", "HTTP/2"

	// RequestBytes and ResponseBytes count the head and the body as they were on the wire, without TLS.
	RequestBytes  int64
	ResponseBytes int64
	Status        int

	Client   netip.AddrPort // the peer, or what trusted X-Forwarded-For hops say
	Local    netip.AddrPort // the address the client connected to
	Endpoint netip.AddrPort // the backend that answered, of the last attempt

	// Details says why the answer is what it is.
	Details Details
	// Reason says more, in a word from a closed set, where Details stand for several; empty elsewhere.
	Reason string
	// Attempts is the number of tries, 1 for a request that was not retried.
	Attempts int

	// Labels of the load balancer's resources.
	ForwardingRule string
	TargetProxy    string
	URLMap         string
	BackendService string
	BackendTarget  string // "namespace/name:port" of the Kubernetes Service
	Group          string // network endpoint group
	Zone           string
	Region         string
	Route          string // "namespace/name" of the route
	Rule           string

	// TLS of the client's connection; empty without TLS.
	TLSProtocol string // "TLSv1.3"
	TLSCipher   string
	ServerName  string // SNI

	// Trace and Span are hex, in the caller's memory.
	Trace   []byte
	Span    []byte
	Sampled bool

	// Extensions are the filters that saw the request, in order.
	Extensions []Extension

	// GRPCStatus is the gRPC status of the answer, or NoGRPC.
	GRPCStatus int
}

// Extension is what a filter did.
type Extension struct {
	// Kind is "route" or "traffic".
	Kind, Chain, Name string
	// Latency is the time that the exchange spent in the filter; time in its bodies is not part of it.
	Latency time.Duration
	// Outcome is "passed", "replied", "failed" or "panicked".
	Outcome string
	// Fields are the filter's own.
	Fields []ExtensionField
}

// ExtensionField is a field that a filter added.
type ExtensionField struct{ Name, Value string }

// NoGRPC marks a request that was not a gRPC call.
const NoGRPC = -1

// Reset makes the record ready for the next request.
func (r *Record) Reset() { *r = Record{GRPCStatus: NoGRPC} }
