package plugin

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"net/netip"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/spillway-lb/spillway/internal/proxy/extension"
	"github.com/spillway-lb/spillway/internal/proxy/message"
	"github.com/spillway-lb/spillway/internal/wasm"
)

// facts are what properties are made of, as far as it has come.
type facts struct {
	q       *extension.Request
	began   time.Time
	r       atomic.Pointer[extension.Response]
	outcome atomic.Pointer[extension.Outcome]
}

func (f *facts) request(q *extension.Request)   { f.q, f.began = q, time.Now() }
func (f *facts) response(r *extension.Response) { f.r.Store(r) }
func (f *facts) end(o extension.Outcome)        { f.outcome.Store(&o) }

// kept is the head of an answer in buffers of its own.
func kept(r *extension.Response) *extension.Response {
	m := &message.Response{Status: r.Status(), ContentLength: r.Length()}
	for i := range r.Len() {
		name, value := r.At(i)
		m.Header.Add(bytes.Clone(name), bytes.Clone(value))
	}
	return extension.NewResponse(m, nil, nil)
}

// keptRequest is the head of a request in buffers of its own.
func keptRequest(q *extension.Request) *extension.Request {
	m := &message.Request{
		Method: bytes.Clone(q.Method()), Scheme: bytes.Clone(q.Scheme()), Authority: bytes.Clone(q.Authority()), Path: bytes.Clone(q.Path()),
		Protocol: bytes.Clone(q.Upgrade()),
	}
	m.Major, m.Minor = q.Version()
	for i := range q.Len() {
		name, value := q.At(i)
		m.Header.Add(bytes.Clone(name), bytes.Clone(value))
	}
	return extension.NewRequest(m, nil, nil)
}

// property makes the value of one; false if there is none now.
type property func(f *filter) ([]byte, bool)

func is(v func(f *filter) []byte) property {
	return func(f *filter) ([]byte, bool) { return v(f), true }
}

// properties have Envoy's names, and those that Google's load balancers add.
var properties = map[string]property{
	"request.path":     is(func(f *filter) []byte { return f.facts.q.Path() }),
	"request.url_path": is(func(f *filter) []byte { path, _, _ := bytes.Cut(f.facts.q.Path(), []byte("?")); return path }),
	"request.query":    is(func(f *filter) []byte { _, query, _ := bytes.Cut(f.facts.q.Path(), []byte("?")); return query }),
	"request.host":     is(func(f *filter) []byte { return f.facts.q.Authority() }),
	"request.scheme":   is(func(f *filter) []byte { return f.facts.q.Scheme() }),
	"request.method":   is(func(f *filter) []byte { return f.facts.q.Method() }),
	"request.origin":   func(f *filter) ([]byte, bool) { return f.facts.q.Get("origin") },
	"request.referer":  func(f *filter) ([]byte, bool) { return f.facts.q.Get("referer") },
	"request.useragent": func(f *filter) ([]byte, bool) {
		return f.facts.q.Get("user-agent")
	},
	"request.id":       func(f *filter) ([]byte, bool) { return f.facts.q.Get("x-request-id") },
	"request.protocol": is(func(f *filter) []byte { return protocol(f.facts.q.Version()) }),
	"request.time":     is(func(f *filter) []byte { return wasm.Timestamp(f.facts.began) }),
	"request.size":     func(f *filter) ([]byte, bool) { return requestSize(f) },
	"request.headers":  is(func(f *filter) []byte { return fieldMap(&f.facts.q.Fields) }),
	"request.duration": ended(func(o *extension.Outcome) []byte { return wasm.Duration(o.Duration) }),
	"request.total_size": ended(func(o *extension.Outcome) []byte {
		return wasm.Int(o.RequestBytes)
	}),
	"request.backend_service_name": func(f *filter) ([]byte, bool) { return serviceName(f) },

	"response.code": func(f *filter) ([]byte, bool) {
		if r := f.facts.r.Load(); r != nil {
			return wasm.Int(int64(r.Status())), true
		}
		return ended(func(o *extension.Outcome) []byte { return wasm.Int(int64(o.Status)) })(f)
	},
	"response.code_details": ended(func(o *extension.Outcome) []byte { return []byte(o.Details) }),
	"response.total_size":   ended(func(o *extension.Outcome) []byte { return wasm.Int(o.ResponseBytes) }),
	"response.size":         ended(func(o *extension.Outcome) []byte { return wasm.Int(o.ResponseBytes) }),
	"response.headers": func(f *filter) ([]byte, bool) {
		r := f.facts.r.Load()
		if r == nil {
			return nil, false
		}
		return fieldMap(&r.Fields), true
	},
	"response.grpc_status": func(f *filter) ([]byte, bool) { return grpcStatus(f) },

	"source.address":       is(func(f *filter) []byte { return []byte(f.x.Client().Peer.String()) }),
	"source.port":          is(func(f *filter) []byte { return port(f.x.Client().Peer) }),
	"source.ip":            is(func(f *filter) []byte { return []byte(f.x.Client().Address.Addr().String()) }),
	"source.client_region": func(f *filter) ([]byte, bool) { return some(f.x.Region()) },
	"destination.address":  is(func(f *filter) []byte { return []byte(f.x.Client().Local.String()) }),
	"destination.port":     is(func(f *filter) []byte { return port(f.x.Client().Local) }),

	"connection.mtls":                  is(func(f *filter) []byte { return wasm.Bool(f.x.Client().PeerCertificate != nil) }),
	"connection.requested_server_name": func(f *filter) ([]byte, bool) { return some(f.x.Client().ServerName) },
	"connection.sni":                   func(f *filter) ([]byte, bool) { return some(f.x.Client().ServerName) },
	"connection.tls_version": func(f *filter) ([]byte, bool) {
		return some(strings.ReplaceAll(f.x.Client().TLSVersion, "TLS ", "TLSv"))
	},
	"connection.sha256_peer_certificate_digest": func(f *filter) ([]byte, bool) {
		c := f.x.Client().PeerCertificate
		if c == nil {
			return nil, false
		}
		sum := sha256.Sum256(c.Raw)
		return []byte(hex.EncodeToString(sum[:])), true
	},

	"listener_direction": is(func(*filter) []byte { return wasm.Int(1) }), // inbound
	"cluster_name":       func(f *filter) ([]byte, bool) { return serviceName(f) },
	"route_name":         func(f *filter) ([]byte, bool) { return ruleName(f) },
	"xds.cluster_name":   func(f *filter) ([]byte, bool) { return serviceName(f) },
	"xds.route_name":     func(f *filter) ([]byte, bool) { return ruleName(f) },
}

