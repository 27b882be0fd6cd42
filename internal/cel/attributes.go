package cel

import (
	"bytes"
	"net/netip"
)

// Attributes are what a condition may ask about a request. What is returned must stay as it is until Match returns.
type Attributes interface {
	// Header is the value of a field, several joined by a comma. The name is in lower case.
	Header(name string) ([]byte, bool)
	// Method, Host and Path are those of the request. Host may have a port, and letters in any case. Path has no query, and is
	// written as rules read it: a condition must not be evaded by another spelling.
	Method() []byte
	Host() []byte
	Path() []byte
	// Query is what follows the first question mark, as it came.
	Query() []byte
	// Scheme is "http" or "https".
	Scheme() string
	// SourceIP and SourcePort are the client's.
	SourceIP() netip.Addr
	SourcePort() uint16
	// SourceRegion is where the client is, a code such as US; empty if that is not known.
	SourceRegion() string
	// SNI is the server name that the client asked for; empty without one.
	SNI() string
	// TLSVersion is that of the connection as crypto/tls or as OpenSSL names it ("TLS 1.3", "TLSv1.3"); empty without TLS.
	TLSVersion() string
	// PeerCertDigest is the SHA-256 of the client's certificate in hexadecimal; empty without one.
	PeerCertDigest() string
	// BackendServiceName is that of the backend service that the URL map chose; empty before that.
	BackendServiceName() string
	// BackendServiceProject is the number of its project, BackendServiceEndpoints that of its endpoints.
	BackendServiceProject() (int64, bool)
	BackendServiceEndpoints() (int64, bool)
}

// kind is the type of an attribute.
type kind uint8

const (
	text kind = iota
	number
	fields // a map of texts
)

// attribute is a name that conditions may use. Its value is the error of CEL where the getter says false.
type attribute struct {
	kind   kind
	text   func(f *frame) ([]byte, bool)
	number func(f *frame) (int64, bool)
	// never says why it has no value when a chain is chosen.
	never string
}

const notYet = "there is no response yet when a chain is chosen"

// attributes are those of the load balancer's reference, and their names in GKE's CRDs.
var attributes = map[string]attribute{
	"request.headers":                        {kind: fields},
	"request.method":                         {text: func(f *frame) ([]byte, bool) { return f.a.Method(), true }},
	"request.host":                           {text: host},
	"request.path":                           {text: func(f *frame) ([]byte, bool) { return f.a.Path(), true }},
	"request.query":                          {text: func(f *frame) ([]byte, bool) { return f.a.Query(), true }},
	"request.scheme":                         {text: func(f *frame) ([]byte, bool) { return f.string(f.a.Scheme()), true }},
	"request.backend_service_name":           {text: func(f *frame) ([]byte, bool) { return f.present(f.a.BackendServiceName()) }},
	"request.backend_service_project_number": {kind: number, number: func(f *frame) (int64, bool) { return f.a.BackendServiceProject() }},
	"request.backend_service_num_endpoints":  {kind: number, number: func(f *frame) (int64, bool) { return f.a.BackendServiceEndpoints() }},
	"source.ip":                              {text: sourceIP},
	"source.address":                         {text: sourceIP},
	"source.port":                            {kind: number, number: func(f *frame) (int64, bool) { return int64(f.a.SourcePort()), true }},
	"source.client_region":                   {text: func(f *frame) ([]byte, bool) { return f.present(f.a.SourceRegion()) }},
	"connection.sni":                         {text: sni},
	"connection.requested_server_name":       {text: sni},
	"connection.tls_version":                 {text: tlsVersion},
	"connection.sha256_peer_certificate_digest": {text: func(f *frame) ([]byte, bool) {
		return f.present(f.a.PeerCertDigest())
	}},
	"response.code":        {kind: number, never: notYet},
	"response.grpc_status": {kind: number, never: notYet},
	"response.headers":     {kind: fields, never: notYet},
}

// host has no port and is in lower case, as the rules of URL maps read it.
func host(f *frame) ([]byte, bool) {
	h := f.a.Host()
	if at := bytes.LastIndexByte(h, ':'); at >= 0 && bytes.IndexByte(h[at:], ']') < 0 {
		h = h[:at]
	}
	return f.lower(h), true
}

// hostPort is for comparisons with what has a port.
func hostPort(f *frame) ([]byte, bool) { return f.lower(f.a.Host()), true }

func sourceIP(f *frame) ([]byte, bool) {
	ip := f.a.SourceIP()
	if !ip.IsValid() {
		return nil, false
	}
	n := len(f.scratch)
	f.scratch = ip.Unmap().WithZone("").AppendTo(f.scratch)
	return f.since(n), true
}

func sni(f *frame) ([]byte, bool) { return f.string(f.a.SNI()), true }

// tlsVersion spells "TLS 1.3" as "TLSv1.3", and "TLS 1.0" as "TLSv1".
func tlsVersion(f *frame) ([]byte, bool) {
	v := f.a.TLSVersion()
	const prefix = "TLS "
	if len(v) <= len(prefix) || v[:len(prefix)] != prefix {
		return f.present(v)
	}
	if v = v[len(prefix):]; v == "1.0" {
		v = "1"
	}
	n := len(f.scratch)
	f.scratch = append(append(f.scratch, "TLSv"...), v...)
	return f.since(n), true
}
