// Package extension translates service extensions: GCPRoutingExtensions, GCPTrafficExtensions and GCPWasmPlugins become
// LbRouteExtensions, LbTrafficExtensions, WasmPlugins and their versions, with statuses and events.
//
// In: the objects, the Gateways that they name (package gateway), the Services that they call (package backend) and what became
// of images (fact.Image), through a recompute.View. Out, as recompute units:
//
//	extension.member      an extension and a Gateway  -> its chains as they are served; value: they, and what is wrong
//	extension.attachment  a kind and a Gateway        -> LbExtension; value: who is attached
//	frontend.extensions   a Gateway                   -> what its target proxies name
//	extension.plugin      a GCPWasmPlugin             -> WasmPlugin, WasmPluginVersions; value: which of them runs
//	extension.upstreams   a GCPWasmPlugin             -> the backend services that it may call
//	extension.googleapi   a scope and a host          -> what a Configuration puts in the place of a Google API
//	extension.status      an extension (root)         -> its status and events
//	extension.pluginstatus a GCPWasmPlugin (root)     -> its status and events
//
// Wire it with translate.Units; whoever pulls images asks Images which are wanted.
//
// What cannot run is published with its fault, so that requests fail by failOpen and never pass by in silence: a Service or a
// plugin that is missing, a condition that does not compile, a class that has no such extensions. A broken edit shows in the
// status while the last good version stays, as far as what it names is there today. What is not attached (Conflicted, no such
// Gateway) does nothing.
package extension
