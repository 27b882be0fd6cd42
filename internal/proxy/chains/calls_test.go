package chains_test

import (
	"crypto/tls"
	"encoding/binary"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"

	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
	"github.com/spillway-lb/spillway/internal/proxy"
	"github.com/spillway-lb/spillway/internal/wasm/wat"
)

// callSite is a site whose plugin calls.
type callSite struct {
	*site
	*callers
	resources []*lbv1.Resource // beside the plugin's
}

// newCallSite has the plugin of version "one", and the upstream's backend service at an address, "" for none.
func newCallSite(t testing.TB, module []byte, protocol lbv1.BackendProtocol, address string, upstreams ...*lbv1.PluginUpstream) *callSite {
	t.Helper()
	x := &callSite{callers: newCallers(map[string][]byte{"sha256:one": module})}
	e := &lbv1.Extension{Name: "ext", Target: &lbv1.Extension_WasmPlugin{WasmPlugin: "plugin"}, Events: []lbv1.Extension_Event{requestHeaders}}
	x.site = newSite(t, setup{
		backend: showing, traffic: []*lbv1.Extension{e}, plugins: x.plugins, outside: x.Calls,
		edit: func(m *resources) {
			m.callout = nil
			m.more = append(m.more, serviceOf("authz", &lbv1.BackendService{Backends: []*lbv1.Backend{{Group: "authz"}}, Protocol: protocol}, address)...)
			m.more = append(m.more, grants("one", upstreams...)...)
		},
	})
	for _, r := range x.model.GetResources() {
		if r.GetWasmPlugin() == nil && r.GetWasmPluginVersion() == nil {
			x.resources = append(x.resources, r)
		}
	}
	return x
}

// grant makes another configuration of what stands beside the plugin.
func (x *callSite) grant(version string, upstreams ...*lbv1.PluginUpstream) {
	x.t.Helper()
	m := &lbv1.Model{Seq: 2, Resources: append(grants(version, upstreams...), x.resources...)}
	if err := x.Replace(m); err != nil {
		x.t.Fatal(err)
	}
}

// showing answers with what the plugin has put into the request.
func showing(w http.ResponseWriter, r *http.Request) {
	_, _ = fmt.Fprint(w, r.Header.Get("X-Answer"), " ", r.Header.Get("X-Body"))
}

// judging answers with what it was asked.
func judging(w http.ResponseWriter, r *http.Request) {
	p, _ := io.ReadAll(r.Body)
	w.WriteHeader(http.StatusAccepted)
	_, _ = fmt.Fprintf(w, "%s %s%s %s %s", r.Method, r.Host, r.URL, r.Header.Get("X-Asks"), p)
}

// waiting answers nothing, and ends when its client has gone.
func waiting(_ http.ResponseWriter, r *http.Request) {
	_, _ = io.Copy(io.Discard, r.Body) // net/http sees who goes when the body has been read
	<-r.Context().Done()
}

// overTLS is a server with TLS that speaks both versions of HTTP.
func overTLS(t testing.TB, h http.HandlerFunc) string {
	t.Helper()
	s := httptest.NewUnstartedServer(h)
	s.EnableHTTP2 = true
	s.TLS = &tls.Config{NextProtos: []string{"h2", "http/1.1"}}
	s.StartTLS()
	t.Cleanup(s.Close)
	return s.Listener.Addr().String()
}

// A request waits for a plugin's own call, whatever its upstream speaks.
func TestARequestWaitsForAPluginsCall(t *testing.T) {
	module := askFirst(func(g *guest) wat.Code { return g.post("authz", 0) })
	for protocol, address := range map[lbv1.BackendProtocol]string{
		lbv1.BackendProtocol_HTTP: serve(t, http.HandlerFunc(judging)), lbv1.BackendProtocol_H2C: serve(t, http.HandlerFunc(judging)),
		lbv1.BackendProtocol_HTTPS: overTLS(t, judging), lbv1.BackendProtocol_HTTP2: overTLS(t, judging),
	} {
		t.Run(protocol.String(), func(t *testing.T) {
			x := newCallSite(t, module, protocol, address, authz())
			for _, version := range []int{1, 2} {
				if g := x.ask(version, "GET", "/", ""); g.status != 200 || g.body != "202 POST authz.example/check?a=b plugin the question" {
					t.Errorf("HTTP/%d: %+v", version, g)
				}
			}
			if n := x.count("one", "call"); n != 2 {
				t.Errorf("%d calls are counted", n)
			}
		})
	}
}

