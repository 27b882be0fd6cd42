package chains_test

import (
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"net/http"
	"testing"
	"time"

	extprocv3 "github.com/envoyproxy/go-control-plane/envoy/service/ext_proc/v3"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"

	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
	"github.com/spillway-lb/spillway/internal/calloutserver"
	"github.com/spillway-lb/spillway/internal/wasm/wat"
)

// phase is the event at which a callout fails: the only one that it is told of.
type phase struct {
	name   string
	event  lbv1.Extension_Event
	duplex bool
	// bodiless is the method of a request whose own side of the exchange has no body, "" elsewhere: the callout wants it, if
	// there is one.
	bodiless string
}

var phases = []phase{
	{"request headers", requestHeaders, false, ""},
	{"request body", requestBody, false, ""},
	{"request body, full duplex", requestBody, true, ""},
	{"response headers", responseHeaders, false, ""},
	{"response body", responseBody, false, ""},
	{"response body, full duplex", responseBody, true, ""},
}

// bodilessPhases are those of heads behind which nothing comes, though the callout takes bodies in full duplex. Only what waits
// differs there.
var bodilessPhases = []phase{
	{"request headers without a body, full duplex", requestHeaders, true, "GET"},
	{"response headers without a body, full duplex", responseHeaders, true, "HEAD"},
}

// events are what the callout is told of.
func (p phase) events() []lbv1.Extension_Event {
	switch {
	case p.bodiless == "":
		return []lbv1.Extension_Event{p.event}
	case p.event == requestHeaders:
		return []lbv1.Extension_Event{requestHeaders, requestBody, requestTrailers}
	}
	return []lbv1.Extension_Event{responseHeaders, responseBody, responseTrailers}
}

// fault is one thing that goes wrong.
type fault struct {
	name string
	// edit changes the site.
	edit func(t *testing.T, s *setup, m *resources, e *lbv1.Extension)
	// callout serves, if there is one.
	callout func(p phase) http.Handler
	// module is a plugin that stands in for the callout.
	module func(p phase) []byte
	// soon: nothing comes, so that the time-out may be short.
	soon bool
	// in are the phases in which it can be; nil is all.
	in func(p phase) bool
}

// stream is a fault of a callout that speaks gRPC: it has been sent one message.
func stream(name string, f func(p phase, s calloutserver.Stream) error) fault {
	return fault{name: name, callout: func(p phase) http.Handler {
		return calloutserver.Handler(func(s calloutserver.Stream) error {
			if _, err := s.Recv(); err != nil {
				return err
			}
			return f(p, s)
		})
	}}
}

// raw is a fault of a server that answers on its own.
func raw(name string, f http.HandlerFunc) fault {
	return fault{name: name, callout: func(phase) http.Handler { return f }}
}

// grpcHead begins an answer of gRPC, and says what its trailers will be.
func grpcHead(w http.ResponseWriter) {
	w.Header().Set("Content-Type", "application/grpc")
	w.WriteHeader(200)
	_ = http.NewResponseController(w).Flush()
}

func framed(p []byte, flags byte) []byte {
	return append(binary.BigEndian.AppendUint32([]byte{flags}, uint32(len(p))), p...)
}

// bytesOf answers with bytes and grpc-status 0.
func bytesOf(p []byte) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		grpcHead(w)
		_, _ = w.Write(p)
		w.Header().Set(http.TrailerPrefix+"Grpc-Status", "0")
	}
}

// listening is a server that does with connections what f does.
func listening(name string, soon bool, f func(c net.Conn)) fault {
	return fault{name: name, soon: soon, edit: func(t *testing.T, _ *setup, m *resources, _ *lbv1.Extension) {
		ln, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = ln.Close() })
		go func() {
			for {
				c, err := ln.Accept()
				if err != nil {
					return
				}
				go f(c)
			}
		}()
		m.calloutAddress = ln.Addr().String()
	}}
}

// answerOf is a good answer to a phase's event.
func answerOf(p phase, c *extprocv3.CommonResponse) *extprocv3.ProcessingResponse {
	if p.duplex {
		c.BodyMutation = calloutserver.Piece([]byte("own"), false).GetResponse().GetBodyMutation()
	}
	h, b := &extprocv3.HeadersResponse{Response: c}, &extprocv3.BodyResponse{Response: c}
	r := &extprocv3.ProcessingResponse{}
	switch p.event {
	case requestHeaders:
		r.Response = &extprocv3.ProcessingResponse_RequestHeaders{RequestHeaders: h}
	case responseHeaders:
		r.Response = &extprocv3.ProcessingResponse_ResponseHeaders{ResponseHeaders: h}
	case requestBody:
		r.Response = &extprocv3.ProcessingResponse_RequestBody{RequestBody: b}
	default:
		r.Response = &extprocv3.ProcessingResponse_ResponseBody{ResponseBody: b}
	}
	return r
}

func (p phase) headers() bool { return p.event == requestHeaders || p.event == responseHeaders }

