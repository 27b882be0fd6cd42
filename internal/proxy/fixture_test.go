package proxy_test

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
	"github.com/spillway-lb/spillway/internal/proxy"
)

// patience bounds every wait of these tests.
const patience = time.Minute

// rig is a proxy with one frontend on a free port, and the model it serves.
type rig struct {
	*proxy.Proxy
	t     testing.TB
	model *lbv1.Model
	addr  string
	log   *lines
}

// newRig serves a model of one rule for everything, to the backends; edit may change it first.
func newRig(t testing.TB, backends []string, edit func(m *model)) *rig {
	t.Helper()
	return startRig(t, proxy.Config{}, nil, backends, edit)
}

// startRig is newRig with a configuration of the proxy, which before may change until there is traffic.
func startRig(t testing.TB, c proxy.Config, before func(*proxy.Proxy), backends []string, edit func(m *model)) *rig {
	t.Helper()
	m := newModel(backends)
	if edit != nil {
		edit(m)
	}
	log := &lines{}
	c.AccessLog = log
	r := &rig{Proxy: proxy.New(c), t: t, model: m.model(), log: log}
	if before != nil {
		before(r.Proxy)
	}
	t.Cleanup(func() { _ = r.Close() })
	if err := r.Replace(r.model); err != nil {
		t.Fatal(err)
	}
	b := r.Bound()
	if len(b) != 1 || b[0].Err != nil {
		t.Fatalf("bound: %v", b)
	}
	r.addr = b[0].Actual.String()
	return r
}

// model holds the resources that tests change.
type model struct {
	rule    *lbv1.ForwardingRule
	target  *lbv1.TargetProxy
	urlMap  *lbv1.UrlMap
	route   *lbv1.RouteRule
	service *lbv1.BackendService
	shard   *lbv1.EndpointShard
	more    []*lbv1.Resource
}

func newModel(backends []string) *model {
	m := &model{
		rule:   &lbv1.ForwardingRule{Vips: []*lbv1.Vip{{Address: "127.0.0.1"}}, Port: freePort(), TargetProxy: "proxy"},
		target: &lbv1.TargetProxy{UrlMap: "map", Via: "1.1 google"},
		urlMap: &lbv1.UrlMap{DefaultService: "default", ListenerHosts: []string{"*"}},
		route: &lbv1.RouteRule{
			UrlMap: "map", ListenerHost: "*", Host: "*", Precedence: "1", Route: "ns/route", Rule: "0",
			Match: &lbv1.RouteMatch{Path: &lbv1.RouteMatch_Prefix{Prefix: "/"}},
			Action: &lbv1.RouteRule_Forward{Forward: &lbv1.Forward{
				Backends: []*lbv1.WeightedBackend{{BackendService: "service", Weight: 1}},
			}},
		},
		service: &lbv1.BackendService{
			Backends: []*lbv1.Backend{{Group: "neg"}}, Logging: &lbv1.Logging{Enabled: true, SampleRate: 1},
		},
		shard: endpointShard("neg", backends),
	}
	return m
}

// freePort is a port that nothing listened on a moment ago. Where another test is faster, the proxy falls back.
func freePort() uint32 {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	defer func() { _ = ln.Close() }()
	return uint32(ln.Addr().(*net.TCPAddr).Port)
}

func endpointShard(group string, backends []string) *lbv1.EndpointShard {
	s := &lbv1.EndpointShard{Group: group}
	for _, b := range backends {
		at := netip.MustParseAddrPort(b)
		s.Endpoints = append(s.Endpoints, &lbv1.Endpoint{Address: at.Addr().String(), Port: uint32(at.Port())})
	}
	return s
}

func (m *model) model() *lbv1.Model {
	list := []*lbv1.Resource{
		{Name: "rule", Body: &lbv1.Resource_ForwardingRule{ForwardingRule: m.rule}},
		{Name: "proxy", Body: &lbv1.Resource_TargetProxy{TargetProxy: m.target}},
		{Name: "map", Body: &lbv1.Resource_UrlMap{UrlMap: m.urlMap}},
		{Name: "map/" + m.route.ListenerHost + "/" + m.route.Host + "/" + m.route.Precedence, Body: &lbv1.Resource_RouteRule{RouteRule: m.route}},
		{Name: "default", Body: &lbv1.Resource_BackendService{BackendService: &lbv1.BackendService{AbortStatus: 404}}},
		{Name: "service", Body: &lbv1.Resource_BackendService{BackendService: m.service}},
		{Name: "neg", Body: &lbv1.Resource_NetworkEndpointGroup{NetworkEndpointGroup: &lbv1.NetworkEndpointGroup{Shards: 1}}},
		{Name: "neg/0", Body: &lbv1.Resource_EndpointShard{EndpointShard: m.shard}},
	}
	return &lbv1.Model{Seq: 1, Resources: append(list, m.more...)}
}

