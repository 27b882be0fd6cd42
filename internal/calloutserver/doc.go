// Package calloutserver is the other end of package callout: a small ext_proc server for the sample image that `spillway serve`
// has built in, for `spillway callout replay`, for tests and for benchmarks.
//
// In: what to answer to each event, or a whole stream's function. Out: an http.Handler that speaks gRPC on HTTP/2, with TLS or
// without, and answers health checks of HTTP/1.1 beside it.
//
//	http.Serve(listener, calloutserver.Handler(calloutserver.Basic.Process))
package calloutserver
