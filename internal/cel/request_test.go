package cel

import (
	"net/netip"
	"strings"
)

// request is a request of the tests.
type request struct {
	method, host, path, query, scheme string
	headers                           map[string]string
	ip                                netip.Addr
	port                              uint16
	sni, tls, digest, service, region string
	project, endpoints                int64
}

var _ Attributes = (*request)(nil)

func (r *request) Header(name string) ([]byte, bool) {
	v, ok := r.headers[name]
	return []byte(v), ok
}
func (r *request) Method() []byte             { return []byte(r.method) }
func (r *request) Host() []byte               { return []byte(r.host) }
func (r *request) Path() []byte               { return []byte(r.path) }
func (r *request) Query() []byte              { return []byte(r.query) }
func (r *request) Scheme() string             { return r.scheme }
func (r *request) SourceIP() netip.Addr       { return r.ip }
func (r *request) SourcePort() uint16         { return r.port }
func (r *request) SourceRegion() string       { return r.region }
func (r *request) SNI() string                { return r.sni }
func (r *request) TLSVersion() string         { return r.tls }
func (r *request) PeerCertDigest() string     { return r.digest }
func (r *request) BackendServiceName() string { return r.service }
func (r *request) BackendServiceProject() (int64, bool) {
	return r.project, r.project != 0
}

func (r *request) BackendServiceEndpoints() (int64, bool) {
	return r.endpoints, r.endpoints != 0
}

// usual is a request over TLS, behind the URL map.
func usual() *request {
	return &request{
		method: "GET", host: "store.example.com", path: "/serviceextensions/Caf\xe9", query: "a=1&b=%20", scheme: "https",
		headers: map[string]string{
			"x-env": "Canary", "x-count": "5", "x-many": "a,b", "x-empty": "", "x-utf8": "é", "x-latin1": "\xe9",
			"user-agent": "curl/8.0", "x-big": "9223372036854775808",
		},
		ip: netip.MustParseAddr("10.1.2.3"), port: 40001,
		sni: "store.example.com", tls: "TLS 1.3", digest: strings.Repeat("ab", 32), service: "store-v1", project: 42, endpoints: 3,
	}
}
