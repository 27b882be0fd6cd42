package chains_test

import (
	"encoding/binary"
	"log/slog"
	"strings"

	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
	"github.com/spillway-lb/spillway/internal/proxy/metrics"
	"github.com/spillway-lb/spillway/internal/proxy/outbound"
	"github.com/spillway-lb/spillway/internal/proxy/plugin"
	"github.com/spillway-lb/spillway/internal/wasm"
	"github.com/spillway-lb/spillway/internal/wasm/wat"
)

// Addresses that guests use: what host functions write, and the stream whose request waits.
const (
	outPtr, outLen, outCode = 64, 68, 72
	callID                  = 96
	waitingContext          = 100
)

// guest is a module that makes calls.
type guest struct {
	*wat.Builder
	f map[string]int
}

func newGuest() *guest {
	g := &guest{wat.New(), map[string]int{}}
	for name, signature := range map[string]string{
		"log": "iii>i", "http_call": "iiiiiiiiii>i", "grpc_call": "iiiiiiiiiiii>i", "grpc_stream": "iiiiiiiii>i", "grpc_send": "iiii>i",
		"get_buffer_bytes": "iiiii>i", "get_header_map_value": "iiiii>i", "add_header_map_value": "iiiii>i", "get_status": "iii>i",
		"set_effective_context": "i>i", "continue_stream": "i>i", "send_local_response": "iiiiiiii>i", "set_tick_period_milliseconds": "i>i",
	} {
		g.f[name] = g.Import("env", "proxy_"+name, signature)
	}
	g.Plugin()
	return g
}

// do calls a host function, which must answer with the status.
func (g *guest) do(name string, status int32, args ...wat.Code) wat.Code {
	return wat.Cat(wat.Cat(args...), wat.Call(g.f[name]), wat.I32(status), wat.Ne, wat.If(wat.Unreachable))
}

// say logs what a host function has given.
func (g *guest) say() wat.Code {
	return g.do("log", 0, wat.I32(2), wat.LoadFrom(outPtr), wat.LoadFrom(outLen))
}

func (g *guest) log(text string) wat.Code { return g.do("log", 0, wat.I32(2), g.Text(text)) }

func outs() wat.Code { return wat.Cat(wat.I32(outPtr), wat.I32(outLen)) }

// pairs are a list of fields as the ABI has it.
func pairs(list ...string) string {
	b := binary.LittleEndian.AppendUint32(nil, uint32(len(list)/2))
	for _, s := range list {
		b = binary.LittleEndian.AppendUint32(b, uint32(len(s)))
	}
	for _, s := range list {
		b = append(append(b, s...), 0)
	}
	return string(b)
}

var postCall = pairs(":method", "POST", ":path", "/check?a=b", ":authority", "authz.example", "x-asks", "plugin")

// post asks an upstream, with a body and a time in milliseconds.
func (g *guest) post(upstream string, ms int32) wat.Code {
	return g.do("http_call", 0, g.Text(upstream), g.Text(postCall), g.Text("the question"), g.Text(""), wat.I32(ms), wat.I32(callID))
}

// askFirst holds requests until a call has been answered: a field x-answer says how, x-body what came, 502 that nothing did.
func askFirst(call func(g *guest) wat.Code) []byte {
	g := newGuest()
	g.Function("proxy_on_request_headers", "iii>i", 0, wat.I32(waitingContext), wat.Local(0), wat.Store32, call(g), wat.I32(1))
	g.Function("proxy_on_http_call_response", "iiiii>", 0,
		g.do("set_effective_context", 0, wat.LoadFrom(waitingContext)),
		wat.Local(2), wat.Eqz, wat.If(
			g.do("send_local_response", 0, wat.I32(502), g.Text(""), g.Text("no answer"), g.Text(""), wat.I32(-1)), wat.Return),
		g.do("get_header_map_value", 0, wat.I32(6), g.Text(":status"), outs()),
		g.do("add_header_map_value", 0, wat.I32(0), g.Text("x-answer"), wat.LoadFrom(outPtr), wat.LoadFrom(outLen)),
		g.do("get_buffer_bytes", 0, wat.I32(4), wat.I32(0), wat.Local(3), outs()),
		g.do("add_header_map_value", 0, wat.I32(0), g.Text("x-body"), wat.LoadFrom(outPtr), wat.LoadFrom(outLen)),
		g.do("continue_stream", 0, wat.I32(0)))
	return g.Module()
}

// callers are plugins of the full profile, with what makes their calls.
type callers struct {
	*outbound.Calls
	plugins *plugin.Plugins
	metrics *metrics.Registry
	log     *lines
	modules map[string][]byte
}

// newCallers runs modules by digest.
func newCallers(modules map[string][]byte) *callers {
	c := &callers{metrics: metrics.New(metrics.Options{}), log: &lines{}, modules: modules}
	logger := slog.New(slog.NewTextHandler(c.log, nil))
	c.Calls = outbound.New(outbound.Config{Logger: logger, Metrics: c.metrics})
	source := func(_, digest string) ([]byte, error) { return c.modules[digest], nil }
	c.plugins = plugin.New(plugin.Config{
		Modules: plugin.NewModules(source, wasm.Options{}), Timeout: patience, Logger: logger, Metrics: c.metrics, Services: c.Calls,
	})
	return c
}

func (c *callers) count(version, event string) uint64 {
	return c.metrics.Plugins.Count("plugin", version, event)
}

func (c *callers) said(text string) bool { return strings.Contains(c.log.String(), text) }

// grants are a plugin with its version, and what it may call.
func grants(version string, upstreams ...*lbv1.PluginUpstream) []*lbv1.Resource {
	return []*lbv1.Resource{
		{Name: "plugin", Body: &lbv1.Resource_WasmPlugin{WasmPlugin: &lbv1.WasmPlugin{
			MainVersion: version, Upstreams: upstreams, Logging: &lbv1.PluginLogging{Enabled: true, SampleRate: 1, MinLevel: lbv1.PluginLogging_INFO},
		}}},
		{Name: version, Body: &lbv1.Resource_WasmPluginVersion{WasmPluginVersion: &lbv1.WasmPluginVersion{
			Plugin: "plugin", Image: "image", ImageDigest: "sha256:" + version, Profile: lbv1.WasmPluginVersion_FULL,
		}}},
	}
}

// authz is the grant of the backend service "authz".
func authz() *lbv1.PluginUpstream {
	return &lbv1.PluginUpstream{Name: "authz", BackendService: "authz"}
}
