package chains_test

import (
	"testing"

	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
	"github.com/spillway-lb/spillway/internal/proxy/plugin"
	"github.com/spillway-lb/spillway/internal/wasm"
	"github.com/spillway-lb/spillway/internal/wasm/wat"
)

// broken are modules that cannot do their part.
func broken() map[string][]byte {
	with := func(name, signature string, body ...wat.Code) []byte {
		b := wat.New()
		b.Plugin()
		b.Function(name, signature, 0, body...)
		return b.Module()
	}
	missing := wat.New()
	missing.Import("env", "nothing", ">")
	return map[string][]byte{
		"module that cannot be loaded":         missing.Plugin().Module(),
		"configuration that is refused":        with("proxy_on_configure", "ii>i", wat.I32(0)),
		"trap at the start":                    with("proxy_on_vm_start", "ii>i", wat.Unreachable),
		"trap in a request":                    with("proxy_on_request_headers", "iii>i", wat.Unreachable),
		"trap when a stream's context is made": with("proxy_on_context_create", "ii>", wat.Local(1), wat.If(wat.Unreachable)),
	}
}

// A plugin that cannot do its part is a failure of its uses, by failOpen. Its target proxy is served.
func TestBrokenPlugins(t *testing.T) {
	for name, code := range broken() {
		for _, open := range []bool{false, true} {
			t.Run(name+map[bool]string{true: "/open"}[open], func(t *testing.T) {
				modules := plugin.NewModules(func(string, string) ([]byte, error) { return code, nil }, wasm.Options{})
				e := &lbv1.Extension{
					Name: "ext", Target: &lbv1.Extension_WasmPlugin{WasmPlugin: "plugin"}, Events: []lbv1.Extension_Event{requestHeaders}, FailOpen: open,
				}
				x := newSite(t, setup{traffic: []*lbv1.Extension{e}, plugins: plugin.New(plugin.Config{Modules: modules, Timeout: patience}), edit: func(m *resources) {
					m.more = append(m.more,
						&lbv1.Resource{Name: "plugin", Body: &lbv1.Resource_WasmPlugin{WasmPlugin: &lbv1.WasmPlugin{MainVersion: "v"}}},
						&lbv1.Resource{Name: "v", Body: &lbv1.Resource_WasmPluginVersion{WasmPluginVersion: &lbv1.WasmPluginVersion{Plugin: "plugin", Image: "image", ImageDigest: "sha256:1"}}})
				}})
				want := map[bool]int{false: 500, true: 200}[open]
				for _, version := range []int{1, 2} {
					if g := x.ask(version, "POST", "/", "body"); g.status != want || open && g.body != "body" {
						t.Errorf("HTTP/%d: %+v", version, g)
					}
				}
			})
		}
	}
}
