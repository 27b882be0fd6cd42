package http2

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"testing"

	xhttp2 "golang.org/x/net/http2"

	"github.com/spillway-lb/spillway/internal/proxy/message"
)

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
