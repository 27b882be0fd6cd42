package http2

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/spillway-lb/spillway/internal/proxy/header"
	"github.com/spillway-lb/spillway/internal/proxy/message"
)

// listen starts a server on loopback that serves every connection with the handler until the test ends.
func listen(t testing.TB, cfg *ServerConfig, h Handler) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	conns := map[*ServerConn]bool{}
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			nc, err := ln.Accept()
			if err != nil {
				return
			}
			sc := NewServerConn(nc, cfg)
			mu.Lock()
			conns[sc] = true
			mu.Unlock()
			wg.Go(func() {
				_ = sc.Serve(h)
				mu.Lock()
				delete(conns, sc)
				mu.Unlock()
			})
		}
	})
	t.Cleanup(func() {
		_ = ln.Close()
		mu.Lock()
		for sc := range conns {
			_ = sc.Close()
		}
		mu.Unlock()
		wg.Wait()
	})
	return ln.Addr().String()
}

// dial opens a client connection that is closed when the test ends.
func dial(t testing.TB, addr string, cfg *ClientConfig) *ClientConn {
	t.Helper()
	nc, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	cc := NewClientConn(nc, cfg)
	t.Cleanup(func() {
		_ = cc.Close()
		<-cc.Done()
	})
	return cc
}

// echo answers with the request's body, and with its head in fields.
func echo(st *ServerStream) {
	req := st.Request()
	var h header.Map
	h.Add([]byte("x-method"), req.Method)
	h.Add([]byte("x-path"), req.Path)
	h.Add([]byte("x-authority"), req.Authority)
	h.Add([]byte("x-length"), fmt.Append(nil, req.ContentLength))
	if v, ok := req.Header.Get(header.Cookie); ok {
		h.Add([]byte("x-cookie"), v)
	}
	if req.Body == nil {
		_ = st.WriteHead(200, &h, true)
		return
	}
	if st.WriteHead(200, &h, false) != nil {
		return
	}
	for {
		p, err := req.Body.Next()
		if err == io.EOF {
			break
		}
		if err != nil || st.WriteData(p, false) != nil {
			return
		}
	}
	if tr := req.Body.Trailers(); tr != nil {
		_ = st.WriteTrailers(tr)
		return
	}
	_ = st.WriteData(nil, true)
}

func h2cClient(t testing.TB) *http.Client {
	tr := &http.Transport{Protocols: new(http.Protocols)}
	tr.Protocols.SetUnencryptedHTTP2(true)
	t.Cleanup(tr.CloseIdleConnections)
	return &http.Client{Transport: tr}
}

func TestNetHTTPClient(t *testing.T) {
	addr := listen(t, &ServerConfig{}, echo)
	client := h2cClient(t)
	for _, size := range []int{0, 1, 1000, 16384, 70000, 3 << 20} {
		t.Run(fmt.Sprint(size), func(t *testing.T) {
			want := bytes.Repeat([]byte("abcdefg"), size/7+1)[:size]
			req, err := http.NewRequest("POST", "http://"+addr+"/p?q=1", bytes.NewReader(want))
			if err != nil {
				t.Fatal(err)
			}
			req.AddCookie(&http.Cookie{Name: "a", Value: "1"})
			req.AddCookie(&http.Cookie{Name: "b", Value: "2"})
			resp, err := client.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			got, err := io.ReadAll(resp.Body)
			if err != nil || !bytes.Equal(got, want) {
				t.Fatalf("%d bytes, %v", len(got), err)
			}
			for k, v := range map[string]string{"x-method": "POST", "x-path": "/p?q=1", "x-authority": addr, "x-cookie": "a=1; b=2"} {
				if resp.Header.Get(k) != v {
					t.Errorf("%s: %q, want %q", k, resp.Header.Get(k), v)
				}
			}
		})
	}
}

func TestNetHTTPClientTrailers(t *testing.T) {
	addr := listen(t, &ServerConfig{}, echo)
	req, _ := http.NewRequest("POST", "http://"+addr+"/", strings.NewReader("body"))
	req.Trailer = http.Header{"X-Sum": {"42"}}
	resp, err := h2cClient(t).Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil || string(body) != "body" || resp.Trailer.Get("x-sum") != "42" {
		t.Fatalf("%q %v %v", body, resp.Trailer, err)
	}
}

// netHTTPServer serves a handler with net/http over HTTP/2 without TLS.
func netHTTPServer(t testing.TB, h http.Handler) string {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	srv := &http.Server{Handler: h, Protocols: new(http.Protocols)}
	srv.Protocols.SetUnencryptedHTTP2(true)
	go func() { _ = srv.Serve(ln) }()
	t.Cleanup(func() { _ = srv.Close() })
	return ln.Addr().String()
}

func request(method, authority, path string, fields ...string) *message.Request {
	req := &message.Request{
		Method: []byte(method), Scheme: []byte("http"), Authority: []byte(authority), Path: []byte(path),
	}
	for i := 0; i < len(fields); i += 2 {
		req.Header.Add([]byte(fields[i]), []byte(fields[i+1]))
	}
	return req
}

func readBody(b message.Body) ([]byte, error) {
	if b == nil {
		return nil, nil
	}
	defer b.Close()
	var all []byte
	for {
		p, err := b.Next()
		if err == io.EOF {
			return all, nil
		}
		if err != nil {
			return all, err
		}
		all = append(all, p...)
	}
}

func TestNetHTTPServer(t *testing.T) {
	addr := netHTTPServer(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Trailer", "X-Sum")
		w.Header().Set("X-Path", r.URL.String())
		_, _ = io.Copy(w, r.Body)
		w.Header().Set("X-Sum", r.Trailer.Get("X-In"))
	}))
	cc := dial(t, addr, &ClientConfig{})
	for _, size := range []int{0, 1, 1000, 16384, 70000, 3 << 20} {
		t.Run(fmt.Sprint(size), func(t *testing.T) {
			want := bytes.Repeat([]byte("abcdefg"), size/7+1)[:size]
			cs, err := cc.Open(request("POST", addr, "/p?q=1", "trailer", "x-in"), false)
			if err != nil {
				t.Fatal(err)
			}
			defer cs.Close()
			sent := make(chan error, 1)
			go func() {
				var tr header.Map
				tr.Add([]byte("x-in"), []byte("7"))
				err := cs.WriteData(want, false)
				if err == nil {
					err = cs.WriteTrailers(&tr)
				}
				sent <- err
			}()
			var resp message.Response
			if err := cs.ReadHead(&resp, nil); err != nil {
				t.Fatal(err)
			}
			body := resp.Body
			got, err := readBody(body)
			if err != nil || !bytes.Equal(got, want) {
				t.Fatalf("%d bytes, %v", len(got), err)
			}
			if err := <-sent; err != nil {
				t.Fatal(err)
			}
			if v, _ := body.Trailers().GetName([]byte("x-sum")); string(v) != "7" {
				t.Errorf("trailer %q", v)
			}
			if v, _ := resp.Header.GetName([]byte("x-path")); resp.Status != 200 || string(v) != "/p?q=1" {
				t.Errorf("%d %q", resp.Status, v)
			}
		})
	}
}
