// Package plugin is for authors of Wasm plugins: the guest's side of proxy-wasm (ABI 0.2.1), for the stock Go toolchain.
//
// A plugin calls Serve in an init function, with a function that takes the configuration and gives a function that makes a
// Stream for each request. A Stream embeds Pass and has the methods it needs. Its methods are called one at a time, and what they
// are given is good until they return.
//
//	func main() {}
//
//	func init() {
//		plugin.Serve(func(configuration []byte) (func() plugin.Stream, error) {
//			return func() plugin.Stream { return &hello{} }, nil
//		})
//	}
package plugin