// Property implements wasm.StreamHost.
func (f *filter) Property(path string) ([]byte, bool) {
	path = strings.ReplaceAll(path, "\x00", ".")
	if p := properties[path]; p != nil {
		return p(f)
	}
	if name, found := strings.CutPrefix(path, "request.headers."); found {
		return f.facts.q.Get(name)
	}
	if name, found := strings.CutPrefix(path, "response.headers."); found {
		if r := f.facts.r.Load(); r != nil {
			return r.Get(name)
		}
	}
	return nil, false
}

func ended(v func(o *extension.Outcome) []byte) property {
	return func(f *filter) ([]byte, bool) {
		o := f.facts.outcome.Load()
		if o == nil {
			return nil, false
		}
		return v(o), true
	}
}

func some(text string) ([]byte, bool) { return []byte(text), text != "" }

func port(at netip.AddrPort) []byte { return wasm.Int(int64(at.Port())) }

func protocol(major, minor uint8) []byte {
	if major >= 2 {
		return []byte("HTTP/2")
	}
	return []byte("HTTP/" + strconv.Itoa(int(major)) + "." + strconv.Itoa(int(minor)))
}

func requestSize(f *filter) ([]byte, bool) {
	text, found := f.facts.q.Get("content-length")
	n, err := strconv.ParseInt(string(text), 10, 64)
	if found && err != nil {
		return nil, false
	}
	return wasm.Int(n), true
}

func serviceName(f *filter) ([]byte, bool) {
	s := f.x.Service()
	if s == nil {
		return nil, false
	}
	return some(s.Name)
}

func ruleName(f *filter) ([]byte, bool) {
	route, rule := f.x.Rule()
	if rule == "" {
		return some(route)
	}
	return some(route + "/" + rule)
}

func grpcStatus(f *filter) ([]byte, bool) {
	r := f.facts.r.Load()
	if r == nil {
		return nil, false
	}
	text, found := r.Get("grpc-status")
	n, err := strconv.ParseInt(string(text), 10, 64)
	if !found || err != nil {
		return nil, false
	}
	return wasm.Int(n), true
}

func fieldMap(f *extension.Fields) []byte {
	var pairs wasm.Pairs
	for i := range f.Len() {
		name, value := f.At(i)
		pairs = append(pairs, wasm.Pair{Name: string(name), Value: string(value)})
	}
	return wasm.Map(pairs)
}
