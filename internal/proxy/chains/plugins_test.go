package chains_test

import (
	"testing"
	"time"

	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
	"github.com/spillway-lb/spillway/internal/proxy/plugin"
	"github.com/spillway-lb/spillway/internal/wasm"
	"github.com/spillway-lb/spillway/internal/wasm/wat"
)

// pluginsOf runs one module. soon: its calls never end, so that their time may be short.
func pluginsOf(module []byte, soon bool) *plugin.Plugins {
	c := plugin.Config{Modules: plugin.NewModules(func(string, string) ([]byte, error) { return module, nil }, wasm.Options{}), Timeout: patience}
	if soon {
		c.Timeout = 100 * time.Millisecond
	}
	return plugin.New(c)
}

// pluginResources are the plugin "plugin" with its version.
func pluginResources() []*lbv1.Resource {
	return []*lbv1.Resource{
		{Name: "plugin", Body: &lbv1.Resource_WasmPlugin{WasmPlugin: &lbv1.WasmPlugin{MainVersion: "v"}}},
		{Name: "v", Body: &lbv1.Resource_WasmPluginVersion{WasmPluginVersion: &lbv1.WasmPluginVersion{Plugin: "plugin", Image: "image", ImageDigest: "sha256:1"}}},
	}
}

// plain are the phases that plugins know.
func (p phase) plain() bool { return !p.duplex && p.bodiless == "" }

// starting is a fault of a plugin that does not start.
func starting(name string, imports, functions func(b *wat.Builder)) fault {
	return fault{name: name, in: phase.plain, module: func(phase) []byte {
		b := wat.New()
		if imports != nil {
			imports(b)
		}
		b.Plugin()
		if functions != nil {
			functions(b)
		}
		return b.Module()
	}}
}

// callbacks are those of the phases.
var callbacks = map[lbv1.Extension_Event]string{
	requestHeaders: "proxy_on_request_headers", requestBody: "proxy_on_request_body",
	responseHeaders: "proxy_on_response_headers", responseBody: "proxy_on_response_body",
}

// calling is a fault in the callback of a phase. The code is the third function of its module, if it imports nothing.
func calling(name string, code func(b *wat.Builder) wat.Code) fault {
	return fault{name: name, in: phase.plain, module: func(p phase) []byte {
		b := wat.New()
		body := code(b)
		b.Plugin()
		inner := b.Function(".inner", ">", 0, body)
		b.Function(callbacks[p.event], "iii>i", 0, wat.Call(inner), wat.I32(0))
		return b.Module()
	}}
}

func hanging(name string) fault {
	f := calling(name, func(*wat.Builder) wat.Code { return wat.Forever() })
	f.soon = true
	return f
}

// changing adds a header field that is longer than all changes may be.
func changing(name string) fault {
	const maps = 2 // those of requests and of answers are 0 and 2
	f := fault{name: name, in: func(p phase) bool { return p.plain() && p.headers() }, module: func(p phase) []byte {
		b := wat.New()
		add := b.Import("env", "proxy_add_header_map_value", "iiiii>i")
		b.Plugin().Pages = 8
		of := int32(0)
		if p.event == responseHeaders {
			of = maps
		}
		b.Function(callbacks[p.event], "iii>i", 0, wat.I32(of), b.Text("x-large"), wat.I32(64<<10), wat.I32(200<<10), wat.Call(add), wat.Drop, wat.I32(0))
		return b.Module()
	}}
	return f
}

// A plugin whose streams cannot begin is a failure, though it starts.
func TestAPluginWhoseStreamsCannotBegin(t *testing.T) {
	b := wat.New()
	b.Plugin()
	b.Function("proxy_on_context_create", "ii>", 0, wat.Local(1), wat.If(wat.Unreachable))
	for _, open := range []bool{false, true} {
		e := &lbv1.Extension{
			Name: "ext", Target: &lbv1.Extension_WasmPlugin{WasmPlugin: "plugin"}, Events: []lbv1.Extension_Event{requestHeaders}, FailOpen: open,
		}
		x := newSite(t, setup{traffic: []*lbv1.Extension{e}, plugins: pluginsOf(b.Module(), false), edit: func(m *resources) {
			m.more = append(m.more, pluginResources()...)
		}})
		want := map[bool]int{false: 500, true: 200}[open]
		for _, version := range []int{1, 2} {
			if g := x.ask(version, "POST", "/", "body"); g.status != want || open && g.body != "body" {
				t.Errorf("HTTP/%d: %+v", version, g)
			}
		}
	}
}
