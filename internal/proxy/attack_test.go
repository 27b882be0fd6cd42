package proxy_test

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"

	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
)

// TestAttacks sends requests that two parsers could read differently, or that are too much, each followed by a request
// that must never be answered. The answer is the status, the connection ends, and the backend has seen nothing.
func TestAttacks(t *testing.T) {
	const victim = "GET /victim HTTP/1.1\r\nHost: a\r\n\r\n"
	for _, c := range []struct {
		name   string
		status int
		wire   string
	}{
		{"CL.TE", 400, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 13\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nSMUGGLED"},
		{"TE.CL", 400, "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n5c\r\nGPOST / HTTP/1.1\r\n\r\n0\r\n\r\n"},
		{"TE.TE", 400, "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTransfer-encoding: cow\r\n\r\n0\r\n\r\n"},
		{"TE.TE two", 400, "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"},
		{"TE space", 400, "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding : chunked\r\n\r\n0\r\n\r\n"},
		{"TE vertical tab", 400, "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n"},
		{"TE folded", 400, "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n"},
		{"TE in 1.0", 400, "POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\nConnection: keep-alive\r\n\r\n0\r\n\r\n"},
		{"TE unknown", 501, "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n"},
		{"CL.CL", 400, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\nContent-Length: 44\r\n\r\n"},
		{"CL list", 400, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0, 44\r\n\r\n"},
		{"CL plus", 400, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: +5\r\n\r\nhello"},
		{"CL in a name", 400, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length\x00: 5\r\n\r\nhello"},
		{"bare LF", 400, "GET / HTTP/1.1\r\nHost: a\r\nX: a\nContent-Length: 44\r\n\r\n"},
		{"bare CR", 400, "GET / HTTP/1.1\r\nHost: a\r\nX: a\rContent-Length: 44\r\n\r\n"},
		{"space in the target", 400, "GET /a HTTP/1.1 b HTTP/1.1\r\nHost: a\r\n\r\n"},
		{"two hosts", 400, "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n"},
		{"no host", 400, "GET / HTTP/1.1\r\n\r\n"},
		{"CONNECT", 501, "CONNECT a:443 HTTP/1.1\r\nHost: a\r\n\r\n"},
		{"version", 505, "GET / HTTP/3.0\r\nHost: a\r\n\r\n"},
		{"expectation", 417, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nExpect: x\r\n\r\nabc"},
		{"long target", 414, "GET /" + strings.Repeat("a", 20<<10) + " HTTP/1.1\r\nHost: a\r\n\r\n"},
		{"large header", 431, "GET / HTTP/1.1\r\nHost: a\r\nX: " + strings.Repeat("a", 70<<10) + "\r\n\r\n"},
		{"many headers", 431, "GET / HTTP/1.1\r\nHost: a\r\n" + strings.Repeat("X: a\r\n", 200) + "\r\n"},
		{"endless header", 431, "GET / HTTP/1.1\r\nHost: a\r\nX: " + strings.Repeat("a", 200<<10)},
		{"long body", 413, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2000000\r\n\r\n"},
		{"chunk size", 400, "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0x1\r\na\r\n0\r\n\r\n"},
		{"chunk size overflow", 400, "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\na\r\n0\r\n\r\n"},
		{"chunk extension", 400, "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1;\na\r\n0\r\n\r\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			seen := make(chan string, 4)
			backend := rawBackend(t, func(b *rawConn) {
				for head := b.head(); head != ""; head = b.head() {
					seen <- head
					b.say("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
				}
			})
			r := newRig(t, []string{backend}, func(m *model) { m.target.Limits = &lbv1.HttpLimits{MaxBodyBytes: 1 << 20} })
			conn := r.dial()
			conn.say(c.wire)
			conn.say(victim)
			res, body := conn.answer(t, "GET")
			if res.StatusCode != c.status || !res.Close {
				t.Errorf("answer %v %q", res, body)
			}
			conn.ended(t)
			select {
			case head := <-seen:
				t.Errorf("the backend got %q", head)
			default:
			}
			eventually(t, "an access log record", func() bool { return strings.Contains(r.log.String(), fmt.Sprintf(`"status":%d`, c.status)) })
		})
	}
}

// TestCL0: a backend that ignores a body must not see it as its next request.
func TestCL0(t *testing.T) {
	heads := make(chan string, 4)
	backend := rawBackend(t, func(c *rawConn) {
		// Answers at once, never reads the body, and takes what follows as a request.
		for head := c.head(); head != ""; head = c.head() {
			heads <- head
			c.say("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
		}
	})
	r := newRig(t, []string{backend}, nil)
	c := r.dial()
	smuggled := "GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n"
	c.say(fmt.Sprintf("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n%sGET /second HTTP/1.1\r\nHost: a\r\n\r\n", len(smuggled), smuggled))
	for range 2 {
		c.answer(t, "GET")
	}
	// The backend said two answers on the first connection; the surplus one must not have answered /second.
	second := 0
	for range 3 {
		if strings.HasPrefix(<-heads, "GET /second") {
			second++
		}
	}
	if second != 1 {
		t.Errorf("/second reached the backend %d times", second)
	}
}

func TestSlowHeadersGet408(t *testing.T) {
	r := newRig(t, nil, func(m *model) {
		m.target.Limits = &lbv1.HttpLimits{HeaderTimeout: durationpb.New(100 * time.Millisecond)}
	})
	c := r.dial()
	done := make(chan bool)
	go func() {
		defer close(done)
		tick := time.NewTicker(20 * time.Millisecond)
		defer tick.Stop()
		for range 30 {
			<-tick.C
			if _, err := io.WriteString(c.Conn, "G"); err != nil {
				return
			}
		}
	}()
	res, err := http.ReadResponse(c.r, nil)
	if err != nil || res.StatusCode != 408 {
		t.Errorf("%v %v", res, err)
	}
	_ = c.Close()
	<-done
}

func TestSlowBodiesEnd(t *testing.T) {
	backend := httpBackend(t, func(w http.ResponseWriter, q *http.Request) { _, _ = io.Copy(io.Discard, q.Body) })
	r := newRig(t, []string{backend}, func(m *model) {
		m.target.Limits = &lbv1.HttpLimits{StreamIdleTimeout: durationpb.New(100 * time.Millisecond)}
	})
	c := r.dial()
	c.say("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\nonly this")
	raw, _ := io.ReadAll(c.r)
	if len(raw) > 0 && !strings.HasPrefix(string(raw), "HTTP/1.1 408") {
		t.Errorf("got %q", raw)
	}
}

func TestIdleConnectionsEnd(t *testing.T) {
	const idle = 100 * time.Millisecond
	backend := httpBackend(t, func(w http.ResponseWriter, q *http.Request) {})
	r := newRig(t, []string{backend}, func(m *model) {
		m.target.Limits = &lbv1.HttpLimits{IdleTimeout: durationpb.New(idle)}
	})
	for {
		began := time.Now()
		c := r.dial()
		c.say("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
		if c.head() == "" && time.Since(began) >= idle {
			continue // this machine was too slow: the connection was idle before the request
		}
		c.ended(t)
		if took := time.Since(began); took < idle {
			t.Errorf("ended after %v", took)
		}
		return
	}
}

func TestConnectionLimit(t *testing.T) {
	r := newRig(t, nil, func(m *model) { m.target.Limits = &lbv1.HttpLimits{MaxConnections: 2} })
	for range 2 {
		c := r.dial()
		c.say("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
		c.answer(t, "GET")
	}
	c := r.dial()
	c.say("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
	c.ended(t)
}
