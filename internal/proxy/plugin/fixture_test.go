package plugin

import (
	"context"
	"crypto/x509"
	"fmt"
	"net/netip"
	"sync"
	"testing"
	"time"

	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
	"github.com/spillway-lb/spillway/internal/proxy/balance"
	"github.com/spillway-lb/spillway/internal/proxy/call"
	"github.com/spillway-lb/spillway/internal/proxy/extension"
	"github.com/spillway-lb/spillway/internal/proxy/message"
	"github.com/spillway-lb/spillway/internal/proxy/metrics"
	"github.com/spillway-lb/spillway/internal/wasm"
	"github.com/spillway-lb/spillway/internal/wasm/wat"
)

// patience is a deadline of callbacks that only an endless loop reaches, on any machine.
const patience = 20 * time.Second

// fakeExchange stands for the engine's.
type fakeExchange struct {
	ctx    context.Context
	client extension.Client

	mu     sync.Mutex
	logged map[string]string
	counts map[string]int
}

func newExchange() *fakeExchange {
	return &fakeExchange{
		ctx: context.Background(), logged: map[string]string{}, counts: map[string]int{},
		client: extension.Client{
			Peer: netip.MustParseAddrPort("192.0.2.1:4000"), Local: netip.MustParseAddrPort("192.0.2.2:80"),
			Address: netip.MustParseAddrPort("198.51.100.7:0"), Scheme: "https", TLSVersion: "TLS 1.3", ServerName: "a.example",
			PeerCertificate: &x509.Certificate{Raw: []byte("certificate")},
		},
	}
}

func (x *fakeExchange) Context() context.Context                        { return x.ctx }
func (x *fakeExchange) Client() extension.Client                        { return x.client }
func (x *fakeExchange) Region() string                                  { return "DE" }
func (x *fakeExchange) ForwardingRule() string                          { return "rule" }
func (x *fakeExchange) TargetProxy() string                             { return "target" }
func (x *fakeExchange) Rule() (route, rule string)                      { return "route", "rule" }
func (x *fakeExchange) Service() *balance.Service                       { return nil }
func (x *fakeExchange) Lookup(string) (*balance.Service, *call.Service) { return nil, nil }
func (x *fakeExchange) Caller() *call.Caller                            { return nil }
func (x *fakeExchange) Choose(...netip.AddrPort) error                  { return nil }

func (x *fakeExchange) Log(name, value string) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.logged[name] = value
}

func (x *fakeExchange) Transfer(sent, received int64) {}

func (x *fakeExchange) Failed(word, text string) {}

func (x *fakeExchange) Worked() {}

func (x *fakeExchange) Count(event string) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.counts[event]++
}

// hold is the engine's hold on a body.
type hold struct {
	body   message.Body
	length int64
}

func (h *hold) Source() message.Body                 { return h.body }
func (h *hold) Replace(b message.Body, length int64) { h.body, h.length = b, length }

// everyEvent is all that plugins may see.
var everyEvent = []lbv1.Extension_Event{
	lbv1.Extension_REQUEST_HEADERS, lbv1.Extension_REQUEST_BODY, lbv1.Extension_RESPONSE_HEADERS, lbv1.Extension_RESPONSE_BODY,
}

// rig runs one module.
type rig struct {
	plugins   *Plugins
	registry  *metrics.Registry
	version   *Version
	extension extension.Extension
}

func newRig(t testing.TB, code []byte, edit func(c *Config, spec *lbv1.Extension, v *lbv1.WasmPluginVersion)) *rig {
	t.Helper()
	r := &rig{registry: metrics.New(metrics.Options{})}
	c := Config{Modules: NewModules(func(string, string) ([]byte, error) { return code, nil }, wasm.Options{}), Metrics: r.registry, Timeout: patience}
	spec := &lbv1.Extension{Name: "ext", Events: everyEvent}
	v := &lbv1.WasmPluginVersion{Plugin: "plugin", Image: "image", ImageDigest: "sha256:1"}
	if edit != nil {
		edit(&c, spec, v)
	}
	r.plugins = New(c)
	var err error
	if r.version, err = r.plugins.Version("version", v); err != nil {
		t.Fatal(err)
	}
	r.extension = r.version.Extension(extension.Traffic, spec, &lbv1.PluginLogging{Enabled: true, SampleRate: 1, MinLevel: lbv1.PluginLogging_TRACE})
	return r
}

