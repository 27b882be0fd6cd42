package calloutserver

import extprocv3 "github.com/envoyproxy/go-control-plane/envoy/service/ext_proc/v3"

// Basic does what Google's sample callout python-example-basic does: requests go to service-extensions.com/ with
// "header-request: request" and without "foo", answers get "hello: service-extensions"; bodies of requests become
// "replaced-body", those of answers nothing.
var Basic = Events{
	RequestHeaders: func(*extprocv3.HttpHeaders) *extprocv3.HeadersResponse {
		r := Headers(Set(":authority", "service-extensions.com", ":path", "/", "header-request", "request"))
		r.Response.HeaderMutation.RemoveHeaders = []string{"foo"}
		r.Response.ClearRouteCache = true
		return r
	},
	ResponseHeaders: func(*extprocv3.HttpHeaders) *extprocv3.HeadersResponse {
		return Headers(Set("hello", "service-extensions"))
	},
	RequestBody:  func(*extprocv3.HttpBody) *extprocv3.BodyResponse { return Replace([]byte("replaced-body")) },
	ResponseBody: func(*extprocv3.HttpBody) *extprocv3.BodyResponse { return Clear() },
}
