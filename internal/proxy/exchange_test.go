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

func TestForwardsOneRequest(t *testing.T) {
	heads := make(chan string, 1)
	backend := rawBackend(t, func(c *rawConn) {
		heads <- c.head()
		c.say("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX-Back: yes\r\nKeep-Alive: 5\r\n\r\nhi")
		c.gone()
	})
	r := newRig(t, []string{backend}, nil)
	c := r.dial()
	c.say("GET /a/../b?q=/../ HTTP/1.1\r\nHost: Test.Example\r\nX-Odd: 1\r\nConnection: x-odd, keep-alive\r\nX-Forwarded-For: 9.9.9.9\r\n\r\n")
	res, body := c.answer(t, "GET")
	if res.StatusCode != 200 || body != "hi" || res.Header.Get("X-Back") != "yes" || res.Header.Get("Via") != "1.1 google" {
		t.Errorf("answer: %v %q", res, body)
	}
	if res.Header.Get("Keep-Alive") != "" {
		t.Error("a hop-by-hop field came through")
	}
	want := "GET /b?q=/../ HTTP/1.1\r\nhost: Test.Example\r\nx-forwarded-for: 9.9.9.9,127.0.0.1,127.0.0.1\r\n" +
		"x-forwarded-proto: http\r\nvia: 1.1 google\r\n\r\n"
	if got := <-heads; got != want {
		t.Errorf("backend got\n%s\nwant\n%s", got, want)
	}
}

func TestPipelinedRequestsAreAnsweredInOrder(t *testing.T) {
	backend := httpBackend(t, func(w http.ResponseWriter, q *http.Request) {
		body, _ := io.ReadAll(q.Body)
		fmt.Fprintf(w, "%s %s", q.URL.Path, body)
	})
	r := newRig(t, []string{backend}, nil)
	c := r.dial()
	var all strings.Builder
	for i := range 20 {
		fmt.Fprintf(&all, "POST /%d HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc", i)
		fmt.Fprintf(&all, "POST /c%d HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n", i)
	}
	c.say(all.String())
	for i := range 20 {
		for _, prefix := range []string{"", "c"} {
			want := fmt.Sprintf("/%s%d abc", prefix, i)
			if _, body := c.answer(t, "POST"); body != want {
				t.Fatalf("got %q, want %q", body, want)
			}
		}
	}
}

func TestBodiesOfEverySize(t *testing.T) {
	backend := httpBackend(t, func(w http.ResponseWriter, q *http.Request) {
		body, err := io.ReadAll(q.Body)
		if err != nil {
			panic(http.ErrAbortHandler)
		}
		if q.URL.Path == "/chunked" {
			w.Header().Set("Trailer", "X-Sum")
			w.Header().Set("X-Sum", fmt.Sprint(len(body)))
			w.(http.Flusher).Flush()
		} else {
			w.Header().Set("Content-Length", fmt.Sprint(len(body)))
		}
		_, _ = w.Write(body)
	})
	r := newRig(t, []string{backend}, nil)
	for _, size := range []int{0, 1, 100, 4000, 4096, 5000, 16 << 10, 70 << 10, 1 << 20, 5 << 20} {
		sent := strings.Repeat("0123456789abcdef", size/16+1)[:size]
		for _, path := range []string{"/sized", "/chunked"} {
			for _, length := range []int64{int64(size), -1} {
				q, _ := http.NewRequest("POST", "http://"+r.addr+path, io.NopCloser(strings.NewReader(sent)))
				q.ContentLength = length
				res, err := http.DefaultClient.Do(q)
				if err != nil {
					t.Fatalf("%s %d %d: %v", path, size, length, err)
				}
				got, err := io.ReadAll(res.Body)
				if err != nil || string(got) != sent {
					t.Fatalf("%s %d %d: got %d bytes, %v", path, size, length, len(got), err)
				}
				if path == "/chunked" && res.Trailer.Get("X-Sum") != fmt.Sprint(size) {
					t.Errorf("trailer lost: %v", res.Trailer)
				}
			}
		}
	}
}