// What goes wrong with a call is told: the plugin by the ABI, its author by a line and a count.
func TestCallsThatFailAreTold(t *testing.T) {
	hanging := http.HandlerFunc(waiting)
	endless := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for r.Context().Err() == nil {
			if _, err := w.Write(make([]byte, 1<<20)); err != nil {
				return
			}
		}
	})
	dropping := http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })
	for name, c := range map[string]struct {
		address string
		ms      int32
		edit    func(s *lbv1.BackendService)
		word    string
		reason  string
	}{
		"nobody listens":         {fmt.Sprintf("127.0.0.1:%d", freePort()), 0, nil, "connect", "connection refused"},
		"no endpoint":            {"", 0, nil, "no_endpoint", "no healthy upstream"},
		"the call's time-out":    {serve(t, hanging), 20, nil, "timeout", "no answer came in time"},
		"the Service's time-out": {serve(t, hanging), 0, func(s *lbv1.BackendService) { s.Timeout = durationpb.New(20 * time.Millisecond) }, "timeout", "no answer came in time"},
		"an endless answer":      {serve(t, endless), 0, nil, "too_large", "too long"},
		"a connection that ends": {serve(t, dropping), 0, nil, "protocol", ""},
		"a Service that aborts":  {"127.0.0.1:1", 0, func(s *lbv1.BackendService) { s.AbortStatus = 500 }, "not_permitted", "answers 500 by itself"},
	} {
		t.Run(name, func(t *testing.T) {
			x := newCallSite(t, askFirst(func(g *guest) wat.Code { return g.post("authz", c.ms) }), lbv1.BackendProtocol_HTTP, c.address, authz())
			if c.edit != nil {
				for i, r := range x.resources {
					if r.GetName() == "authz" && r.GetBackendService() != nil {
						edited := proto.Clone(r).(*lbv1.Resource)
						c.edit(edited.GetBackendService())
						x.resources[i] = edited
					}
				}
				x.grant("one", authz())
			}
			for range 2 {
				if g := x.ask(1, "GET", "/", ""); g.status != 502 || g.body != "no answer" {
					t.Errorf("%+v", g)
				}
			}
			if n := x.count("one", "call_"+c.word); n != 2 {
				t.Errorf("call_%s is %d\n%s", c.word, n, x.callers.log)
			}
			if text := x.callers.log.String(); strings.Count(text, "plugin call failed") != 1 || !strings.Contains(text, "upstream=authz") || !strings.Contains(text, c.reason) {
				t.Errorf("the log is\n%s", text)
			}
		})
	}
}

// badArgument is the ABI's status of what may not be called.
const badArgument, parseFailure = 2, 4

// A plugin calls nothing that it was not granted, and a permission ends with its grant.
func TestNoPermissionOutlivesItsGrant(t *testing.T) {
	denied := askFirst(func(g *guest) wat.Code {
		return wat.Cat(
			g.do("http_call", badArgument, g.Text("service"), g.Text(postCall), g.Text(""), g.Text(""), wat.I32(0), wat.I32(callID)),
			g.do("send_local_response", 0, wat.I32(403), g.Text(""), g.Text("denied"), g.Text(""), wat.I32(-1)))
	})
	x := newCallSite(t, denied, lbv1.BackendProtocol_HTTP, serve(t, http.HandlerFunc(judging)), authz(), &lbv1.PluginUpstream{Name: "lost", Fault: "Service a/b not found"})
	if g := x.ask(1, "GET", "/", ""); g.status != 403 {
		t.Errorf("%+v", g)
	}
	if x.count("one", "call") != 0 || x.count("one", "call_refused") != 1 || !x.said("no upstream of that name is among those that the GCPWasmPlugin grants") {
		t.Errorf("the log is\n%s", x.callers.log)
	}

	asked := make(chan struct{}, 1)
	slow := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked <- struct{}{}
		waiting(w, r)
	})
	x = newCallSite(t, askFirst(func(g *guest) wat.Code { return g.post("authz", 0) }), lbv1.BackendProtocol_HTTP, serve(t, slow), authz())
	came := make(chan got)
	go func() { came <- x.ask(1, "GET", "/", "") }()
	<-asked
	x.grant("one", authz()) // nothing changes for the call
	x.grant("one", &lbv1.PluginUpstream{Name: "authz", Fault: "no ReferenceGrant there allows the reference"})
	if g := <-came; g.status != 502 {
		t.Errorf("a call whose permission was taken: %+v", g)
	}
	if !x.said("the plugin may not call the upstream any more") {
		t.Errorf("the log is\n%s", x.callers.log)
	}
	if g := x.ask(1, "GET", "/", ""); g.status != 500 { // the guest counts on status 0, and traps
		t.Errorf("a call without permission: %+v", g)
	}
	if !x.said("the upstream leads nowhere: no ReferenceGrant there allows the reference") {
		t.Errorf("the log is\n%s", x.callers.log)
	}
}

