package proxy_test

import (
	"fmt"
	"io"
	"net"
	"strings"
	"testing"

	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
	"github.com/spillway-lb/spillway/internal/proxy/http2"
	"github.com/spillway-lb/spillway/internal/proxy/message"
)

// http2Backend serves HTTP/2 without TLS with a handler on streams.
func http2Backend(t testing.TB, h http2.Handler) string {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = ln.Close() })
	go func() {
		for {
			nc, err := ln.Accept()
			if err != nil {
				return
			}
			go func() { _ = http2.NewServerConn(nc, &http2.ServerConfig{}).Serve(h) }()
		}
	}()
	return ln.Addr().String()
}

// tunnelStream answers an extended CONNECT and sends back what it gets.
func tunnelStream(st *http2.ServerStream) {
	req := st.Request()
	if string(req.Method) != "CONNECT" || string(req.Protocol) != "websocket" || string(req.Path) != "/chat" {
		_ = st.WriteHead(400, nil, true)
		return
	}
	_ = st.WriteHead(200, nil, false)
	_ = st.WriteData([]byte("first"), false)
	for {
		if !req.Body.(http2.Readier).Ready() {
			st.Flush()
		}
		p, err := req.Body.Next()
		if err != nil {
			break
		}
		if st.WriteData(p, false) != nil {
			return
		}
	}
	_ = st.WriteData(nil, true)
}

// quietTunnelStream is tunnelStream for a client that speaks first.
func quietTunnelStream(st *http2.ServerStream) {
	_ = st.WriteHead(200, nil, false)
	st.Flush()
	for {
		p, err := st.Request().Body.Next()
		if err != nil || st.WriteData(p, false) != nil {
			return
		}
		st.Flush()
	}
}

// tunnelConn is the same over HTTP/1.
func tunnelConn(c *rawConn) {
	head := c.head()
	if !strings.HasPrefix(head, "GET /chat HTTP/1.1\r\n") || !strings.Contains(head, "connection: upgrade\r\nupgrade: websocket\r\n") ||
		!strings.Contains(head, "sec-websocket-key: ") {
		c.say("HTTP/1.1 400 Bad\r\nContent-Length: 0\r\n\r\n")
		return
	}
	c.say("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: x\r\n\r\nfirst")
	_, _ = io.Copy(c.Conn, c.r)
}

// TestWebSocketOverHTTP2: a tunnel with a stream at either end, or at both.
func TestWebSocketOverHTTP2(t *testing.T) {
	h2c := func(m *model) { m.service.Protocol = lbv1.BackendProtocol_H2C }
	t.Run("HTTP/2 to HTTP/1", func(t *testing.T) {
		useStream(t, newRig(t, []string{rawBackend(t, tunnelConn)}, nil))
	})
	t.Run("HTTP/2 to HTTP/2", func(t *testing.T) {
		useStream(t, newRig(t, []string{http2Backend(t, tunnelStream)}, h2c))
	})
	t.Run("HTTP/1 to HTTP/2", func(t *testing.T) {
		r := newRig(t, []string{http2Backend(t, tunnelStream)}, h2c)
		c := r.dial()
		c.say("GET /chat HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n" +
			"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\nearly")
		head := c.head()
		if !strings.HasPrefix(head, "HTTP/1.1 101") || !strings.Contains(head, "upgrade: websocket") ||
			!strings.Contains(head, "sec-websocket-accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=") {
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
	})
}

// useStream opens a tunnel over HTTP/2, passes bytes both ways, and ends it.
func useStream(t *testing.T, r *rig) {
	nc, err := net.Dial("tcp", r.addr)
	if err != nil {
		t.Fatal(err)
	}
	cc := http2.NewClientConn(nc, &http2.ClientConfig{})
	defer func() {
		_ = cc.Close()
		<-cc.Done()
	}()
	cs, err := cc.Open(&message.Request{
		Method: []byte("CONNECT"), Protocol: []byte("websocket"), Scheme: []byte("http"), Authority: []byte("a"), Path: []byte("/chat"),
	}, false)
	if err != nil {
		t.Fatal(err)
	}
	defer cs.Close()
	var res message.Response
	if err := cs.ReadHead(&res, nil); err != nil || res.Status != 200 {
		t.Fatalf("%d %v", res.Status, err)
	}
	if v, ok := res.Header.GetName([]byte("sec-websocket-accept")); ok {
		t.Errorf("sec-websocket-accept: %s", v)
	}
	want := "first"
	go func() {
		for i := range 50 {
			_ = cs.WriteData([]byte(strings.Repeat(fmt.Sprint(i), 5000)), false)
			cs.Flush()
		}
		_ = cs.WriteData(nil, true)
	}()
	for i := range 50 {
		want += strings.Repeat(fmt.Sprint(i), 5000)
	}
	var got []byte
	for {
		p, err := res.Body.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatalf("after %d bytes: %v", len(got), err)
		}
		got = append(got, p...)
	}
	if string(got) != want {
		t.Errorf("got %d bytes, want %d", len(got), len(want))
	}
	res.Body.Close()
}

// TestPlainConnectIsRefused: this is a reverse proxy.
func TestPlainConnectIsRefused(t *testing.T) {
	r := newRig(t, []string{httpBackend(t, nil)}, nil)
	nc, err := net.Dial("tcp", r.addr)
	if err != nil {
		t.Fatal(err)
	}
	cc := http2.NewClientConn(nc, &http2.ClientConfig{})
	defer func() { _ = cc.Close() }()
	cs, err := cc.Open(&message.Request{Method: []byte("CONNECT"), Authority: []byte("a:443")}, false)
	if err != nil {
		t.Fatal(err)
	}
	defer cs.Close()
	var res message.Response
	if err := cs.ReadHead(&res, nil); err != nil || res.Status != 501 {
		t.Errorf("%d %v", res.Status, err)
	}
}
