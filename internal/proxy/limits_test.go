package proxy_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"

	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
	"github.com/spillway-lb/spillway/internal/proxy/message"
)

// TestLimitsOverHTTP2: the limits of HTTP/1 hold for HTTP/2, and the log has the reason.
func TestLimitsOverHTTP2(t *testing.T) {
	r := newRig(t, []string{httpBackend(t, echo)}, func(m *model) {
		m.target.Limits = &lbv1.HttpLimits{MaxUriBytes: 100, MaxBodyBytes: 100}
	})
	cc := http2Client(t, r)
	for name, c := range map[string]struct {
		path   string
		length int64
		body   int
		status int
	}{
		"fits":                   {"/", message.UnknownLength, 100, 200},
		"uri":                    {"/" + strings.Repeat("a", 100), 0, 0, 414},
		"declared body":          {"/", 101, 101, 413},
		"body of unknown length": {"/", message.UnknownLength, 101, 413},
	} {
		t.Run(name, func(t *testing.T) {
			q := getRequest(c.path)
			q.Method, q.ContentLength = []byte("POST"), c.length
			if c.length > 0 {
				q.Header.Add([]byte("content-length"), fmt.Append(nil, c.length))
			}
			cs, err := cc.Open(q, c.body == 0)
			if err != nil {
				t.Fatal(err)
			}
			defer cs.Close()
			if c.body > 0 {
				_ = cs.WriteData(make([]byte, c.body), true)
			}
			var res message.Response
			if err := cs.ReadHead(&res, nil); err != nil || res.Status != c.status {
				t.Errorf("%d %v, want %d", res.Status, err, c.status)
			}
		})
	}
	eventually(t, "reasons in the log", func() bool {
		return strings.Contains(r.log.String(), "uri_too_long") && strings.Contains(r.log.String(), "request_body_too_large")
	})
}

// TestSlowClientsAreNotTheBackendsFault: time that runs out while the client owes its body is a 408, and nothing that
// outlier detection counts: else a few slow clients could take backends out. A client that waits for a 100 owes nothing.
func TestSlowClientsAreNotTheBackendsFault(t *testing.T) {
	backend := func(name string) string {
		return rawBackend(t, func(c *rawConn) {
			for strings.HasPrefix(c.head(), "GET") {
				c.say("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n" + name)
			}
			c.gone()
		})
	}
	r := newRig(t, []string{backend("a"), backend("b"), backend("c")}, func(m *model) {
		m.service.Timeout = durationpb.New(time.Second) // a backend is reached well within it
		m.service.OutlierDetection = &lbv1.OutlierDetection{ConsecutiveErrors: 1, MaxEjectionPercent: 100}
		// What has no fault may take its time.
		get := proto.Clone(m.route).(*lbv1.RouteRule)
		get.Precedence, get.Match.Method, get.RequestTimeoutDisabled = "0", "GET", true
		m.more = append(m.more, &lbv1.Resource{Name: "map/*/*/0", Body: &lbv1.Resource_RouteRule{RouteRule: get}})
	})
	post := func(fields, body string) string {
		c := r.dial()
		c.say("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n" + fields + "\r\n" + body)
		head, _, _ := strings.Cut(c.head(), "\r\n")
		return head
	}
	for range 3 {
		if got := post("", "only this"); got != "HTTP/1.1 408 Request Timeout" {
			t.Errorf("got %q", got)
		}
	}
	seen := map[string]bool{}
	for range 3 {
		_, body := r.get("/")
		seen[body] = true
	}
	if len(seen) != 3 {
		t.Errorf("in use: %v", seen)
	}
	if got := post("Expect: 100-continue\r\n", ""); got != "HTTP/1.1 504 Gateway Timeout" {
		t.Errorf("without a 100 from the backend: got %q", got)
	}
}
