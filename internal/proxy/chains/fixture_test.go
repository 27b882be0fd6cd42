package chains_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	extprocv3 "github.com/envoyproxy/go-control-plane/envoy/service/ext_proc/v3"
	"google.golang.org/protobuf/types/known/durationpb"

	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
	"github.com/spillway-lb/spillway/internal/calloutserver"
	"github.com/spillway-lb/spillway/internal/proxy"
	"github.com/spillway-lb/spillway/internal/proxy/chains"
	"github.com/spillway-lb/spillway/internal/proxy/passive"
)

// patience bounds every wait, long a time-out that is not meant to be met.
const (
	patience = 60 * time.Second
	long     = 10 * time.Second
)

// site is a proxy with a backend and a callout.
type site struct {
	*proxy.Proxy
	t       testing.TB
	addr    string
	log     *lines
	model   *lbv1.Model
	records *passive.Records
}

// setup is what a test says of its site.
type setup struct {
	// backend answers requests; nil echoes their bodies.
	backend http.HandlerFunc
	// callout serves streams; nil is a callout that nobody serves.
	callout http.Handler
	plain   bool // the callout speaks h2c
	// route and traffic are the chains' extensions; those with a backend service "callout" call the callout.
	route, traffic []*lbv1.Extension
	plugins        chains.Plugins
	outside        proxy.Outside
	edit           func(m *resources)
}

// resources are those that tests change.
type resources struct {
	target         *lbv1.TargetProxy
	urlMap         *lbv1.UrlMap
	rule           *lbv1.RouteRule
	service        *lbv1.BackendService
	callout        *lbv1.BackendService
	calloutAddress string
	route, traffic *lbv1.LbExtension
	more           []*lbv1.Resource
}

// ext is an extension that calls the callout.
func ext(events ...lbv1.Extension_Event) *lbv1.Extension {
	return &lbv1.Extension{
		Name: "ext", Target: &lbv1.Extension_BackendService{BackendService: "callout"}, Authority: "ext.example", Events: events,
		Timeout: durationpb.New(long),
	}
}

const (
	requestHeaders   = lbv1.Extension_REQUEST_HEADERS
	requestBody      = lbv1.Extension_REQUEST_BODY
	requestTrailers  = lbv1.Extension_REQUEST_TRAILERS
	responseHeaders  = lbv1.Extension_RESPONSE_HEADERS
	responseBody     = lbv1.Extension_RESPONSE_BODY
	responseTrailers = lbv1.Extension_RESPONSE_TRAILERS
)

func newSite(t testing.TB, s setup) *site {
	t.Helper()
	if s.backend == nil {
		s.backend = echo
	}
	m := &resources{
		target: &lbv1.TargetProxy{UrlMap: "map", Via: "1.1 google"}, urlMap: &lbv1.UrlMap{DefaultService: "default", ListenerHosts: []string{"*"}},
		rule: &lbv1.RouteRule{
			UrlMap: "map", ListenerHost: "*", Host: "*", Precedence: "1", Route: "ns/route", Rule: "0",
			Match:  &lbv1.RouteMatch{Path: &lbv1.RouteMatch_Prefix{Prefix: "/"}},
			Action: &lbv1.RouteRule_Forward{Forward: &lbv1.Forward{Backends: []*lbv1.WeightedBackend{{BackendService: "service", Weight: 1}}}},
		},
		service: &lbv1.BackendService{Backends: []*lbv1.Backend{{Group: "service"}}, Logging: &lbv1.Logging{Enabled: true, SampleRate: 1}},
		callout: &lbv1.BackendService{Backends: []*lbv1.Backend{{Group: "callout"}}, Protocol: lbv1.BackendProtocol_HTTP2},
		route:   chainOf(s.route), traffic: chainOf(s.traffic),
	}
	if s.plain {
		m.callout.Protocol = lbv1.BackendProtocol_H2C
	}
	m.calloutAddress = serveCallout(t, s.callout, s.plain)
	if s.edit != nil {
		s.edit(m)
	}
	x := &site{t: t, log: &lines{}, records: passive.New(func() {}), model: m.model(serve(t, s.backend))}
	x.Proxy = proxy.New(proxy.Config{AccessLog: x.log, Extensions: chains.Compiler{Plugins: s.plugins, Records: x.records}.Provider(), Outside: s.outside})
	t.Cleanup(func() { _ = x.Close() })
	if err := x.Replace(x.model); err != nil {
		t.Fatal(err)
	}
	b := x.Bound()
	if len(b) != 1 || b[0].Err != nil {
		t.Fatalf("bound: %v", b)
	}
	x.addr = b[0].Actual.String()
	return x
}

