package http2

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/spillway-lb/spillway/internal/proxy/header"
	"github.com/spillway-lb/spillway/internal/proxy/message"
	xhttp2 "golang.org/x/net/http2"
)

// rawServer connects a client to a scripted server. script runs once the client has said hello.
func rawServer(t *testing.T, cfg *ClientConfig, settings []xhttp2.Setting, script func(p *rawPeer)) *ClientConn {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		nc, err := ln.Accept()
		_ = ln.Close()
		if err != nil {
			return
		}
		p := newRawPeer(t, nc)
		if _, err := io.ReadFull(nc, make([]byte, len(preface))); err != nil {
			return
		}
		_ = p.fr.WriteSettings(settings...)
		script(p)
		_ = nc.Close()
	}()
	cc := dial(t, ln.Addr().String(), cfg)
	t.Cleanup(func() {
		_ = cc.Close()
		<-done
	})
	return cc
}

// awaitHeaders reads until a request head comes and returns its stream; 0 when the client is gone.
func (p *rawPeer) awaitHeaders() uint32 {
	for {
		f, err := p.fr.ReadFrame()
		if err != nil {
			return 0
		}
		if h, ok := f.(*xhttp2.HeadersFrame); ok {
			return h.StreamID
		}
	}
}

// answer is what a client made of an answer.
type answer struct {
	resp     message.Response
	body     string
	trailers map[string]string
	informs  []int
	err      error
}

func roundTrip(cc *ClientConn, req *message.Request) answer {
	var a answer
	cs, err := cc.Open(req, true)
	if err != nil {
		a.err = err
		return a
	}
	defer cs.Close()
	a.err = cs.ReadHead(&a.resp, func(status int, _ *header.Map) { a.informs = append(a.informs, status) })
	if a.err != nil || a.resp.Body == nil {
		return a
	}
	body, err := readBody(a.resp.Body)
	a.body, a.err = string(body), err
	if tr := a.resp.Body.Trailers(); tr != nil {
		a.trailers = map[string]string{}
		for i := range tr.Len() {
			a.trailers[string(tr.At(i).Name)] = string(tr.At(i).Value)
		}
	}
	return a
}

func TestClientReadsAnswers(t *testing.T) {
	for _, tt := range []struct {
		name   string
		method string
		script func(p *rawPeer, id uint32)
		want   string
	}{
		{"plain", "GET", func(p *rawPeer, id uint32) {
			_ = p.headers(id, false, ":status", "200", "content-length", "5")
			_ = p.fr.WriteData(id, true, []byte("hello"))
		}, `200 5 "hello" map[] []`},
		{"no body", "GET", func(p *rawPeer, id uint32) { _ = p.headers(id, true, ":status", "404") }, `404 0 "" map[] []`},
		{"informational", "GET", func(p *rawPeer, id uint32) {
			_ = p.headers(id, false, ":status", "100")
			_ = p.headers(id, false, ":status", "103", "link", "</x>")
			_ = p.headers(id, true, ":status", "200")
		}, `200 0 "" map[] [100 103]`},
		{"trailers", "GET", func(p *rawPeer, id uint32) {
			_ = p.headers(id, false, ":status", "200")
			_ = p.fr.WriteData(id, false, []byte("x"))
			_ = p.headers(id, true, "grpc-status", "0", "content-length", "9")
		}, `200 -1 "x" map[grpc-status:0] []`},
		{"trailers without body", "GET", func(p *rawPeer, id uint32) {
			_ = p.headers(id, false, ":status", "200")
			_ = p.headers(id, true, "grpc-status", "5")
		}, `200 -1 "" map[grpc-status:5] []`},
		{"padded", "GET", func(p *rawPeer, id uint32) {
			_ = p.headers(id, false, ":status", "200", "content-length", "3")
			_ = p.fr.WriteDataPadded(id, true, []byte("abc"), make([]byte, 100))
		}, `200 3 "abc" map[] []`},
		{"head with length", "HEAD", func(p *rawPeer, id uint32) {
			_ = p.headers(id, true, ":status", "200", "content-length", "5")
		}, `200 0 "" map[] []`},
		{"304 with length", "GET", func(p *rawPeer, id uint32) {
			_ = p.headers(id, true, ":status", "304", "content-length", "5")
		}, `304 0 "" map[] []`},
		{"whole answer, then reset without error", "GET", func(p *rawPeer, id uint32) {
			_ = p.headers(id, false, ":status", "413")
			_ = p.fr.WriteData(id, true, []byte("no"))
			_ = p.fr.WriteRSTStream(id, xhttp2.ErrCodeNo)
		}, `413 -1 "no" map[] []`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			cc := rawServer(t, &ClientConfig{}, nil, func(p *rawPeer) {
				tt.script(p, p.awaitHeaders())
				p.until(closed)
			})
			a := roundTrip(cc, request(tt.method, "a.example", "/"))
			if a.err != nil {
				t.Fatal(a.err)
			}
			got := fmt.Sprintf("%d %d %q %v %v", a.resp.Status, a.resp.ContentLength, a.body, a.trailers, a.informs)
			if got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
		})
	}
}

