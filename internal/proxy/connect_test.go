package proxy_test

import (
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"

	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
)

// TestConnectingEndsWithTheRequest: at its deadline, and when the client leaves. The backend takes connections and never
// says a word of TLS.
func TestConnectingEndsWithTheRequest(t *testing.T) {
	for _, protocol := range []lbv1.BackendProtocol{lbv1.BackendProtocol_HTTPS, lbv1.BackendProtocol_HTTP2} {
		t.Run(protocol.String(), func(t *testing.T) {
			reached := make(chan bool, 10)
			hole := rawBackend(t, func(c *rawConn) {
				reached <- true
				c.gone()
			})
			t.Run("deadline", func(t *testing.T) {
				r := newRig(t, []string{hole}, func(m *model) {
					m.service.Protocol = protocol
					m.service.Timeout = durationpb.New(time.Second) // the backend is reached well within it
				})
				res, body := r.get("/")
				if res.StatusCode != 504 || body != "upstream request timeout" {
					t.Errorf("%d %q", res.StatusCode, body)
				}
				<-reached
				eventually(t, "the log tells of it", func() bool { return strings.Contains(r.log.String(), "backend_timeout") })
			})
			t.Run("client", func(t *testing.T) {
				r := newRig(t, []string{hole}, func(m *model) { m.service.Protocol = protocol })
				c := r.dial()
				c.say("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
				<-reached
				_ = c.Close()
				eventually(t, "the log tells of it", func() bool { return strings.Contains(r.log.String(), `"status":499`) })
			})
		})
	}
}
