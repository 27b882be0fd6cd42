package proxy_test

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"

	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
)

// TestClientsCannotSwitchTimeoutsOff: what a request says of its time, or of a protocol that nobody takes up, leaves the
// configured time in force.
func TestClientsCannotSwitchTimeoutsOff(t *testing.T) {
	silent := rawBackend(t, func(c *rawConn) { c.gone() })
	drips := rawBackend(t, func(c *rawConn) {
		_ = c.head()
		c.say("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nhalf")
		c.gone()
	})
	for name, tt := range map[string]struct{ backend, fields, status string }{
		"grpc-timeout without gRPC": {silent, "grpc-timeout: 99999999M\r\n", "504"},
		"grpc-timeout of gRPC":      {silent, "content-type: application/grpc\r\nte: trailers\r\ngrpc-timeout: 99999999H\r\n", "200"},
		"upgrade without an answer": {silent, "Connection: upgrade\r\nUpgrade: websocket\r\n", "504"},
		"upgrade to an answer":      {drips, "Connection: upgrade\r\nUpgrade: websocket\r\n", "200"},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, []string{tt.backend}, func(m *model) { m.service.Timeout = durationpb.New(2 * time.Second) })
			c := r.dial()
			c.say("GET / HTTP/1.1\r\nHost: a\r\n" + tt.fields + "\r\n")
			if got := c.head(); !strings.HasPrefix(got, "HTTP/1.1 "+tt.status+" ") {
				t.Fatalf("got %q", got)
			}
			eventually(t, "it is over", func() bool { return strings.Contains(r.log.String(), "backend_timeout") })
		})
	}
}

// TestExchangeTimeCountsForSlowReaders: a client that does not take its answer holds its backend no longer than the
// exchange's time, and a moment.
func TestExchangeTimeCountsForSlowReaders(t *testing.T) {
	const size = 64 << 20
	for name, h2 := range map[string]bool{"HTTP/1": false, "HTTP/2": true} {
		t.Run(name, func(t *testing.T) {
			ended := make(chan error, 1)
			backend := httpBackend(t, func(w http.ResponseWriter, _ *http.Request) {
				chunk := make([]byte, 1<<20)
				var err error
				for n := 0; n < size && err == nil; n += len(chunk) {
					_, err = w.Write(chunk)
				}
				ended <- err
			})
			r := newRig(t, []string{backend}, func(m *model) { m.service.Timeout = durationpb.New(2 * time.Second) })
			protocols := new(http.Protocols)
			protocols.SetHTTP1(!h2)
			protocols.SetUnencryptedHTTP2(h2)
			transport := &http.Transport{Protocols: protocols}
			defer transport.CloseIdleConnections()
			res, err := (&http.Client{Transport: transport}).Get("http://" + r.addr + "/")
			if err != nil {
				t.Fatal(err)
			}
			defer res.Body.Close()
			if err := <-ended; err == nil {
				t.Error("the backend could write all of an answer that nobody reads")
			}
			eventually(t, "the log tells of it", func() bool { return strings.Contains(r.log.String(), "\n") })
			if n, err := io.Copy(io.Discard, res.Body); err == nil || n == size {
				t.Errorf("%d bytes, %v", n, err)
			}
		})
	}
}

// TestConnectionsThatNeverAsk have the time of a head, not that of a kept-alive connection.
func TestConnectionsThatNeverAsk(t *testing.T) {
	r := newRig(t, []string{httpBackend(t, echo)}, func(m *model) {
		m.target.Limits = &lbv1.HttpLimits{HeaderTimeout: durationpb.New(2 * time.Second)}
	})
	kept := r.dial()
	kept.say("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
	kept.answer(t, "GET")
	never := r.dial()
	if _, err := never.Read(make([]byte, 1)); err != io.EOF {
		t.Errorf("read: %v", err)
	}
	kept.say("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
	if res, _ := kept.answer(t, "GET"); res.StatusCode != 200 {
		t.Error(res.Status)
	}
}

// TestMoreBehindTheLastRequest: a client that announces its last request and goes on sending gets the answer, and an orderly
// end behind it.
func TestMoreBehindTheLastRequest(t *testing.T) {
	r := newRig(t, []string{httpBackend(t, echo)}, nil)
	for range 20 {
		c := r.dial()
		c.say("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n" + strings.Repeat("GET / HTTP/1.1\r\nHost: a\r\n\r\n", 1000))
		got, err := io.ReadAll(c)
		if err != nil || !strings.HasPrefix(string(got), "HTTP/1.1 200 ") || strings.Count(string(got), "HTTP/1.1 200 ") != 1 {
			t.Fatalf("%v, %.60q", err, got)
		}
		_ = c.Close()
	}
}