// TestAnswersThatHaveEndedBeforeTheyAreRead: an empty DATA may end an answer before anybody looks at its head, and what says
// that there is no body says how long it is.
func TestAnswersThatHaveEndedBeforeTheyAreRead(t *testing.T) {
	cc := rawServer(t, &ClientConfig{}, nil, func(p *rawPeer) {
		id := p.awaitHeaders()
		_ = p.headers(id, false, ":status", "200")
		_ = p.fr.WriteData(id, true, nil)
		p.until(closed)
	})
	cs, err := cc.Open(request("GET", "a.example", "/"), true)
	if err != nil {
		t.Fatal(err)
	}
	defer cs.Close()
	eventually(t, func() bool { return cc.Streams() == 0 })
	var res message.Response
	if err := cs.ReadHead(&res, nil); err != nil || res.Body != nil || res.ContentLength != 0 {
		t.Errorf("body %v, length %d, %v", res.Body, res.ContentLength, err)
	}
}

// TestClientRefusesAnswers: a bad answer is an error with its reason, and never a clean end.
func TestClientRefusesAnswers(t *testing.T) {
	for _, tt := range []struct {
		name   string
		reason Reason
		script func(p *rawPeer, id uint32)
	}{
		{"no status", ReasonMalformed, func(p *rawPeer, id uint32) { _ = p.headers(id, true, "x", "y") }},
		{"status of two digits", ReasonMalformed, func(p *rawPeer, id uint32) { _ = p.headers(id, true, ":status", "20") }},
		{"status with letters", ReasonMalformed, func(p *rawPeer, id uint32) { _ = p.headers(id, true, ":status", "2x0") }},
		{"status twice", ReasonMalformed, func(p *rawPeer, id uint32) {
			_ = p.headers(id, true, ":status", "200", ":status", "200")
		}},
		{"request pseudo-header", ReasonMalformed, func(p *rawPeer, id uint32) {
			_ = p.headers(id, true, ":status", "200", ":path", "/")
		}},
		{"101", ReasonMalformed, func(p *rawPeer, id uint32) { _ = p.headers(id, false, ":status", "101") }},
		{"100 with end", ReasonMalformed, func(p *rawPeer, id uint32) { _ = p.headers(id, true, ":status", "100") }},
		{"connection", ReasonMalformed, func(p *rawPeer, id uint32) {
			_ = p.headers(id, true, ":status", "200", "connection", "close")
		}},
		{"transfer-encoding", ReasonMalformed, func(p *rawPeer, id uint32) {
			_ = p.headers(id, true, ":status", "200", "transfer-encoding", "chunked")
		}},
		{"line break in value", ReasonMalformed, func(p *rawPeer, id uint32) {
			_ = p.headers(id, true, ":status", "200", "x", "a\r\nb")
		}},
		{"DATA before head", ReasonMalformed, func(p *rawPeer, id uint32) { _ = p.fr.WriteData(id, true, []byte("x")) }},
		{"body short", ReasonContentLength, func(p *rawPeer, id uint32) {
			_ = p.headers(id, false, ":status", "200", "content-length", "5")
			_ = p.fr.WriteData(id, true, []byte("x"))
		}},
		{"body long", ReasonContentLength, func(p *rawPeer, id uint32) {
			_ = p.headers(id, false, ":status", "200", "content-length", "1")
			_ = p.fr.WriteData(id, true, []byte("xyz"))
		}},
		{"no body where declared", ReasonContentLength, func(p *rawPeer, id uint32) {
			_ = p.headers(id, true, ":status", "200", "content-length", "1")
		}},
		{"status beyond 599", ReasonMalformed, func(p *rawPeer, id uint32) { _ = p.headers(id, true, ":status", "600") }},
		{"length with 204", ReasonMalformed, func(p *rawPeer, id uint32) {
			_ = p.headers(id, true, ":status", "204", "content-length", "1")
		}},
		{"trailers without end", ReasonMalformed, func(p *rawPeer, id uint32) {
			_ = p.headers(id, false, ":status", "200")
			_ = p.headers(id, false, "x", "y")
		}},
		{"pseudo-header in trailers", ReasonMalformed, func(p *rawPeer, id uint32) {
			_ = p.headers(id, false, ":status", "200")
			_ = p.headers(id, true, ":status", "200")
		}},
		{"flood of informational answers", ReasonInformationFlood, func(p *rawPeer, id uint32) {
			for range 100 {
				_ = p.headers(id, false, ":status", "103")
			}
		}},
		{"header list too large", ReasonHeaderListSize, func(p *rawPeer, id uint32) {
			_ = p.headers(id, true, ":status", "200", "x", strings.Repeat("x", 10000), "y", strings.Repeat("x", 4000))
		}},
		{"reset", ReasonPeerReset, func(p *rawPeer, id uint32) { _ = p.fr.WriteRSTStream(id, xhttp2.ErrCodeInternal) }},
		{"reset within the body", ReasonPeerReset, func(p *rawPeer, id uint32) {
			_ = p.headers(id, false, ":status", "200")
			_ = p.fr.WriteData(id, false, []byte("x"))
			_ = p.fr.WriteRSTStream(id, xhttp2.ErrCodeInternal)
		}},
		{"connection lost within the body", ReasonPeerGone, func(p *rawPeer, id uint32) {
			_ = p.headers(id, false, ":status", "200")
			_ = p.fr.WriteData(id, false, []byte("x"))
			_ = p.nc.Close()
		}},
		{"answer to a stream never opened", ReasonStreamID, func(p *rawPeer, id uint32) {
			_ = p.headers(id+2, true, ":status", "200")
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			cc := rawServer(t, &ClientConfig{Limits: Limits{MaxHeaderListBytes: 12000}}, nil, func(p *rawPeer) {
				tt.script(p, p.awaitHeaders())
				p.until(closed)
			})
			a := roundTrip(cc, request("GET", "a.example", "/"))
			if a.err == nil || ReasonOf(a.err) != tt.reason || IsRetryable(a.err) {
				t.Errorf("%v (retryable %v), want %s", a.err, IsRetryable(a.err), tt.reason)
			}
		})
	}
}

