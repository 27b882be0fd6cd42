// Package sample has the plugins of Google's tutorials, made here from nothing, so that a tutorial's manifest runs as it is
// printed and without a registry.
//
// In: the name of an image. Out: its plugin.wasm, the same bytes every time.
package sample

import (
	"strings"

	"github.com/spillway-lb/spillway/internal/wasm"
	"github.com/spillway-lb/spillway/internal/wasm/wat"
)

// images are the repositories' names without registry and tag.
var images = map[string]func() []byte{"service-extensions-samples/plugins/local-reply": LocalReply}

// Module is the plugin of an image such as us-docker.pkg.dev/service-extensions-samples/plugins/local-reply:main.
func Module(image string) ([]byte, bool) {
	_, repository, _ := strings.Cut(image, "/")
	repository, _, _ = strings.Cut(repository, "@")
	repository, _, _ = strings.Cut(repository, ":")
	build, found := images[repository]
	if !found {
		return nil, false
	}
	return build(), true
}

// LocalReply answers every request with Hello World.
func LocalReply() []byte {
	b := wat.New()
	reply := b.Import("env", "proxy_send_local_response", "iiiiiiii>i")
	b.Plugin()
	fields := b.Text(string(wasm.Map(wasm.Pairs{{Name: "Content-Type", Value: "text/plain"}})))
	const stopIteration = 1
	b.Function("proxy_on_request_headers", "iii>i", 0,
		wat.I32(200), b.Text(""), b.Text("Hello World"), fields, wat.I32(-1), wat.Call(reply), wat.Drop, wat.I32(stopIteration))
	return b.Module()
}
