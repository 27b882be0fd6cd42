// Package outbound makes the requests that Wasm plugins of the full profile ask for: whole HTTP exchanges, and gRPC calls and streams.
//
// In: what plugins ask (package wasm), and the configuration in force, in which a WasmPlugin names the backend services that its
// plugin may call. Out: wasm.Services, one for each version of a plugin.
//
//	calls := outbound.New(outbound.Config{Logger: logger, Metrics: registry})
//	plugins := plugin.New(plugin.Config{..., Services: calls})
//	p := proxy.New(proxy.Config{..., Outside: calls})       // has the calls follow its configuration, and ends them
//
// A plugin calls by the name of an upstream. What it may call is looked up in the configuration in force each time: a permission
// that is taken away holds for no further call, and ends those under way. A version that starts before its configuration is in
// force may ask already; its calls leave when the configuration is.
//
// A call fails where its backend service does: no endpoint, no connection, TLS, a reset, the time-out, the service's limits. The
// plugin is told as the ABI has it; the reason is in the log, once until it changes, and counted by version in
// wasm_plugin_events_total: call, call_refused and call_WORD, where the word is that of package call, or one of ours.
package outbound