// TestBodilessAnswersEndWithTheirHead, whatever follows.
func TestBodilessAnswersEndWithTheirHead(t *testing.T) {
	for _, tt := range []struct{ method, status, length string }{
		{"HEAD", "200", "7"}, {"GET", "204", "0"}, {"GET", "304", "7"},
	} {
		for _, follow := range []func(p *rawPeer, id uint32){
			func(p *rawPeer, id uint32) { _ = p.fr.WriteData(id, true, nil) },
			func(p *rawPeer, id uint32) { _ = p.fr.WriteData(id, true, []byte("body")) },
			func(p *rawPeer, id uint32) { _ = p.headers(id, true, "x-trailer", "v") },
		} {
			cc := rawServer(t, &ClientConfig{}, nil, func(p *rawPeer) {
				for range 2 {
					id := p.awaitHeaders()
					_ = p.headers(id, false, ":status", tt.status, "content-length", tt.length)
					follow(p, id)
				}
				p.until(closed)
			})
			for range 2 {
				cs, err := cc.Open(request(tt.method, "a.example", "/"), true)
				if err != nil {
					t.Fatal(err)
				}
				var res message.Response
				if err := cs.ReadHead(&res, nil); err != nil || res.Body != nil || res.ContentLength != 0 {
					t.Errorf("%s %s: %v, body %v, length %d", tt.method, tt.status, err, res.Body, res.ContentLength)
				}
				if _, said := res.Header.Get(header.ContentLength); said == (tt.status == "204") {
					t.Errorf("%s %s: content-length %v", tt.method, tt.status, said)
				}
				cs.Close()
			}
		}
	}
}