func chainOf(list []*lbv1.Extension) *lbv1.LbExtension {
	if list == nil {
		return nil
	}
	return &lbv1.LbExtension{Chains: []*lbv1.ExtensionChain{{Name: "chain", Extensions: list}}}
}

func (m *resources) model(backend string) *lbv1.Model {
	list := []*lbv1.Resource{
		{Name: "rule", Body: &lbv1.Resource_ForwardingRule{ForwardingRule: &lbv1.ForwardingRule{
			Vips: []*lbv1.Vip{{Address: "127.0.0.1"}}, Port: freePort(), TargetProxy: "proxy",
		}}},
		{Name: "proxy", Body: &lbv1.Resource_TargetProxy{TargetProxy: m.target}},
		{Name: "map", Body: &lbv1.Resource_UrlMap{UrlMap: m.urlMap}},
		{Name: "map/" + m.rule.ListenerHost + "/" + m.rule.Host + "/" + m.rule.Precedence, Body: &lbv1.Resource_RouteRule{RouteRule: m.rule}},
		{Name: "default", Body: &lbv1.Resource_BackendService{BackendService: &lbv1.BackendService{AbortStatus: 404}}},
	}
	list = append(list, serviceOf("service", m.service, backend)...)
	if m.callout != nil {
		list = append(list, serviceOf("callout", m.callout, m.calloutAddress)...)
	}
	if m.route != nil {
		m.target.RouteExtension = "routing"
		list = append(list, &lbv1.Resource{Name: "routing", Body: &lbv1.Resource_LbRouteExtension{LbRouteExtension: m.route}})
	}
	if m.traffic != nil {
		m.target.TrafficExtension = "traffic"
		list = append(list, &lbv1.Resource{Name: "traffic", Body: &lbv1.Resource_LbTrafficExtension{LbTrafficExtension: m.traffic}})
	}
	return &lbv1.Model{Seq: 1, Resources: append(list, m.more...)}
}

// serviceOf is a backend service of one endpoint, or of none.
func serviceOf(name string, s *lbv1.BackendService, address string) []*lbv1.Resource {
	shard := &lbv1.EndpointShard{Group: name}
	if address != "" {
		at := netip.MustParseAddrPort(address)
		shard.Endpoints = []*lbv1.Endpoint{{Address: at.Addr().String(), Port: uint32(at.Port())}}
	}
	return []*lbv1.Resource{
		{Name: name, Body: &lbv1.Resource_BackendService{BackendService: s}},
		{Name: name, Body: &lbv1.Resource_NetworkEndpointGroup{NetworkEndpointGroup: &lbv1.NetworkEndpointGroup{Shards: 1}}},
		{Name: name + "/0", Body: &lbv1.Resource_EndpointShard{EndpointShard: shard}},
	}
}

func freePort() uint32 {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	defer func() { _ = ln.Close() }()
	return uint32(ln.Addr().(*net.TCPAddr).Port)
}