// mutating is a fault of what a callout asks for in headers.
func mutating(name string, m *extprocv3.HeaderMutation) fault {
	f := stream(name, func(p phase, s calloutserver.Stream) error {
		return s.Send(answerOf(p, &extprocv3.CommonResponse{HeaderMutation: m}))
	})
	f.in = phase.headers
	return f
}

// wrongMode answers a chunk as the other mode has it.
func wrongMode() fault {
	f := stream("chunk of the wrong mode", func(p phase, s calloutserver.Stream) error {
		p.duplex = !p.duplex
		return s.Send(answerOf(p, &extprocv3.CommonResponse{}))
	})
	f.in = func(p phase) bool { return !p.headers() }
	return f
}

// known is a fault that the control plane has found.
func known(name, text string, chain bool) fault {
	return fault{name: name, edit: func(_ *testing.T, _ *setup, m *resources, e *lbv1.Extension) {
		if chain {
			for _, c := range m.traffic.GetChains() {
				c.Match = []*lbv1.MatchExpression{{Cel: "no ("}}
				c.Fault = text
			}
			return
		}
		e.Target, e.Fault = nil, text
	}}
}

func until(r *http.Request) { <-r.Context().Done() }

// faults are those of the contract.
func faults() []fault {
	garbage := []byte{0xff, 0xff, 0xff, 0xff, 0x01}
	return []fault{
		// Nobody there.
		{name: "nobody listens"},
		{name: "no endpoint", edit: func(_ *testing.T, _ *setup, m *resources, _ *lbv1.Extension) { m.calloutAddress = "" }},
		{name: "backend service without groups", edit: func(_ *testing.T, _ *setup, m *resources, _ *lbv1.Extension) { m.callout.Backends = nil }},
		{name: "backend service that aborts", edit: func(_ *testing.T, _ *setup, m *resources, _ *lbv1.Extension) {
			m.callout.Backends, m.callout.AbortStatus = nil, 500
		}},
		{name: "backend service of another protocol", edit: func(_ *testing.T, _ *setup, m *resources, _ *lbv1.Extension) {
			m.callout.Protocol = lbv1.BackendProtocol_HTTP
		}, callout: func(phase) http.Handler { return handler(calloutserver.Events{}) }},
		known("Service not found", "Service ns/callout does not exist", false),
		known("plugin not found", "GCPWasmPlugin ns/plugin does not exist", false),
		known("Google API without an endpoint", "no endpoint is configured for dlp.googleapis.com", false),
		known("condition that cannot be compiled", "1:4: the condition ends too early", true),
		// Connections.
		listening("connection that is closed at once", false, func(c net.Conn) { _ = c.Close() }),
		listening("connection on which nothing comes", true, func(c net.Conn) {
			_, _ = io.Copy(io.Discard, c)
			_ = c.Close()
		}),
		listening("server that speaks no TLS", false, func(c net.Conn) {
			_, _ = c.Write([]byte("220 mail.example ESMTP ready\r\n"))
			_, _ = io.Copy(io.Discard, c)
			_ = c.Close()
		}),
		{name: "certificate that is not trusted", callout: func(phase) http.Handler { return handler(calloutserver.Events{}) }, edit: func(_ *testing.T, _ *setup, m *resources, _ *lbv1.Extension) {
			m.callout.Tls = &lbv1.BackendTls{Hostname: "ext.example", TrustConfigs: []string{"roots"}}
			m.more = append(m.more, &lbv1.Resource{Name: "roots", Body: &lbv1.Resource_TrustConfig{TrustConfig: &lbv1.TrustConfig{SystemRoots: true}}})
		}},
		// HTTP.
		raw("HTTP status 404", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(404) }),
		raw("HTTP status 500", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(500) }),
		raw("HTTP status 503", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(503) }),
		raw("a web page", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/html")
			_, _ = w.Write([]byte("<html>"))
		}),
		raw("stream that is reset", func(w http.ResponseWriter, _ *http.Request) { panic(http.ErrAbortHandler) }),
		raw("stream that is reset after the head", func(w http.ResponseWriter, _ *http.Request) {
			grpcHead(w)
			panic(http.ErrAbortHandler)
		}),
		// gRPC.
		raw("another service", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/grpc")
			w.Header().Set("Grpc-Status", "12")
		}),
		raw("no grpc-status", func(w http.ResponseWriter, _ *http.Request) { grpcHead(w) }),
		stream("PERMISSION_DENIED", func(phase, calloutserver.Stream) error { return status.Error(codes.PermissionDenied, "not you") }),
		stream("UNAVAILABLE", func(phase, calloutserver.Stream) error { return status.Error(codes.Unavailable, "rolling") }),
		stream("OK without an answer", func(phase, calloutserver.Stream) error { return nil }),
		{name: "no answer", soon: true, callout: func(phase) http.Handler {
			return calloutserver.Handler(func(s calloutserver.Stream) error {
				<-s.Context().Done()
				return nil
			})
		}},
		{name: "no answer, not even a head", soon: true, callout: func(phase) http.Handler {
			return http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { until(r) })
		}},
		{name: "more time asked for, without end", soon: true, callout: func(phase) http.Handler {
			return calloutserver.Handler(func(s calloutserver.Stream) error {
				_, _ = s.Recv()
				_ = s.Send(&extprocv3.ProcessingResponse{OverrideMessageTimeout: durationpb.New(time.Hour)})
				<-s.Context().Done()
				return nil
			})
		}},
		// Messages.
		raw("bytes that are no message", bytesOf(framed(garbage, 0))),
		raw("compressed message", bytesOf(framed([]byte("x"), 1))),
		raw("message that is cut short", bytesOf([]byte{0, 0, 0, 0, 9, 1})),
		raw("message above 128 kB", bytesOf([]byte{0, 0, 2, 0, 1})),
		stream("message above 128 kB, whole", func(p phase, s calloutserver.Stream) error {
			return s.Send(answerOf(p, &extprocv3.CommonResponse{HeaderMutation: calloutserver.Set("x-large", string(make([]byte, 130<<10)))}))
		}),
		stream("answer to another event", func(_ phase, s calloutserver.Stream) error {
			return s.Send(&extprocv3.ProcessingResponse{Response: &extprocv3.ProcessingResponse_RequestTrailers{RequestTrailers: &extprocv3.TrailersResponse{}}})
		}),
		stream("answer of a kind that is not supported", func(_ phase, s calloutserver.Stream) error {
			return s.Send(&extprocv3.ProcessingResponse{Response: &extprocv3.ProcessingResponse_StreamedImmediateResponse{StreamedImmediateResponse: &extprocv3.StreamedImmediateResponse{}}})
		}),
		wrongMode(),
		mutating("name that is none", calloutserver.Set("x y", "1")),
		mutating("value that splits the message", calloutserver.Set("x-a", "1\r\nevil: 1")),
		mutating("pseudo-header that is none", calloutserver.Set(":evil", "1")),
		mutating("removal of a name that is none", &extprocv3.HeaderMutation{RemoveHeaders: []string{"a\nb"}}),
		mutating("more mutations than a message can have", calloutserver.Set(make([]string, 4000)...)),
		// Plugins.
		starting("module that cannot be loaded", func(b *wat.Builder) { b.Import("env", "nothing", ">") }, nil),
		starting("plugin that refuses its configuration", nil, func(b *wat.Builder) { b.Function("proxy_on_configure", "ii>i", 0, wat.I32(0)) }),
		starting("plugin that traps when it starts", nil, func(b *wat.Builder) { b.Function("proxy_on_vm_start", "ii>i", 0, wat.Unreachable) }),
		calling("plugin that traps", func(*wat.Builder) wat.Code { return wat.Unreachable }),
		hanging("plugin that never ends"),
		calling("plugin that wants more memory than there is", func(*wat.Builder) wat.Code {
			return wat.Cat(wat.Loop(wat.I32(16), wat.MemoryGrow, wat.I32(-1), wat.Ne, wat.Code{0x0d, 0x00}), wat.Unreachable)
		}),
		calling("plugin that overflows its stack", func(*wat.Builder) wat.Code { return wat.Call(2) }),
		changing("plugin whose change is too large"),
	}
}