// TestARefusalTeaches how many streams a server takes; what ends well teaches that there is more.
func TestARefusalTeaches(t *testing.T) {
	released := make(chan struct{})
	cc := rawServer(t, &ClientConfig{}, nil, func(p *rawPeer) {
		first := p.awaitHeaders()
		_ = p.fr.WriteRSTStream(p.awaitHeaders(), xhttp2.ErrCodeRefusedStream)
		<-released
		_ = p.headers(first, true, ":status", "200")
		p.until(closed)
	})
	first, err := cc.Open(request("GET", "a.example", "/"), true)
	if err != nil {
		t.Fatal(err)
	}
	if a := roundTrip(cc, request("GET", "a.example", "/")); !IsRetryable(a.err) {
		t.Errorf("refused: %v", a.err)
	}
	if r := cc.Room(); r.Streams != 0 || r.Over {
		t.Errorf("room: %+v", r)
	}
	close(released)
	var res message.Response
	if err := first.ReadHead(&res, nil); err != nil {
		t.Fatal(err)
	}
	first.Close()
	if r := cc.Room(); r.Streams != 2 {
		t.Errorf("room for %d after a stream ended", r.Streams)
	}
}

// TestManyCancelsRetireAConnection, before a server does that minds resets.
func TestManyCancelsRetireAConnection(t *testing.T) {
	cc := rawServer(t, &ClientConfig{}, nil, func(p *rawPeer) { p.until(closed) })
	kept, err := cc.Open(request("GET", "a.example", "/"), true)
	if err != nil {
		t.Fatal(err)
	}
	for range maxCancels {
		if cc.GoingAway() {
			t.Fatal("retired too early")
		}
		cs, err := cc.Open(request("GET", "a.example", "/"), true)
		if err != nil {
			t.Fatal(err)
		}
		cs.Close()
	}
	if !cc.GoingAway() {
		t.Error("the connection goes on")
	}
	if _, err := cc.Open(request("GET", "a.example", "/"), true); !IsRetryable(err) {
		t.Errorf("opened: %v", err)
	}
	select {
	case <-cc.Done():
		t.Error("the connection ended under a request")
	default:
	}
	kept.Close()
	<-cc.Done()
}

// TestClientRetryable: what the server has certainly not processed may be sent again.
func TestClientRetryable(t *testing.T) {
	for _, tt := range []struct {
		name   string
		script func(p *rawPeer, id uint32)
	}{
		{"refused stream", func(p *rawPeer, id uint32) { _ = p.fr.WriteRSTStream(id, xhttp2.ErrCodeRefusedStream) }},
		{"above GOAWAY", func(p *rawPeer, _ uint32) { _ = p.fr.WriteGoAway(0, xhttp2.ErrCodeNo, nil) }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			cc := rawServer(t, &ClientConfig{}, nil, func(p *rawPeer) {
				tt.script(p, p.awaitHeaders())
				p.until(closed)
			})
			if a := roundTrip(cc, request("GET", "a.example", "/")); !IsRetryable(a.err) {
				t.Errorf("%v", a.err)
			}
		})
	}
}

// TestClientGoAway: streams below the last one finish, new ones are refused, then the connection ends by itself.
func TestClientGoAway(t *testing.T) {
	sent := make(chan struct{})
	cc := rawServer(t, &ClientConfig{}, nil, func(p *rawPeer) {
		id := p.awaitHeaders()
		_ = p.fr.WriteGoAway(id, xhttp2.ErrCodeNo, nil)
		<-sent
		_ = p.headers(id, true, ":status", "200")
		p.until(closed)
	})
	cs, err := cc.Open(request("GET", "a.example", "/"), true)
	if err != nil {
		t.Fatal(err)
	}
	defer cs.Close()
	eventually(t, cc.GoingAway)
	if _, err := cc.Open(request("GET", "a.example", "/"), true); !IsRetryable(err) || cc.Available() != 0 {
		t.Errorf("open after GOAWAY: %v, available %d", err, cc.Available())
	}
	close(sent)
	var resp message.Response
	if err := cs.ReadHead(&resp, nil); err != nil || resp.Status != 200 {
		t.Error(err)
	}
	<-cc.Done()
	if _, err := cc.Open(request("GET", "a.example", "/"), true); !IsRetryable(err) {
		t.Errorf("open after the end: %v", err)
	}
}

