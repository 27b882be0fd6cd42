// Command hello-plugin is a Wasm plugin for a load balancer: it marks requests and answers, keeps clients out of the paths that
// its configuration names, and hides a word in bodies.
//
//	GOOS=wasip1 GOARCH=wasm go build -buildmode=c-shared -o plugin.wasm .
package main

import (
	"bytes"
	"errors"
	"strings"

	"example.com/hello-plugin/plugin"
)

func main() {}

func init() { plugin.Serve(start) }

// start reads the configuration, a line for each path that is closed: "deny /admin".
func start(configuration []byte) (func() plugin.Stream, error) {
	var denied []string
	for _, line := range strings.Split(string(configuration), "\n") {
		if line = strings.TrimSpace(line); line == "" {
			continue
		}
		path, found := strings.CutPrefix(line, "deny ")
		if !found {
			return nil, errors.New("no such rule: " + line)
		}
		denied = append(denied, path)
	}
	return func() plugin.Stream { return &hello{denied: denied} }, nil
}

// hello is one request with its answer.
type hello struct {
	plugin.Pass
	denied []string
}

// RequestHeaders sees the head of the request.
func (s *hello) RequestHeaders(h plugin.Headers, _ bool) {
	path, _ := h.Get(":path")
	for _, prefix := range s.denied {
		if strings.HasPrefix(path, prefix) {
			plugin.Log(plugin.Info, "kept out of "+path)
			plugin.Reply(403, []byte("closed\n"), plugin.Field{Name: "content-type", Value: "text/plain"})
			return
		}
	}
	h.Set("x-hello", "from a plugin")
}

// ResponseHeaders sees the head of the answer.
func (s *hello) ResponseHeaders(h plugin.Headers, _ bool) { h.Set("hello", "service-extensions") }

// ResponseBody sees the answer piece by piece.
func (s *hello) ResponseBody(b plugin.Body, _ bool) {
	if p := b.Bytes(); bytes.Contains(p, []byte("secret")) {
		b.Set(bytes.ReplaceAll(p, []byte("secret"), []byte("******")))
	}
}