func TestHeadAndBodylessStatuses(t *testing.T) {
	backend := rawBackend(t, func(c *rawConn) {
		for {
			head := c.head()
			switch {
			case head == "":
				return
			case strings.HasPrefix(head, "HEAD"):
				c.say("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
			case strings.HasPrefix(head, "GET /204"):
				c.say("HTTP/1.1 204 No Content\r\n\r\n")
			case strings.HasPrefix(head, "GET /304"):
				c.say("HTTP/1.1 304 Not Modified\r\nContent-Length: 77\r\n\r\n")
			default:
				c.say("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
			}
		}
	})
	r := newRig(t, []string{backend}, nil)
	c := r.dial()
	for _, line := range []string{"HEAD /", "GET /204", "GET /304", "GET /"} {
		c.say(line + " HTTP/1.1\r\nHost: a\r\n\r\n")
		method, _, _ := strings.Cut(line, " ")
		res, body := c.answer(t, method)
		if body != "" {
			t.Errorf("%s: body %q", line, body)
		}
		if method == "HEAD" && res.ContentLength != 1000 {
			t.Errorf("HEAD lost its Content-Length: %v", res.Header)
		}
	}
}

func TestHTTP10(t *testing.T) {
	backend := httpBackend(t, func(w http.ResponseWriter, q *http.Request) {
		if q.URL.Path == "/stream" {
			w.(http.Flusher).Flush()
		}
		_, _ = io.WriteString(w, "hello")
	})
	r := newRig(t, []string{backend}, nil)
	c := r.dial()
	c.say("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
	res, body := c.answer(t, "GET")
	if body != "hello" || res.Header.Get("Connection") != "keep-alive" {
		t.Errorf("%q %v", body, res.Header)
	}
	c.say("GET /stream HTTP/1.0\r\n\r\n")
	raw, _ := io.ReadAll(c.r)
	if got := string(raw); strings.Contains(got, "chunked") || !strings.HasSuffix(got, "\r\n\r\nhello") {
		t.Errorf("HTTP/1.0 got %q", got)
	}
}

func TestExpectContinueIsEndToEnd(t *testing.T) {
	backend := rawBackend(t, func(c *rawConn) {
		if !strings.Contains(c.head(), "expect: 100-continue") {
			return
		}
		c.say("HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n")
		c.say("HTTP/1.1 100 Continue\r\n\r\n")
		body := make([]byte, 5)
		_, _ = io.ReadFull(c.r, body)
		c.say("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n" + string(body))
		c.gone()
	})
	r := newRig(t, []string{backend}, nil)
	c := r.dial()
	c.say("PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n")
	if head := c.head(); !strings.HasPrefix(head, "HTTP/1.1 103") {
		t.Fatalf("got %q", head)
	}
	if head := c.head(); !strings.HasPrefix(head, "HTTP/1.1 100") {
		t.Fatalf("got %q", head)
	}
	c.say("12345")
	if _, body := c.answer(t, "PUT"); body != "12345" {
		t.Errorf("got %q", body)
	}
}

func TestAnswerBeforeTheRequestHasEnded(t *testing.T) {
	backend := rawBackend(t, func(c *rawConn) {
		c.head()
		c.say("HTTP/1.1 413 Too Large\r\nContent-Length: 2\r\nConnection: close\r\n\r\nno")
	})
	r := newRig(t, []string{backend}, nil)
	c := r.dial()
	c.say("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\nsome")
	res, body := c.answer(t, "POST")
	if res.StatusCode != 413 || body != "no" || !res.Close {
		t.Errorf("%v %q", res, body)
	}
	c.ended(t)
}

func TestLocalAnswers(t *testing.T) {
	r := newRig(t, nil, func(m *model) {
		m.route.Match.Path = &lbv1.RouteMatch_Prefix{Prefix: "/app"}
	})
	for _, c := range []struct {
		path   string
		status int
		body   string
	}{{"/app", 503, "no healthy upstream"}, {"/other", 404, "fault filter abort"}} {
		res, body := r.get(c.path)
		if res.StatusCode != c.status || body != c.body || res.Header.Get("Content-Type") != "text/plain" ||
			res.Header.Get("Via") != "1.1 google" {
			t.Errorf("%s: %v %q", c.path, res, body)
		}
		date, err := http.ParseTime(res.Header.Get("Date"))
		if age := time.Since(date); err != nil || age < 0 || age > time.Minute {
			t.Errorf("%s: the date is %q, %v", c.path, res.Header.Get("Date"), err)
		}
	}
}

func TestLocalAnswersToGRPC(t *testing.T) {
	r := newRig(t, nil, nil)
	c := r.dial()
	c.say("POST /pkg.S/M HTTP/1.1\r\nHost: a\r\nContent-Type: application/grpc\r\nContent-Length: 0\r\n\r\n")
	res, _ := c.answer(t, "POST")
	if res.StatusCode != 200 || res.Header.Get("Grpc-Status") != "14" || res.Header.Get("Grpc-Message") != "no healthy upstream" {
		t.Errorf("%v", res)
	}
}

func TestConnectFailureTriesAnotherEndpoint(t *testing.T) {
	good := httpBackend(t, func(w http.ResponseWriter, q *http.Request) { _, _ = io.WriteString(w, "ok") })
	r := newRig(t, []string{"127.0.0.1:1", good}, nil)
	for range 10 {
		if res, body := r.get("/"); res.StatusCode != 200 || body != "ok" {
			t.Fatalf("%v %q", res, body)
		}
	}
}

func TestTimeouts(t *testing.T) {
	backend := rawBackend(t, func(c *rawConn) {
		if strings.HasPrefix(c.head(), "GET /body") {
			c.say("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf")
		}
		c.gone()
	})
	r := newRig(t, []string{backend}, func(m *model) { m.service.Timeout = durationpb.New(2 * time.Second) })
	res, body := r.get("/")
	if res.StatusCode != 504 || body != "upstream request timeout" {
		t.Errorf("%v %q", res, body)
	}
	c := r.dial()
	c.say("GET /body HTTP/1.1\r\nHost: a\r\n\r\n")
	raw, _ := io.ReadAll(c.r)
	if !strings.HasSuffix(string(raw), "\r\n\r\nhalf") {
		t.Errorf("got %q", raw)
	}
}

func TestClientThatGoesAwayEndsTheUpstreamsWork(t *testing.T) {
	began, ended := make(chan bool, 1), make(chan bool, 1)
	backend := rawBackend(t, func(c *rawConn) {
		c.head()
		began <- true
		c.gone()
		ended <- true
	})
	r := newRig(t, []string{backend}, nil)
	c := r.dial()
	c.say("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
	<-began
	_ = c.Close()
	select {
	case <-ended:
	case <-time.After(patience):
		t.Fatal("the backend still works for nobody")
	}
}

func TestConflictingAnswersAre502(t *testing.T) {
	for _, answer := range []string{
		"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
		"HTTP/1.1 200 OK\nContent-Length: 1\n\na",
		"HTTP/1.1 20 OK\r\n\r\n",
		"ICY 200 OK\r\n\r\n",
		"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n",
		"HTTP/1.1 200 OK\r\nX y: z\r\n\r\n",
		strings.Repeat("HTTP/1.1 100 Continue\r\n\r\n", 40) + "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
	} {
		backend := rawBackend(t, func(c *rawConn) {
			c.head()
			c.say(answer)
			c.gone()
		})
		r := newRig(t, []string{backend}, nil)
		c := r.dial()
		c.say("GET / HTTP/1.0\r\nHost: a\r\n\r\n")
		if res, body := c.answer(t, "GET"); res.StatusCode != 502 {
			t.Errorf("%.60q: %v %q", answer, res.Status, body)
		}
	}
}

func TestUnsolicitedBytesNeverReachTheNextClient(t *testing.T) {
	sent := make(chan bool, 8)
	backend := rawBackend(t, func(c *rawConn) {
		for c.head() != "" {
			c.say("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ngood")
			c.say("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil")
			sent <- true
		}
	})
	r := newRig(t, []string{backend}, nil)
	for range 5 {
		_, body := r.get("/")
		<-sent
		if body != "good" {
			t.Fatalf("got %q", body)
		}
	}
}

func TestStaleConnectionsAreReplaced(t *testing.T) {
	closed := make(chan bool, 8)
	backend := rawBackend(t, func(c *rawConn) {
		c.head()
		c.say("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
		_ = c.Close()
		closed <- true
	})
	r := newRig(t, []string{backend}, nil)
	for range 5 {
		if res, body := r.get("/"); res.StatusCode != 200 || body != "ok" {
			t.Fatalf("%v %q", res, body)
		}
		<-closed
	}
}

func TestRetryOnStatus(t *testing.T) {
	n := make(chan int, 1)
	n <- 0
	backend := httpBackend(t, func(w http.ResponseWriter, q *http.Request) {
		body, _ := io.ReadAll(q.Body)
		i := <-n
		n <- i + 1
		if i < 2 {
			w.WriteHeader(503)
			return
		}
		_, _ = w.Write(body)
	})
	r := newRig(t, []string{backend}, func(m *model) {
		m.route.Retry = &lbv1.RetryPolicy{Attempts: 2, Codes: []uint32{503}, Backoff: durationpb.New(time.Millisecond)}
	})
	c := r.dial()
	c.say("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nbody")
	if res, body := c.answer(t, "POST"); res.StatusCode != 200 || body != "body" {
		t.Errorf("%v %q", res, body)
	}
}

// TestRetryWhileTheClientSends: what has been sent of an upload is known to who decides about a further attempt, though more is
// on its way (see make race). What is too long to be kept is not sent twice.
func TestRetryWhileTheClientSends(t *testing.T) {
	n := make(chan int, 1)
	n <- 0
	answers := httpBackend(t, func(w http.ResponseWriter, q *http.Request) {
		i := <-n
		n <- i + 1
		_, _ = io.ReadFull(q.Body, make([]byte, 1))
		if i%2 == 0 {
			w.WriteHeader(503)
			return
		}
		_, _ = io.Copy(io.Discard, q.Body)
	})
	r := newRig(t, []string{answers}, func(m *model) {
		m.route.Retry = &lbv1.RetryPolicy{Attempts: 2, Codes: []uint32{503}, Backoff: durationpb.New(time.Millisecond)}
	})
	for _, pieces := range []int{2, 2000} {
		c := r.dial()
		c.say("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n")
		go func() {
			for range pieces {
				c.say("200\r\n" + strings.Repeat("a", 0x200) + "\r\n")
			}
			c.say("0\r\n\r\n")
		}()
		if res, _ := c.answer(t, "POST"); res.StatusCode != 200 && res.StatusCode != 503 {
			t.Errorf("%d pieces: %s", pieces, res.Status)
		}
	}
	// What comes next gets an answer of its own.
	if res, _ := r.get("/"); res.StatusCode != 200 && res.StatusCode != 503 {
		t.Error(res.Status)
	}
}

// TestStaleConnectionsAreNoFaults: an endpoint that ends an idle connection just as a request goes out is as good as another, for
// outlier detection too.
func TestStaleConnectionsAreNoFaults(t *testing.T) {
	backend := rawBackend(t, func(c *rawConn) {
		_ = c.head()
		c.say("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
		_ = c.head()
	})
	r := newRig(t, []string{backend}, func(m *model) {
		m.service.OutlierDetection = &lbv1.OutlierDetection{ConsecutiveErrors: 1, MaxEjectionPercent: 100}
	})
	for i := range 10 {
		if res, _ := r.get("/"); res.StatusCode != 200 {
			t.Fatalf("request %d: %s", i, res.Status)
		}
	}
	if got := counter(t, r.Metrics(), "spillway_backend_ejections_total") + counter(t, r.Metrics(), "spillway_backend_ejections_refused_total"); got != 0 {
		t.Errorf("%v ejections", got)
	}
}

func TestWebSocketTunnel(t *testing.T) {
	backend := rawBackend(t, func(c *rawConn) {
		head := c.head()
		if !strings.Contains(head, "connection: upgrade\r\nupgrade: websocket\r\n") {
			c.say("HTTP/1.1 400 Bad\r\nContent-Length: 0\r\n\r\n")
			return
		}
		c.say("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: x\r\n\r\nfirst")
		_, _ = io.Copy(c.Conn, c.r)
	})
	r := newRig(t, []string{backend}, nil)
	c := r.dial()
	c.say("GET /chat HTTP/1.1\r\nHost: a\r\nConnection: keep-alive, Upgrade\r\nUpgrade: WebSocket\r\n\r\nearly")
	head := c.head()
	if !strings.HasPrefix(head, "HTTP/1.1 101") || !strings.Contains(head, "upgrade: websocket") {
		t.Fatalf("got %q", head)
	}
	want := "firstearly"
	for i := range 50 {
		text := strings.Repeat(fmt.Sprint(i), 5000)
		c.say(text)
		want += text
	}
	got := make([]byte, len(want))
	if _, err := io.ReadFull(c.r, got); err != nil || string(got) != want {
		t.Fatalf("tunnel: %v", err)
	}
	_ = c.Conn.(interface{ CloseWrite() error }).CloseWrite()
	c.ended(t)
}

// TestTunnelEndsWithItsLastBytes: the end of a backend's side often arrives in one event with the last bytes, where no
// further event announces it. One tunnel in some shows it, so there are many.
func TestTunnelEndsWithItsLastBytes(t *testing.T) {
	backend := rawBackend(t, func(c *rawConn) {
		c.head()
		c.say("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
		_, _ = c.r.ReadByte()
		c.say("bye")
		_ = c.Conn.(interface{ CloseWrite() error }).CloseWrite()
		c.gone()
	})
	r := newRig(t, []string{backend}, nil)
	for range 200 {
		c := r.dial()
		c.say("GET /tunnel HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
		if head := c.head(); !strings.HasPrefix(head, "HTTP/1.1 101") {
			t.Fatalf("got %q", head)
		}
		c.say("x")
		if got, err := io.ReadAll(c.r); err != nil || string(got) != "bye" {
			t.Fatalf("got %q, %v", got, err)
		}
		_ = c.Close()
	}
	// What is logged at the end is still the request, though its buffer has gone to others.
	eventually(t, "every tunnel is logged", func() bool { return strings.Count(r.log.String(), `"requestUrl":"http://a/tunnel"`) == 200 })
}

func TestBackendThatSwitchesToAnotherProtocolIs502(t *testing.T) {
	backend := rawBackend(t, func(c *rawConn) {
		c.head()
		c.say("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n")
		c.gone()
	})
	r := newRig(t, []string{backend}, nil)
	c := r.dial()
	c.say("GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
	if res, _ := c.answer(t, "GET"); res.StatusCode != 502 {
		t.Errorf("got %v", res.Status)
	}
}

func TestUpgradeToH2CIsNotPassedOn(t *testing.T) {
	heads := make(chan string, 1)
	backend := rawBackend(t, func(c *rawConn) {
		heads <- c.head()
		c.say("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
		c.gone()
	})
	r := newRig(t, []string{backend}, nil)
	c := r.dial()
	c.say("GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n\r\n")
	c.answer(t, "GET")
	if head := <-heads; strings.Contains(head, "pgrade") || strings.Contains(head, "ettings") {
		t.Errorf("backend got %q", head)
	}
}

// TestCutShortToHTTP10: the end of the connection would look like the end of the body.
func TestCutShortToHTTP10(t *testing.T) {
	backend := rawBackend(t, func(c *rawConn) {
		c.head()
		c.say("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n")
	})
	r := newRig(t, []string{backend}, nil)
	c := r.dial()
	c.say("GET / HTTP/1.0\r\n\r\n")
	if raw, err := io.ReadAll(c.r); err == nil {
		t.Errorf("an orderly end after %q", raw)
	}
}
