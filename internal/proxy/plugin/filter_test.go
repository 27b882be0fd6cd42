package plugin

import (
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
	"github.com/spillway-lb/spillway/internal/proxy/extension"
	"github.com/spillway-lb/spillway/internal/proxy/header"
	"github.com/spillway-lb/spillway/internal/proxy/message"
	"github.com/spillway-lb/spillway/internal/wasm/wat"
)

var errEOF = io.EOF

func (b *slowBody) Trailers() *header.Map { return nil }

func drain(b message.Body) (string, error) {
	var out strings.Builder
	for b != nil {
		p, err := b.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			return out.String(), err
		}
		out.Write(p)
	}
	return out.String(), nil
}

// What a plugin changes of heads is changed; what it must not change stays, and it does not hear of that.
func TestHeads(t *testing.T) {
	b := wat.New()
	add, set, del := host(b, "proxy_add_header_map_value"), host(b, "proxy_replace_header_map_value"), host(b, "proxy_remove_header_map_value")
	b.Plugin()
	field := func(m int32, f int, name, value string) wat.Code {
		// Any status but Ok would be a fault of the plugin's own for the SDKs.
		return wat.Cat(wat.I32(m), b.Text(name), b.Text(value), wat.Call(f), wat.If(wat.Unreachable))
	}
	remove := func(m int32, name string) wat.Code {
		return wat.Cat(wat.I32(m), b.Text(name), wat.Call(del), wat.If(wat.Unreachable))
	}
	b.Function("proxy_on_request_headers", "iii>i", 0,
		field(0, add, "X-New", "1"), field(0, add, "x-new", "2"), field(0, set, ":path", "/changed"), field(0, set, "x-kept", "changed"),
		field(0, set, ":method", "POST"), field(0, set, ":authority", "evil.example"), field(0, set, "host", "evil.example"),
		field(0, set, "x-forwarded-for", "1.2.3.4"), field(0, set, "transfer-encoding", "chunked"), field(0, add, "content-length", "7"),
		field(0, add, "x-bad", "a\r\nb: c"), remove(0, "x-gone"), remove(0, "x-absent"), remove(0, ":path"), remove(0, "x-google-id"),
		wat.I32(1)) // pausing is ignored
	b.Function("proxy_on_response_headers", "iii>i", 0,
		field(2, set, ":status", "418"), field(2, set, "server", "teapot"), field(2, set, "connection", "close"), remove(2, "x-powered-by"), wat.I32(0))
	r := newRig(t, b.Module(), nil)

	e := r.exchange()
	for _, f := range []string{"x-kept: was", "x-gone: was", "x-google-id: was"} {
		name, value, _ := strings.Cut(f, ": ")
		e.request.Header.Add([]byte(name), []byte(value))
	}
	if _, err := e.ask(); err != nil {
		t.Fatal(err)
	}
	if got := fields(newRequestMap(extension.NewRequest(e.request, e.policy, nil))); got !=
		":method: GET\n:scheme: https\n:authority: a.example\n:path: /changed\nx-kept: changed\nx-google-id: was\nx-new: 1, 2\n" {
		t.Errorf("the request is\n%s", got)
	}
	e.response.Header.Add([]byte("x-powered-by"), []byte("x"))
	if _, err := e.answer(); err != nil {
		t.Fatal(err)
	}
	if got := fields(newResponseMap(extension.NewResponse(e.response, e.policy, nil))); got != ":status: 418\nserver: teapot\n" {
		t.Errorf("the answer is\n%s", got)
	}
	e.filter.End(extension.Outcome{})
	if r.events(eventStream) != 1 || e.x.logged["pluginVersion"] != "version" {
		t.Errorf("%d streams, log %v", r.events(eventStream), e.x.logged)
	}
}

// A plugin sees each piece by itself, and the last one as such where that is known.
func TestBodies(t *testing.T) {
	b := wat.New()
	set := host(b, "proxy_set_buffer_bytes")
	b.Plugin()
	const atEnd = 0x7fffffff
	mark := func(buffer int32) wat.Code {
		return wat.Cat(wat.I32(buffer), wat.I32(0), wat.I32(0), b.Text("<"), wat.Call(set), wat.Drop,
			wat.I32(buffer), wat.I32(atEnd), wat.I32(0), b.Text(">"), wat.Call(set), wat.Drop,
			wat.Local(2), wat.If(wat.I32(buffer), wat.I32(atEnd), wat.I32(0), b.Text("$"), wat.Call(set), wat.Drop), wat.I32(0))
	}
	b.Function("proxy_on_request_body", "iii>i", 0, mark(0))
	b.Function("proxy_on_response_body", "iii>i", 0, mark(1))
	r := newRig(t, b.Module(), nil)
	e := r.exchange()
	if got, err := e.ask("one", "two"); err != nil || got != "<one><two><>$" {
		t.Errorf("%q, %v", got, err)
	}
	if got, err := e.answer("three"); err != nil || got != "<three><>$" {
		t.Errorf("%q, %v", got, err)
	}
	// A body that is at hand says that its first piece is its last.
	h := &hold{body: extension.NewLiteral([]byte("all"))}
	e.response.Body = h.body
	if err := e.filter.Response(extension.NewResponse(e.response, e.policy, h)); err != nil {
		t.Fatal(err)
	}
	if got, err := drain(h.body); err != nil || got != "<all>$" || h.length != message.UnknownLength {
		t.Errorf("%q, %v, length %d", got, err, h.length)
	}
	e.filter.End(extension.Outcome{})
}