func (r *rig) events(event string) uint64 {
	return r.registry.Plugins.Count("plugin", "version", event)
}

// exchange is one with its filter.
type exchange struct {
	x        *fakeExchange
	filter   extension.Filter
	policy   *extension.Policy
	request  *message.Request
	response *message.Response
}

func (r *rig) exchange() *exchange {
	x := newExchange()
	e := &exchange{x: x, filter: r.extension.New(x), policy: r.extension.Policy}
	e.request = &message.Request{Method: []byte("GET"), Scheme: []byte("https"), Authority: []byte("a.example"), Path: []byte("/p?q=1"), Major: 1, Minor: 1}
	e.response = &message.Response{Status: 200}
	return e
}

// ask shows the request; what there is of its body comes back.
func (e *exchange) ask(pieces ...string) (string, error) {
	h := &hold{}
	if len(pieces) > 0 {
		h.body = &slowBody{pieces: pieces}
		e.request.Body = h.body
	}
	if err := e.filter.Request(extension.NewRequest(e.request, e.policy, h)); err != nil {
		return "", err
	}
	return drain(h.body)
}

// answer shows the answer.
func (e *exchange) answer(pieces ...string) (string, error) {
	h := &hold{}
	if len(pieces) > 0 {
		h.body = &slowBody{pieces: pieces}
		e.response.Body = h.body
	}
	if err := e.filter.Response(extension.NewResponse(e.response, e.policy, h)); err != nil {
		return "", err
	}
	return drain(h.body)
}

// slowBody does not know what comes.
type slowBody struct{ pieces []string }

func (b *slowBody) Next() ([]byte, error) {
	if len(b.pieces) == 0 {
		return nil, errEOF
	}
	p := b.pieces[0]
	b.pieces = b.pieces[1:]
	return []byte(p), nil
}
func (b *slowBody) Close() {}

// fields writes a head's fields.
func fields(f interface {
	Len() int
	At(i int) (name, value []byte)
},
) string {
	text := ""
	for i := range f.Len() {
		name, value := f.At(i)
		text += fmt.Sprintf("%s: %s\n", name, value)
	}
	return text
}

// host imports a function of the ABI.
func host(b *wat.Builder, name string) int {
	signatures := map[string]string{
		"proxy_log": "iii>i", "proxy_add_header_map_value": "iiiii>i", "proxy_replace_header_map_value": "iiiii>i",
		"proxy_remove_header_map_value": "iii>i", "proxy_set_buffer_bytes": "iiiii>i", "proxy_send_local_response": "iiiiiiii>i",
		"proxy_get_property": "iiii>i",
	}
	return b.Import("env", name, signatures[name])
}

// The callbacks, in the order of an exchange.
var callbacks = []string{"proxy_on_request_headers", "proxy_on_request_body", "proxy_on_response_headers", "proxy_on_response_body"}

// doing is a plugin that does something in one callback, and nothing in the others.
func doing(callback string, prepare func(b *wat.Builder) wat.Code) []byte {
	b := wat.New()
	do := prepare(b)
	b.Plugin()
	for _, c := range callbacks {
		if c == callback {
			b.Function(c, "iii>i", 0, do, wat.I32(0))
		} else {
			b.Function(c, "iii>i", 0, wat.I32(0))
		}
	}
	return b.Module()
}

// replying answers 403.
func replying(b *wat.Builder) wat.Code {
	f := host(b, "proxy_send_local_response")
	return wat.Cat(wat.I32(403), b.Text("why"), b.Text("no\n"), wat.I32(0), wat.I32(0), wat.I32(-1), wat.Call(f), wat.Drop)
}

func trapping(*wat.Builder) wat.Code { return wat.Unreachable }

func hanging(*wat.Builder) wat.Code { return wat.Forever() }
