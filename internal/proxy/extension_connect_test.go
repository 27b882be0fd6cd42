package proxy_test

import (
	"testing"

	"github.com/spillway-lb/spillway/internal/proxy/extension"
)

// TestNoFilterOpensATunnel: a 2xx of a filter's own to an extended CONNECT would have its client read what follows as frames. It
// may refuse.
func TestNoFilterOpensATunnel(t *testing.T) {
	backend := rawBackend(t, func(c *rawConn) {
		c.head()
		c.say("HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")
		c.gone()
	})
	for status, want := range map[int]int{200: 500, 204: 500, 299: 500, 302: 302, 418: 418} {
		reply := &extension.LocalReply{Status: status, Body: []byte("text")}
		for name, f := range map[string]filterFuncs{
			"request":  {request: func(extension.Exchange, *extension.Request) error { return reply }},
			"response": {response: func(*extension.Response) error { return reply }},
		} {
			r := newFilterRig(t, []string{backend}, traffic(one("f", f)), nil)
			if got, err := r.connect("websocket"); err != nil || got != want {
				t.Errorf("%s, %d: %d %v, want %d", name, status, got, err, want)
			}
		}
	}
}