// addService adds a second backend service with the backends.
func (m *model) addService(name string, backends []string) {
	m.more = append(m.more,
		&lbv1.Resource{Name: name, Body: &lbv1.Resource_BackendService{BackendService: &lbv1.BackendService{
			Backends: []*lbv1.Backend{{Group: name}},
		}}},
		&lbv1.Resource{Name: name, Body: &lbv1.Resource_NetworkEndpointGroup{NetworkEndpointGroup: &lbv1.NetworkEndpointGroup{Shards: 1}}},
		&lbv1.Resource{Name: name + "/0", Body: &lbv1.Resource_EndpointShard{EndpointShard: endpointShard(name, backends)}})
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

// httpBackend is a net/http server.
func httpBackend(t testing.TB, h http.HandlerFunc) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &http.Server{Handler: h}
	var protocols http.Protocols
	protocols.SetHTTP1(true)
	protocols.SetUnencryptedHTTP2(true)
	s.Protocols = &protocols
	go func() { _ = s.Serve(ln) }()
	t.Cleanup(func() { _ = s.Close() })
	return ln.Addr().String()
}

// rawBackend runs a script for each connection it accepts. The connection closes when the script returns.
func rawBackend(t testing.TB, script func(c *rawConn)) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var running sync.WaitGroup
	ctx, cancel := context.WithCancel(context.Background())
	t.Cleanup(func() {
		cancel()
		_ = ln.Close()
		running.Wait()
	})
	running.Add(1)
	go func() {
		defer running.Done()
		for {
			nc, err := ln.Accept()
			if err != nil {
				return
			}
			running.Add(1)
			stop := context.AfterFunc(ctx, func() { _ = nc.Close() })
			go func() {
				defer running.Done()
				defer stop()
				defer func() { _ = nc.Close() }()
				script(&rawConn{Conn: nc, r: bufio.NewReader(nc)})
			}()
		}
	}()
	return ln.Addr().String()
}

// rawConn speaks bytes.
type rawConn struct {
	net.Conn
	r *bufio.Reader
}

// head reads up to the empty line; "" at the end of the connection.
func (c *rawConn) head() string {
	var b strings.Builder
	for {
		line, err := c.r.ReadString('\n')
		b.WriteString(line)
		if err != nil {
			return ""
		}
		if line == "\r\n" {
			return b.String()
		}
	}
}

// say writes a string.
func (c *rawConn) say(s string) { _, _ = io.WriteString(c.Conn, s) }

// gone waits until the peer has closed.
func (c *rawConn) gone() { _, _ = io.Copy(io.Discard, c.r) }

// dial connects to the rig.
func (r *rig) dial() *rawConn {
	r.t.Helper()
	nc, err := net.Dial("tcp", r.addr)
	if err != nil {
		r.t.Fatal(err)
	}
	_ = nc.SetDeadline(time.Now().Add(patience))
	r.t.Cleanup(func() { _ = nc.Close() })
	return &rawConn{Conn: nc, r: bufio.NewReader(nc)}
}

// answer reads one answer with its body.
func (c *rawConn) answer(t testing.TB, method string) (*http.Response, string) {
	t.Helper()
	res, err := http.ReadResponse(c.r, &http.Request{Method: method})
	if err != nil {
		t.Fatalf("answer: %v", err)
	}
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatalf("body: %v", err)
	}
	return res, string(body)
}

// ended fails unless the connection is closed with nothing more on it.
func (c *rawConn) ended(t testing.TB) {
	t.Helper()
	rest, err := io.ReadAll(c.r)
	if len(rest) > 0 {
		t.Fatalf("more came: %q", rest)
	}
	if ne, ok := err.(net.Error); ok && ne.Timeout() {
		t.Fatal("the connection stayed open")
	}
}

// get sends a simple request on a new connection.
func (r *rig) get(path string) (*http.Response, string) {
	r.t.Helper()
	c := r.dial()
	c.say(fmt.Sprintf("GET %s HTTP/1.1\r\nHost: test.example\r\n\r\n", path))
	return c.answer(r.t, "GET")
}