func eventually(t *testing.T, ok func() bool) {
	t.Helper()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for range 10000 {
		if ok() {
			return
		}
		<-tick.C
	}
	t.Fatal("it never came to be")
}

// TestClientConcurrency: the server's limit counts, and there is room again when a stream has ended.
func TestClientConcurrency(t *testing.T) {
	finish := make(chan struct{})
	cc := rawServer(t, &ClientConfig{}, []xhttp2.Setting{{ID: xhttp2.SettingMaxConcurrentStreams, Val: 2}}, func(p *rawPeer) {
		first := p.awaitHeaders()
		p.awaitHeaders()
		<-finish
		_ = p.headers(first, true, ":status", "200")
		p.until(closed)
	})
	eventually(t, func() bool { return cc.Available() == 2 })
	for range 2 {
		cs, err := cc.Open(request("GET", "a.example", "/"), true)
		if err != nil {
			t.Fatal(err)
		}
		defer cs.Close()
	}
	_, err := cc.Open(request("GET", "a.example", "/"), true)
	if ReasonOf(err) != ReasonNoCapacity || !IsRetryable(err) {
		t.Errorf("third stream: %v", err)
	}
	close(finish)
	eventually(t, func() bool { return cc.Available() == 1 })
}

// TestClientCancel: Cancel frees a blocked reader and a blocked writer, and tells the server.
func TestClientCancel(t *testing.T) {
	code := make(chan xhttp2.ErrCode, 1)
	cc := rawServer(t, &ClientConfig{}, nil, func(p *rawPeer) {
		o := p.until(func(o *outcome) bool { return len(o.resets) > 0 })
		code <- o.resets[1]
		p.until(closed)
	})
	cs, err := cc.Open(request("POST", "a.example", "/"), false)
	if err != nil {
		t.Fatal(err)
	}
	defer cs.Close()
	wrote := make(chan error, 1)
	go func() { wrote <- cs.WriteData(make([]byte, 1<<20), true) }()
	read := make(chan error, 1)
	go func() {
		var resp message.Response
		read <- cs.ReadHead(&resp, nil)
	}()
	eventually(t, func() bool {
		cc.mu.Lock()
		defer cc.mu.Unlock()
		return cs.blocked != 0
	})
	cs.Cancel()
	if err := <-wrote; ReasonOf(err) != ReasonCancelled {
		t.Errorf("write: %v", err)
	}
	if err := <-read; ReasonOf(err) != ReasonCancelled {
		t.Errorf("read: %v", err)
	}
	if c := <-code; c != xhttp2.ErrCodeCancel {
		t.Errorf("server saw %s", c)
	}
}

// TestClientBackPressure: a server may send no more than the window ahead of the consumer, on the stream or in all.
func TestClientBackPressure(t *testing.T) {
	const window = 100000
	written := make(chan int, 1)
	cc := rawServer(t, &ClientConfig{Limits: Limits{StreamWindow: window, ConnWindow: 3 * window}}, nil, func(p *rawPeer) {
		id := p.awaitHeaders()
		_ = p.headers(id, false, ":status", "200")
		for n := 0; n < window; n += 10000 {
			_ = p.fr.WriteData(id, false, make([]byte, 10000))
		}
		_ = p.fr.WritePing(false, [8]byte{})
		// No window update may come before the answer to the PING.
		for {
			f, err := p.fr.ReadFrame()
			if err != nil {
				return
			}
			if w, ok := f.(*xhttp2.WindowUpdateFrame); ok && w.StreamID != 0 {
				written <- -1
			}
			if pf, ok := f.(*xhttp2.PingFrame); ok && pf.IsAck() {
				break
			}
		}
		written <- window
		for {
			f, err := p.fr.ReadFrame()
			if err != nil {
				return
			}
			if w, ok := f.(*xhttp2.WindowUpdateFrame); ok && w.StreamID == id {
				written <- int(w.Increment)
				break
			}
		}
		p.until(closed)
	})
	cs, err := cc.Open(request("GET", "a.example", "/"), true)
	if err != nil {
		t.Fatal(err)
	}
	defer cs.Close()
	var resp message.Response
	if err := cs.ReadHead(&resp, nil); err != nil {
		t.Fatal(err)
	}
	if n := <-written; n != window {
		t.Fatal("a window update came though nothing was consumed")
	}
	for n := 0; n < window; {
		p, err := resp.Body.Next()
		if err != nil {
			t.Fatal(err)
		}
		n += len(p)
	}
	if n := <-written; n < window/2 {
		t.Errorf("window update of %d", n)
	}
}

