package proxy_test

import (
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"

	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
)

// TestStalledRequests: nothing moves, and the answer says whose turn it was.
func TestStalledRequests(t *testing.T) {
	backend := rawBackend(t, func(c *rawConn) { c.gone() })
	for name, test := range map[string]struct{ request, answer, log string }{
		"without a body": {"GET / HTTP/1.1\r\nHost: a\r\n\r\n", "HTTP/1.1 504 ", "backend_timeout"},
		"whole": {
			"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n" + strings.Repeat("a", 100_000), "HTTP/1.1 504 ", "backend_timeout",
		},
		"half": {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\nhalf", "HTTP/1.1 408 ", "client_timed_out"},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, []string{backend}, func(m *model) {
				m.target.Limits = &lbv1.HttpLimits{StreamIdleTimeout: durationpb.New(time.Second)}
			})
			c := r.dial()
			c.say(test.request)
			if got := c.head(); !strings.HasPrefix(got, test.answer) {
				t.Errorf("got %q", got)
			}
			eventually(t, "the log tells of it", func() bool { return strings.Contains(r.log.String(), test.log) })
		})
	}
}

// TestBadBodiesThatComeWithTheHead are refused, whether the backend has answered meanwhile or not.
func TestBadBodiesThatComeWithTheHead(t *testing.T) {
	r := newRig(t, []string{httpBackend(t, echo)}, nil)
	for name, body := range map[string]string{
		"size":        "zz\r\nhello\r\n0\r\n\r\n",
		"second size": "5\r\nhello\r\nzz\r\n",
		"chunk end":   "5\r\nhelloXX0\r\n\r\n",
		"trailer":     "5\r\nhello\r\n0\r\nbad trailer\r\n\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			c := r.dial()
			c.say("POST / HTTP/1.1\r\nHost: a\r\nX-Case: " + name + "\r\nTransfer-Encoding: chunked\r\n\r\n" + body)
			if got := c.head(); !strings.HasPrefix(got, "HTTP/1.1 400 ") {
				t.Errorf("got %q", got)
			}
		})
	}
	eventually(t, "four lines in the log", func() bool { return strings.Count(r.log.String(), "\n") == 4 })
	if got := strings.Count(r.log.String(), `"status":400`); got != 4 {
		t.Errorf("%d of 4 were logged as 400:\n%s", got, r.log.String())
	}
}