// walk runs an exchange to its end, or to its error: what was reached, and what went on of the bodies.
func walk(r *rig) (e *exchange, sent, got string, err error) {
	e = r.exchange()
	defer e.filter.End(extension.Outcome{})
	if sent, err = e.ask("up"); err == nil {
		got, err = e.answer("down")
	}
	return e, sent, got, err
}

// TestPhases has what a local reply, a trap and a hang come to in each callback, with failOpen and without.
func TestPhases(t *testing.T) {
	for _, callback := range callbacks {
		for name, c := range map[string]struct {
			prepare func(b *wat.Builder) wat.Code
			event   string
		}{"reply": {replying, eventReplied}, "trap": {trapping, eventCrashed}, "hang": {hanging, eventDeadline}} {
			for _, open := range []bool{false, true} {
				t.Run(strings.TrimPrefix(callback, "proxy_on_")+"/"+name+map[bool]string{true: "/open"}[open], func(t *testing.T) {
					r := newRig(t, doing(callback, c.prepare), func(cfg *Config, spec *lbv1.Extension, _ *lbv1.WasmPluginVersion) {
						spec.FailOpen = open
						if name == "hang" {
							cfg.Timeout = 500 * time.Millisecond
						}
					})
					e, sent, got, err := walk(r)
					var reply *extension.LocalReply
					switch last := callback == "proxy_on_response_body"; {
					case name == "reply" && last: // no reply is possible any more
						if err != nil || got != "down" {
							t.Errorf("%q, %v", got, err)
						}
						return
					case name == "reply":
						if !errors.As(err, &reply) || reply.Status != 403 || string(reply.Body) != "no\n" || e.x.logged["details"] != "why" {
							t.Errorf("%v, log %v", err, e.x.logged)
						}
					case open:
						if err != nil || sent != "up" || got != "down" || e.x.counts["failed_open"] != 1 {
							t.Errorf("%q, %q, %v, %v", sent, got, err, e.x.counts)
						}
					default:
						if err == nil || errors.As(err, &reply) || e.x.counts["failed_closed"] != 1 || e.x.logged["cause"] != "plugin_"+c.event {
							t.Errorf("%v, %v, %v", err, e.x.counts, e.x.logged)
						}
					}
					if r.events(c.event) != 1 {
						t.Errorf("%d events %s", r.events(c.event), c.event)
					}
				})
			}
		}
	}
}

// Events that an extension does not ask for are not shown.
func TestEvents(t *testing.T) {
	for i, callback := range callbacks {
		r := newRig(t, doing(callback, trapping), func(_ *Config, spec *lbv1.Extension, _ *lbv1.WasmPluginVersion) {
			spec.Events = append(append([]lbv1.Extension_Event(nil), everyEvent[:i]...), everyEvent[i+1:]...)
		})
		if _, sent, got, err := walk(r); err != nil || sent != "up" || got != "down" {
			t.Errorf("%s: %q, %q, %v", callback, sent, got, err)
		}
	}
}

// A change beyond the limit is a failure, not a change that was forgotten.
func TestMutationsHaveALimit(t *testing.T) {
	r := newRig(t, doing("proxy_on_response_body", func(b *wat.Builder) wat.Code {
		f := host(b, "proxy_set_buffer_bytes")
		b.Pages = 4
		return wat.Cat(wat.I32(1), wat.I32(0), wat.I32(9), wat.I32(0), wat.I32(128<<10+1), wat.Call(f), wat.Drop)
	}), nil)
	if e, _, _, err := walk(r); err == nil || e.x.logged["cause"] != "plugin_limit" {
		t.Errorf("%v, %v", err, e.x.logged)
	}
}