// ticking asks an upstream when it starts, and on each tick until it has been answered; it says what came.
func ticking() []byte {
	g := newGuest()
	g.Function("proxy_on_vm_start", "ii>i", 0, g.post("authz", 0), g.do("set_tick_period_milliseconds", 0, wat.I32(1)), wat.I32(1))
	g.Function("proxy_on_tick", "i>", 0, g.post("authz", 0), g.do("set_tick_period_milliseconds", 0, wat.I32(0)))
	g.Function("proxy_on_http_call_response", "iiiii>", 0,
		wat.Local(2), wat.Eqz, wat.If(g.log("failed"), wat.Return),
		g.do("get_header_map_value", 0, wat.I32(6), g.Text(":status"), outs()), g.say(),
		g.do("get_buffer_bytes", 0, wat.I32(4), wat.I32(0), wat.Local(3), outs()), g.say())
	return g.Module()
}

// Calls need no request: a version that starts asks before its configuration is in force, and is answered when it is.
func TestPluginsCallByThemselves(t *testing.T) {
	var asked atomic.Int64
	x := newCallSite(t, ticking(), lbv1.BackendProtocol_HTTP, serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		judging(w, r)
	})), authz())
	eventually(t, "both calls are answered", func() bool {
		return strings.Count(x.callers.log.String(), "POST authz.example/check?a=b plugin the question") == 2
	})
	if x.said("failed") || asked.Load() != 2 {
		t.Errorf("%d, and the log is\n%s", asked.Load(), x.callers.log)
	}
	x.callers.modules["sha256:two"] = ticking()
	x.grant("two", authz())
	eventually(t, "the next version's calls are answered", func() bool { return asked.Load() == 4 && x.count("two", "call") == 2 })
	if n := x.count("two", "call_refused"); n != 0 {
		t.Errorf("%d calls of the next version were refused\n%s", n, x.callers.log)
	}
}

// The end of a proxy ends the calls of its plugins.
func TestTheEndOfAProxyEndsCalls(t *testing.T) {
	asked := make(chan struct{}, 2)
	x := newCallSite(t, ticking(), lbv1.BackendProtocol_H2C, serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked <- struct{}{}
		waiting(w, r)
	})), authz())
	<-asked
	<-asked
	if err := x.Proxy.Close(); err != nil {
		t.Fatal(err)
	}
	eventually(t, "both are counted", func() bool { return x.count("one", "call_canceled") == 2 })
}

// echoing is a gRPC server: each message comes back, and the end says whose metadata there were.
func echoing(w http.ResponseWriter, r *http.Request) {
	grpcHead(w)
	for {
		var prefix [5]byte
		if _, err := io.ReadFull(r.Body, prefix[:]); err != nil {
			break
		}
		p := make([]byte, binary.BigEndian.Uint32(prefix[1:]))
		if _, err := io.ReadFull(r.Body, p); err != nil {
			break
		}
		_, _ = w.Write(framed([]byte("re: "+string(p)), 0))
		_ = http.NewResponseController(w).Flush()
	}
	status := "0"
	if strings.HasSuffix(r.URL.Path, "/Fails") {
		status = "7"
	}
	w.Header().Set(http.TrailerPrefix+"Grpc-Status", status)
	w.Header().Set(http.TrailerPrefix+"Grpc-Message", r.Host+r.URL.Path+" "+r.Header.Get("X-Asks"))
}