// serve is a backend that speaks HTTP/1.1 and h2c.
func serve(t testing.TB, h http.Handler) string {
	t.Helper()
	s := httptest.NewUnstartedServer(h)
	s.Config.Protocols = new(http.Protocols)
	s.Config.Protocols.SetHTTP1(true)
	s.Config.Protocols.SetUnencryptedHTTP2(true)
	s.Start()
	t.Cleanup(s.Close)
	return s.Listener.Addr().String()
}

// serveCallout is a callout with TLS or without; without a handler it is an address where nobody listens.
func serveCallout(t testing.TB, h http.Handler, plain bool) string {
	t.Helper()
	switch {
	case h == nil:
		return fmt.Sprintf("127.0.0.1:%d", freePort())
	case plain:
		return serve(t, h)
	}
	certificate, err := calloutserver.Certificate()
	if err != nil {
		t.Fatal(err)
	}
	s := httptest.NewUnstartedServer(h)
	s.EnableHTTP2 = true
	s.TLS = &tls.Config{Certificates: []tls.Certificate{certificate}}
	s.StartTLS()
	t.Cleanup(func() {
		s.CloseClientConnections()
		s.Close()
	})
	return s.Listener.Addr().String()
}

// echo answers with the request's body and trailers.
func echo(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	w.Header().Set("X-Saw", r.Host+r.URL.RequestURI()+" "+r.Header.Get("X-Ext")+" "+r.Header.Get("Content-Length"))
	w.Header().Set("Trailer", "X-Tail")
	_, _ = w.Write(body)
	w.Header().Set("X-Tail", r.Trailer.Get("X-Tail"))
}

// client is a net/http client of one version of HTTP.
func client(t testing.TB, version int) *http.Client {
	t.Helper()
	var p http.Protocols
	p.SetHTTP1(version == 1)
	p.SetUnencryptedHTTP2(version == 2)
	tr := &http.Transport{Protocols: &p, DisableCompression: true}
	t.Cleanup(tr.CloseIdleConnections)
	return &http.Client{Transport: tr, Timeout: patience, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

// got is what a client got.
type got struct {
	status int
	header http.Header
	body   string
	tail   string
	err    error
}

// ask sends a request; a body has no length that is said before, and a trailer.
func (x *site) ask(version int, method, path, body string) got {
	x.t.Helper()
	return do(client(x.t, version), "http://"+x.addr+path, method, body)
}

func do(c *http.Client, url, method, body string) got {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	var r io.Reader
	if body != "" {
		r = io.MultiReader(strings.NewReader(body))
	}
	q, err := http.NewRequestWithContext(ctx, method, url, r)
	if err != nil {
		return got{err: err}
	}
	if body != "" {
		q.Trailer = http.Header{"X-Tail": {"sent"}}
	}
	res, err := c.Do(q)
	if err != nil {
		return got{err: err}
	}
	defer func() { _ = res.Body.Close() }()
	p, err := io.ReadAll(res.Body)
	return got{status: res.StatusCode, header: res.Header, body: string(p), tail: res.Trailer.Get("X-Tail"), err: err}
}

// lines collects what is written to it.
type lines struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(p)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}

// eventually polls a condition.
func eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	ticker := time.NewTicker(2 * time.Millisecond)
	defer ticker.Stop()
	deadline := time.After(patience)
	for !ok() {
		select {
		case <-deadline:
			t.Fatalf("never happened: %s", what)
		case <-ticker.C:
		}
	}
}

// handler serves events.
func handler(e calloutserver.Events) http.Handler { return calloutserver.Handler(e.Process) }

// told records the events that a callout was told of.
type told struct {
	mu   sync.Mutex
	list []*extprocv3.ProcessingRequest
}

func (l *told) add(q *extprocv3.ProcessingRequest) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.list = append(l.list, q)
}

func (l *told) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	var names []string
	for _, q := range l.list {
		names = append(names, strings.TrimPrefix(fmt.Sprintf("%T", q.GetRequest()), "*ext_procv3.ProcessingRequest_"))
	}
	return strings.Join(names, " ")
}
