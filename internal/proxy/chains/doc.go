// Package chains makes the extension chains of target proxies from the model: where conditions (internal/cel), callouts
// (internal/proxy/callout) and Wasm plugins meet.
//
// In: a target proxy and the resources that it refers to: lb_route_extension, lb_traffic_extension, and through them backend
// services and plugins. Out: extension.Chains, or why they cannot be obeyed, which refuses the target proxy.
//
//	p := proxy.New(proxy.Config{Extensions: chains.Compiler{Plugins: plugins}.Provider()})
//
// What the control plane knows to be unable to run (the model's fault fields), and a plugin that does not start, is no refusal: each use of it is a failure, and
// fail_open decides, so that nothing passes unextended in silence and everything beside it goes on.
package chains