// talking makes a call, a call that fails, and a stream of two messages, when it starts; it says what comes.
func talking(target string) []byte {
	g := newGuest()
	to := func(method string) wat.Code {
		return wat.Cat(g.Text(target), g.Text("authz.v1.Authz"), g.Text(method), g.Text(pairs("x-asks", "plugin")))
	}
	g.Function("proxy_on_configure", "ii>i", 0,
		g.do("grpc_call", parseFailure, g.Text("nobody"), g.Text("s"), g.Text("m"), g.Text(""), g.Text("x"), wat.I32(0), wat.I32(callID)),
		g.do("grpc_call", 0, to("Check"), g.Text("one"), wat.I32(0), wat.I32(callID)),
		g.do("grpc_call", 0, to("Fails"), g.Text("two"), wat.I32(60000), wat.I32(callID)),
		g.do("grpc_stream", 0, to("Watch"), wat.I32(callID)),
		g.do("grpc_send", 0, wat.LoadFrom(callID), g.Text("three"), wat.I32(0)),
		g.do("grpc_send", 0, wat.LoadFrom(callID), g.Text("four"), wat.I32(1)),
		wat.I32(1))
	g.Function("proxy_on_grpc_receive", "iii>", 0, g.do("get_buffer_bytes", 0, wat.I32(5), wat.I32(0), wat.Local(2), outs()), g.say())
	g.Function("proxy_on_grpc_close", "iii>", 0,
		g.do("get_status", 0, wat.I32(outCode), outs()), wat.LoadFrom(outCode), wat.Local(2), wat.Ne, wat.If(wat.Unreachable),
		g.say())
	return g.Module()
}

// gRPC calls and streams go to upstreams that speak HTTP/2, by their names or by Envoy's messages.
func TestPluginsCallGRPC(t *testing.T) {
	envoy, err := proto.Marshal(&corev3.GrpcService{
		TargetSpecifier: &corev3.GrpcService_EnvoyGrpc_{EnvoyGrpc: &corev3.GrpcService_EnvoyGrpc{ClusterName: "authz", Authority: "authz.example"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		target, host string
		protocol     lbv1.BackendProtocol
		address      string
	}{
		"by name":                 {"authz", "authz", lbv1.BackendProtocol_H2C, serve(t, http.HandlerFunc(echoing))},
		"by Envoy's message, TLS": {string(envoy), "authz.example", lbv1.BackendProtocol_HTTP2, overTLS(t, echoing)},
	} {
		t.Run(name, func(t *testing.T) {
			x := newCallSite(t, talking(c.target), c.protocol, c.address, authz())
			for _, want := range []string{
				`msg="re: one"`, `msg="` + c.host + `/authz.v1.Authz/Fails plugin"`, `msg="re: three"`, `msg="re: four"`, `msg="` + c.host + `/authz.v1.Authz/Watch plugin"`,
			} {
				eventually(t, want, func() bool { return x.said(want) })
			}
			if x.said("re: two") || x.said("plugin crashed") {
				t.Errorf("the log is\n%s", x.callers.log)
			}
			eventually(t, "the calls are counted", func() bool { return x.count("one", "call") == 3 && x.count("one", "call_refused") == 1 })
		})
	}
}

// What a backend that is none does to gRPC is told as a status.
func TestGRPCCallsThatFailAreTold(t *testing.T) {
	page := func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "<html>") }
	for name, c := range map[string]struct {
		protocol lbv1.BackendProtocol
		address  string
		word     string
		reason   string
	}{
		"HTTP/1.1":       {lbv1.BackendProtocol_HTTP, serve(t, http.HandlerFunc(echoing)), "protocol", "does not speak HTTP/2"},
		"a web page":     {lbv1.BackendProtocol_H2C, serve(t, http.HandlerFunc(page)), "invalid", "the answer is no gRPC"},
		"404":            {lbv1.BackendProtocol_H2C, serve(t, http.NotFoundHandler()), "status", "the answer has the status 404"},
		"nobody listens": {lbv1.BackendProtocol_H2C, fmt.Sprintf("127.0.0.1:%d", freePort()), "connect", "connection refused"},
	} {
		t.Run(name, func(t *testing.T) {
			x := newCallSite(t, talking("authz"), c.protocol, c.address, authz())
			eventually(t, "all three have failed", func() bool { return x.count("one", "call_"+c.word) == 3 })
			eventually(t, "the plugin knows", func() bool { return strings.Count(x.callers.log.String(), c.reason) >= 3 })
			if x.said("plugin crashed") {
				t.Errorf("the log is\n%s", x.callers.log)
			}
		})
	}
}

var _ proxy.Outside = (*callers)(nil)
