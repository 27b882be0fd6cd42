// Package plugin makes Wasm plugins extensions of exchanges: it stands between package extension, which knows messages, and
// package wasm, which knows the ABI.
//
// In: versions of plugins (lb.v1.WasmPluginVersion), whose modules a source gives by digest, and extensions that name a plugin.
// Out: extension.Extension, whose filters show each exchange to the plugin.
//
//	modules := plugin.NewModules(source, wasm.Options{})  // one for a process
//	plugins := plugin.New(plugin.Config{Modules: modules, Logger: logger, Metrics: registry})
//	provider := chains.Compiler{Plugins: plugins}.Provider()
//
// A version is shared by all that name it. It ends when nothing refers to it any more: exchanges that hold on to an older
// configuration still find theirs, so that a switch of versions loses no request.
//
// A plugin that crashes, hangs, or does what it must not has failed: extension.Failing says what becomes of the exchange. What
// a plugin may not change it finds unchanged, without an error, as on Google's load balancers; the log says so at level debug.
package plugin
