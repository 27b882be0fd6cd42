package main

import (
	"crypto/sha256"
	"encoding/hex"
	"os"
	"path/filepath"

	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
	"github.com/spillway-lb/spillway/internal/wasm/wat"
)

// headerPlugin is the plugin of all peers: it sets a field of the request, with one call of the host.
func headerPlugin() []byte {
	b := wat.New()
	set := b.Import("env", "proxy_replace_header_map_value", "iiiii>i")
	b.Plugin()
	b.Function("proxy_on_context_create", "ii>", 0)
	b.Function("proxy_on_request_headers", "iii>i", 0, wat.I32(0), b.Text("x-plugin"), b.Text("seen"), wat.Call(set), wat.Drop, wat.I32(0))
	return b.Module()
}

// Plugs says that requests meet a plugin, PluginFile where its module is.
func (s setup) Plugs() bool { return s.callout == pluginHeaders }

// PluginFile is the module's.
func (s setup) PluginFile() string { return filepath.Join(s.Dir, "plugin.wasm") }

func (s setup) writePlugin() error {
	if !s.Plugs() {
		return nil
	}
	return os.WriteFile(s.PluginFile(), headerPlugin(), 0o600)
}

// addPlugin puts a case's plugin into a model, whose file stands beside the module.
func (s setup) addPlugin(proxy *lbv1.TargetProxy, add func(name string, r *lbv1.Resource)) {
	proxy.TrafficExtension = "extension"
	add("extension", &lbv1.Resource{Body: &lbv1.Resource_LbTrafficExtension{LbTrafficExtension: &lbv1.LbExtension{
		Chains: []*lbv1.ExtensionChain{{Name: "chain", Extensions: []*lbv1.Extension{{
			Name: "plugin", Target: &lbv1.Extension_WasmPlugin{WasmPlugin: "plugin"}, Events: []lbv1.Extension_Event{lbv1.Extension_REQUEST_HEADERS},
		}}}},
	}}})
	sum := sha256.Sum256(headerPlugin())
	add("plugin", &lbv1.Resource{Body: &lbv1.Resource_WasmPlugin{WasmPlugin: &lbv1.WasmPlugin{MainVersion: "plugin"}}})
	add("plugin", &lbv1.Resource{Body: &lbv1.Resource_WasmPluginVersion{WasmPluginVersion: &lbv1.WasmPluginVersion{
		Plugin: "plugin", Image: "file:plugin.wasm", ImageDigest: "sha256:" + hex.EncodeToString(sum[:]),
	}}})
}