// site makes that of a fault in a phase. Paths under /open meet an extension with failOpen, the others the next chain, if there
// is one: one whose condition is not known holds for no path with failOpen, and for each without.
func (f fault) site(t *testing.T, p phase, lone bool) *site {
	t.Helper()
	e := ext(p.events()...)
	if f.soon {
		e.Timeout = durationpb.New(500 * time.Millisecond) // what is answered comes well within it
	}
	if p.duplex {
		e.RequestBodySendMode, e.ResponseBodySendMode = lbv1.Extension_FULL_DUPLEX_STREAMED, lbv1.Extension_FULL_DUPLEX_STREAMED
	}
	s := setup{traffic: []*lbv1.Extension{e}}
	if f.module != nil {
		s.plugins = pluginsOf(f.module(p), f.soon)
		e.Target, e.Timeout, e.Authority = &lbv1.Extension_WasmPlugin{WasmPlugin: "plugin"}, nil, ""
	}
	if f.callout != nil {
		s.callout = f.callout(p)
	}
	s.edit = func(m *resources) {
		if f.edit != nil {
			f.edit(t, &s, m, e)
		}
		if f.module != nil {
			m.more = append(m.more, pluginResources()...)
		}
		closed := m.traffic.Chains[0]
		open := proto.Clone(closed).(*lbv1.ExtensionChain)
		open.Name, open.Extensions[0].FailOpen = "open", true
		if open.Fault == "" {
			open.Match = []*lbv1.MatchExpression{{Cel: `request.path.startsWith("/open")`}}
		}
		m.traffic.Chains = []*lbv1.ExtensionChain{open, closed}
		if lone {
			m.traffic.Chains = m.traffic.Chains[:1]
		}
	}
	return newSite(t, s)
}

// cell is what came of a fault.
type cell struct {
	client, cause string
}

func (c cell) String() string {
	if c.cause == "" {
		return c.client
	}
	return fmt.Sprintf("%s, `%s`", c.client, c.cause)
}
