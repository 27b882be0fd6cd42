package http2

import (
	"errors"
	"net"
	"testing"
	"time"

	"github.com/spillway-lb/spillway/internal/proxy/header"
	"github.com/spillway-lb/spillway/internal/proxy/message"
	xhttp2 "golang.org/x/net/http2"
)

// serveOne serves one connection and returns it and its end of the pair.
func serveOne(t *testing.T, cfg *ServerConfig, h Handler) (*ServerConn, net.Conn, chan error) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	client, err := net.Dial("tcp", ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	server, err := ln.Accept()
	if err != nil {
		t.Fatal(err)
	}
	sc := NewServerConn(server, cfg)
	ended := make(chan error, 1)
	go func() { ended <- sc.Serve(h) }()
	t.Cleanup(func() {
		_ = client.Close()
		_ = sc.Close()
	})
	return sc, client, ended
}

// TestDrain: streams under way finish, those that were on their way are served, later ones are not, and then the
// connection ends.
func TestDrain(t *testing.T) {
	release := make(chan struct{})
	started := make(chan struct{}, 10)
	sc, nc, ended := serveOne(t, &ServerConfig{}, func(st *ServerStream) {
		started <- struct{}{}
		<-release
		_ = st.WriteHead(200, nil, true)
	})
	p := newRawPeer(t, nc)
	p.must(p.write([]byte(preface)))
	p.must(p.fr.WriteSettings())
	p.must(p.headers(1, true, get()...))
	<-started
	sc.Shutdown()
	sc.Shutdown()
	o := p.until(func(o *outcome) bool { return o.gone })
	if o.last != 1<<31-1 || o.goAway != xhttp2.ErrCodeNo {
		t.Errorf("first GOAWAY %+v", o)
	}
	// Opened before the first GOAWAY was seen: the PING that follows it has not been answered yet.
	p.must(p.headers(3, true, get()...))
	<-started
	o = p.until(func(o *outcome) bool { return o.gone })
	if o.last != 3 {
		t.Errorf("last GOAWAY names %d", o.last)
	}
	// A client that has not seen it yet goes on; that is ignored, and harms no other stream.
	p.must(p.headers(5, false, post()...))
	p.must(p.fr.WriteData(5, false, []byte("x")))
	p.must(p.fr.WriteWindowUpdate(5, 1))
	p.must(p.fr.WriteRSTStream(5, xhttp2.ErrCodeCancel))
	p.must(p.fr.WritePing(false, [8]byte{1}))
	p.until(func(o *outcome) bool { return o.pings == 1 })
	close(release)
	o = p.until(closed)
	if o.status[1] != "200" || o.status[3] != "200" || o.status[5] != "" {
		t.Errorf("%+v", o.status)
	}
	var ce *ConnError
	if err := <-ended; !errors.As(err, &ce) || ce.Code != CodeNo {
		t.Errorf("Serve: %v", err)
	}
}

// TestBriefStreamsAreNotIdleness: streams so short that no tick sees them keep a connection alive all the same. The
// ticks are the test's.
func TestBriefStreamsAreNotIdleness(t *testing.T) {
	idle := time.Minute
	sc, nc, _ := serveOne(t, &ServerConfig{Limits: Limits{IdleTimeout: idle}}, hello())
	cc := NewClientConn(nc, &ClientConfig{})
	t.Cleanup(func() {
		_ = cc.Close()
		<-cc.Done()
	})
	quiet := func() bool {
		sc.mu.Lock()
		defer sc.mu.Unlock()
		return sc.watch.settingsAcked && len(sc.streams) == 0 && sc.out.since.Load() == 0
	}
	eventually(t, quiet)
	sc.watch.stop(&sc.conn)
	tick := func(now time.Duration) *ConnError {
		sc.mu.Lock()
		defer sc.mu.Unlock()
		sc.clock.Store(int64(now))
		return sc.judge(now).fail
	}
	now := time.Since(sc.start)
	for range 10 {
		now += idle / 2
		if err := tick(now); err != nil {
			t.Fatal(err)
		}
		if a := roundTrip(cc, request("GET", "a.example", "/")); a.err != nil {
			t.Fatal(a.err)
		}
		eventually(t, quiet)
	}
	if err := tick(now + idle - 1); err != nil {
		t.Errorf("too early: %v", err)
	}
	if err := tick(now + idle); err == nil || err.Reason != ReasonIdle {
		t.Errorf("a connection without streams goes on: %v", err)
	}
}

// TestUnread: a sniffer of protocols gives back what it took.
func TestUnread(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	served := make(chan error, 1)
	go func() {
		nc, err := ln.Accept()
		if err != nil {
			served <- err
			return
		}
		buf := make([]byte, 30)
		n, err := nc.Read(buf)
		if err != nil {
			served <- err
			return
		}
		sc := NewServerConn(nc, &ServerConfig{})
		sc.Unread(buf[:n])
		served <- sc.Serve(echo)
	}()
	cc := dial(t, ln.Addr().String(), &ClientConfig{})
	if a := roundTrip(cc, request("GET", "a.example", "/")); a.err != nil || a.resp.Status != 200 {
		t.Error(a.err)
	}
	_ = cc.Close()
	<-served
}

