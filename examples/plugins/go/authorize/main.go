// Command authorize is a Wasm plugin that asks a service whether requests may pass, and tells the backend who the client is.
//
//	GOOS=wasip1 GOARCH=wasm go build -buildmode=c-shared -o authorize.wasm ./authorize
//
// The service is the upstream "authorizer" of the GCPWasmPlugin. It is asked GET /authorize with the request's path and credentials; 200
// lets the request pass, with the service's x-user; any other status is the client's answer. Where nobody answers in time, nobody passes.
package main

import (
	"time"

	"example.com/hello-plugin/plugin"
)

const (
	upstream = "authorizer"
	patience = time.Second
)

func main() {}

func init() {
	plugin.Serve(func([]byte) (func() plugin.Stream, error) {
		return func() plugin.Stream { return &gate{} }, nil
	})
}

// gate is one request.
type gate struct{ plugin.Pass }

// RequestHeaders has the request wait for the service's word.
func (*gate) RequestHeaders(h plugin.Headers, _ bool) {
	path, _ := h.Get(":path")
	credentials, _ := h.Get("authorization")
	question := []plugin.Field{
		{Name: ":method", Value: "GET"},
		{Name: ":path", Value: "/authorize"},
		{Name: ":authority", Value: upstream},
		{Name: "x-original-path", Value: path},
		{Name: "authorization", Value: credentials},
	}
	if !plugin.Call(upstream, question, nil, patience, judge) {
		plugin.Log(plugin.Error, "there is no upstream "+upstream)
		plugin.Reply(503, []byte("cannot be authorized\n"))
	}
}

// judge does what the service says.
func judge(request plugin.Headers, a plugin.Answer) {
	switch a.Status {
	case 200:
		user, _ := a.Header.Get("x-user")
		request.Set("x-user", user) // whatever the client has said
	case 0:
		plugin.Reply(503, []byte("cannot be authorized\n"))
	default:
		plugin.Reply(a.Status, a.Body)
	}
}