// A plugin that always crashes fails fast, and its exchanges only.
func TestCrashesAreThrottled(t *testing.T) {
	r := newRig(t, doing("proxy_on_request_headers", trapping), nil)
	for n := 0; r.events(eventThrottled) == 0; n++ {
		if _, _, _, err := walk(r); err == nil {
			t.Fatal("passed")
		}
		if n > 1000 {
			t.Fatal("never throttled")
		}
	}
	if crashed := r.events(eventCrashed); crashed < 2 || crashed > 100 {
		t.Errorf("%d crashes before", crashed)
	}
}

func TestProperties(t *testing.T) {
	e := newRig(t, doing("", trapping), nil).exchange()
	e.request.Header.Add([]byte("user-agent"), []byte("curl"))
	e.request.Header.Add([]byte("content-length"), []byte("12"))
	if _, err := e.ask(); err != nil {
		t.Fatal(err)
	}
	f := e.filter.(*filter)
	for path, want := range map[string]string{
		"request.path": "/p?q=1", "request.url_path": "/p", "request.query": "q=1", "request.host": "a.example", "request.scheme": "https",
		"request.method": "GET", "request.useragent": "curl", "request.headers.user-agent": "curl", "request.protocol": "HTTP/1.1",
		"request.size": "\x0c\x00\x00\x00\x00\x00\x00\x00", "source.address": "192.0.2.1:4000", "source.ip": "198.51.100.7", "source.client_region": "DE",
		"source.port": "\xa0\x0f\x00\x00\x00\x00\x00\x00", "destination.address": "192.0.2.2:80", "connection.mtls": "\x01",
		"connection.tls_version": "TLSv1.3", "connection.requested_server_name": "a.example", "route_name": "route/rule",
	} {
		if got, found := f.Property(strings.ReplaceAll(path, ".", "\x00")); !found || string(got) != want {
			t.Errorf("%s is %q, %v", path, got, found)
		}
	}
	for _, path := range []string{"", "request", "response.code", "request.referer", "source.client_city", "cluster_name", "response.headers.x"} {
		if got, found := f.Property(strings.ReplaceAll(path, ".", "\x00")); found {
			t.Errorf("%s is %q", path, got)
		}
	}
	e.response.Header.Add([]byte("x"), []byte("y"))
	if _, err := e.answer(); err != nil {
		t.Fatal(err)
	}
	if got, _ := f.Property("response\x00code"); len(got) != 8 || got[0] != 200 {
		t.Errorf("response.code is %q", got)
	}
	if got, _ := f.Property("response\x00headers\x00x"); string(got) != "y" {
		t.Errorf("response.headers.x is %q", got)
	}
	f.End(extension.Outcome{Status: 200, Details: "via_upstream"})
	if got, _ := f.Property("response\x00code_details"); string(got) != "via_upstream" {
		t.Errorf("response.code_details is %q", got)
	}
}

// What a plugin asks for when the exchange is over is of its own answer, not of what its buffers hold by then.
func TestTheAnswerIsKeptForTheLog(t *testing.T) {
	b := wat.New()
	b.Plugin()
	b.Function("proxy_on_response_headers", "iii>i", 0, wat.I32(0))
	b.Function("proxy_on_log", "i>", 0)
	e := newRig(t, b.Module(), nil).exchange()
	name, value := []byte("x-secret"), []byte("mine")
	e.response.Header.Add(name, value)
	if _, err := e.ask(); err != nil {
		t.Fatal(err)
	}
	if _, err := e.answer(); err != nil {
		t.Fatal(err)
	}
	copy(name, "x-others")
	copy(value, "evil")
	e.response.Status = 599
	f := e.filter.(*filter)
	if got, _ := f.Property("response\x00headers\x00x-secret"); string(got) != "mine" {
		t.Errorf("x-secret is %q", got)
	}
	if got, _ := f.Property("response\x00code"); len(got) != 8 || got[0] != 200 {
		t.Errorf("response.code is %q", got)
	}
	e.filter.End(extension.Outcome{})
}

// What a plugin asks for when a tunnel is over is of its own request: the tunnel has the buffers that it came in.
func TestTheRequestIsKeptForTheLogOfATunnel(t *testing.T) {
	b := wat.New()
	b.Plugin()
	b.Function("proxy_on_log", "i>", 0)
	e := newRig(t, b.Module(), nil).exchange()
	value := []byte("mine")
	e.request.Header.Add([]byte("x-secret"), value)
	e.request.Protocol, e.request.Path = []byte("websocket"), []byte("/chat")
	if _, err := e.ask(); err != nil {
		t.Fatal(err)
	}
	copy(value, "evil")
	copy(e.request.Path, "/evil")
	f := e.filter.(*filter)
	for path, want := range map[string]string{"request\x00headers\x00x-secret": "mine", "request\x00path": "/chat"} {
		if got, _ := f.Property(path); string(got) != want {
			t.Errorf("%q is %q, want %q", path, got, want)
		}
	}
	e.filter.End(extension.Outcome{})
}