// TestNotHTTP2: something else on the port is told and closed.
func TestNotHTTP2(t *testing.T) {
	var ev events
	addr := listen(t, &ServerConfig{Report: ev.report}, echo)
	nc, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	p := newRawPeer(t, nc)
	p.must(p.write([]byte("GET / HTTP/1.1\r\nHost: a.example\r\n\r\n")))
	if o := p.until(closed); o.debug != string(ReasonBadPreface) || ev.count(ReasonBadPreface) != 1 {
		t.Errorf("%+v", o)
	}
}

// TestClientGone: the handler learns of a reset, by call and by channel, and its calls fail.
func TestClientGone(t *testing.T) {
	called := make(chan struct{})
	result := make(chan error, 2)
	addr := listen(t, &ServerConfig{}, func(st *ServerStream) {
		st.OnCancel(func() { close(called) })
		<-st.Done()
		_, err := st.Request().Body.Next()
		result <- err
		result <- st.WriteHead(200, nil, true)
	})
	p := rawClient(t, addr)
	p.must(p.headers(1, false, post()...))
	p.must(p.fr.WriteRSTStream(1, xhttp2.ErrCodeCancel))
	<-called
	for range 2 {
		if err := <-result; ReasonOf(err) != ReasonPeerReset {
			t.Errorf("%v", err)
		}
	}
}

// TestAbortBody: a time-out on the request's body ends reading, and the answer is still written.
func TestAbortBody(t *testing.T) {
	timeout := errors.New("too slow")
	addr := listen(t, &ServerConfig{}, func(st *ServerStream) {
		go st.AbortBody(timeout)
		if _, err := st.Request().Body.Next(); !errors.Is(err, timeout) {
			t.Errorf("body: %v", err)
		}
		_ = st.WriteHead(408, nil, true)
	})
	p := rawClient(t, addr)
	p.must(p.headers(1, false, post()...))
	o := p.until(func(o *outcome) bool { return len(o.resets) > 0 })
	if o.status[1] != "408" || o.resets[1] != xhttp2.ErrCodeNo {
		t.Errorf("%+v", o)
	}
}

// TestAbandonedAnswer: a handler that returns in the middle resets its stream.
func TestAbandonedAnswer(t *testing.T) {
	addr := listen(t, &ServerConfig{}, func(st *ServerStream) { _ = st.WriteHead(200, nil, false) })
	p := rawClient(t, addr)
	p.must(p.headers(1, true, get()...))
	o := p.until(func(o *outcome) bool { return len(o.resets) > 0 })
	if o.resets[1] != xhttp2.ErrCodeInternal {
		t.Errorf("%+v", o)
	}
}

// TestUnreadBodyReturnsWindow: bodies that nobody reads do not use up the connection.
func TestUnreadBodyReturnsWindow(t *testing.T) {
	addr := listen(t, &ServerConfig{Limits: Limits{ConnWindow: 70000, StreamWindow: 70000}}, func(st *ServerStream) {
		_ = st.WriteHead(200, nil, true)
	})
	cc := dial(t, addr, &ClientConfig{})
	for range 50 {
		cs, err := cc.Open(request("POST", addr, "/"), false)
		if err != nil {
			t.Fatal(err)
		}
		// The answer may come, and with it the request to stop, before all is sent.
		_ = cs.WriteData(make([]byte, 20000), true)
		var resp message.Response
		if err := cs.ReadHead(&resp, nil); err != nil || resp.Status != 200 {
			t.Fatal(err)
		}
		cs.Close()
	}
}

// TestInformational passes 1xx answers through, and large header blocks in several frames.
func TestInformational(t *testing.T) {
	var big header.Map
	value := make([]byte, 20000)
	for i := range value {
		value[i] = 'a' + byte(i%26)
	}
	big.Add([]byte("x-big"), value)
	addr := listen(t, &ServerConfig{}, func(st *ServerStream) {
		_ = st.WriteInformational(103, &big)
		_ = st.WriteHead(200, &big, true)
	})
	cc := dial(t, addr, &ClientConfig{})
	a := roundTrip(cc, request("GET", addr, "/"))
	if v, _ := a.resp.Header.GetName([]byte("x-big")); a.err != nil || len(a.informs) != 1 || len(v) != len(value) {
		t.Errorf("%v %v %d", a.err, a.informs, len(v))
	}
}

// TestForbiddenFieldsAreNotSent: what HTTP/1 leaves behind does not reach HTTP/2.
func TestForbiddenFieldsAreNotSent(t *testing.T) {
	addr := listen(t, &ServerConfig{}, func(st *ServerStream) {
		req := st.Request()
		for i := range req.Header.Len() {
			t.Errorf("got %s", req.Header.At(i).Name)
		}
		_ = st.WriteHead(200, &req.Header, true)
	})
	cc := dial(t, addr, &ClientConfig{})
	req := request("GET", addr, "/", "connection", "close", "transfer-encoding", "chunked", "upgrade", "h2c",
		"keep-alive", "1", "proxy-connection", "close", "http2-settings", "AA", "host", "b.example", "te", "gzip")
	if a := roundTrip(cc, req); a.err != nil {
		t.Error(a.err)
	}
}
