// Package wasm runs proxy-wasm plugins: the host side of ABI 0.1.0, 0.2.0 and 0.2.1 on wazero. It knows the ABI and nothing
// of a proxy.
//
// In: the bytes of a module, its configuration, and for each stream the header maps, bodies and properties of a message,
// through small interfaces. Out: what the guest did to them, local replies, log records and metrics.
//
//	module, err := wasm.Load(ctx, code, wasm.Options{})            // checked and compiled, once for a digest
//	plugin, err := module.Plugin(wasm.PluginConfig{...})           // a first instance has started and taken its configuration
//	stream, err := plugin.Stream(host)                             // one for an exchange
//	action, err := stream.RequestHeaders(headers, false)           // a *LocalReply, a *Trap or another reason is the error
//	stream.Close()
//
// There are two profiles. GCP is what Google's load balancers document: maps and buffers of the phase in hand, a frozen
// clock, tight limits, no calls to elsewhere, no pausing. Full is what Envoy offers.
//
// A guest cannot harm: each call has a deadline, memory and tables have limits, and an instance that trapped is never
// entered again. A stream has an instance for itself as long as all instances together stay below a budget of memory, so
// that a trap of one stream is no other's; beyond that streams share. Crashed instances are replaced, ever more slowly if
// they go on to crash.
package wasm