// TestClientPing: a dead peer is found out.
func TestClientPing(t *testing.T) {
	quiet := make(chan struct{})
	short := 500 * time.Millisecond // the stream is open well within it
	cc := rawServer(t, &ClientConfig{Limits: Limits{PingInterval: short, PingTimeout: short}}, nil, func(p *rawPeer) {
		_ = p.fr.WriteSettingsAck()
		<-quiet
	})
	a := roundTrip(cc, request("GET", "a.example", "/"))
	close(quiet)
	if ReasonOf(a.err) != ReasonPingTimeout || IsRetryable(a.err) {
		t.Errorf("%v", a.err)
	}
}

// TestFullDuplex: answer and request overlap, chunk by chunk.
func TestFullDuplex(t *testing.T) {
	addr := listen(t, &ServerConfig{}, func(st *ServerStream) {
		_ = st.WriteHead(200, nil, false)
		for {
			p, err := st.Request().Body.Next()
			if err != nil {
				break
			}
			if st.WriteData(bytes.ToUpper(p), false) != nil {
				return
			}
			st.Flush()
		}
		_ = st.WriteData(nil, true)
	})
	cc := dial(t, addr, &ClientConfig{})
	cs, err := cc.Open(request("POST", addr, "/"), false)
	if err != nil {
		t.Fatal(err)
	}
	defer cs.Close()
	var resp message.Response
	if err := cs.ReadHead(&resp, nil); err != nil {
		t.Fatal(err)
	}
	for range 100 {
		if err := cs.WriteData([]byte("ping"), false); err != nil {
			t.Fatal(err)
		}
		cs.Flush()
		if p, err := resp.Body.Next(); err != nil || string(p) != "PING" {
			t.Fatalf("%q %v", p, err)
		}
	}
	if err := cs.WriteData(nil, true); err != nil {
		t.Fatal(err)
	}
	if _, err := resp.Body.Next(); !errors.Is(err, io.EOF) {
		t.Error(err)
	}
	resp.Body.Close()
}

// TestExtendedConnect tunnels bytes both ways over one stream; a server that does not offer it is not asked.
func TestExtendedConnect(t *testing.T) {
	seen := make(chan string, 1)
	handler := func(st *ServerStream) {
		req := st.Request()
		seen <- fmt.Sprintf("%s %s %s %d", req.Method, req.Protocol, req.Path, req.ContentLength)
		echo(st)
	}
	req := request("CONNECT", "a.example", "/chat", "sec-websocket-version", "13")
	req.Protocol = []byte("websocket")

	cc := dial(t, listen(t, &ServerConfig{}, handler), &ClientConfig{})
	cs, err := cc.Open(req, false)
	if err != nil {
		t.Fatal(err)
	}
	defer cs.Close()
	var resp message.Response
	if err := cs.ReadHead(&resp, nil); err != nil || resp.Status != 200 {
		t.Fatal(err)
	}
	if got := <-seen; got != "CONNECT websocket /chat -1" {
		t.Errorf("server saw %q", got)
	}
	_ = cs.WriteData([]byte("frame"), false)
	cs.Flush()
	if p, err := resp.Body.Next(); err != nil || string(p) != "frame" {
		t.Errorf("%q %v", p, err)
	}

	without := dial(t, listen(t, &ServerConfig{NoExtendedConnect: true}, handler), &ClientConfig{})
	if _, err := without.Open(req, false); ReasonOf(err) != ReasonNoExtendedConn {
		t.Errorf("not offered: %v", err)
	}
}
