package admin

import (
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
)

func TestHosts(t *testing.T) {
	loopback, elsewhere := &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 1}, &net.TCPAddr{IP: net.IPv4zero, Port: 1}
	fine := http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})
	for host, want := range map[string]int{
		"127.0.0.1:9901": 200, "127.0.0.1": 200, "[::1]:9901": 200, "[::1]": 200, "localhost:9901": 200, "LOCALHOST.": 200,
		"a.localhost": 200, "evil.example": 421, "evil.example:9901": 421, "localhost.evil.example": 421, "": 421,
		"127.0.0.1.evil.example": 421,
	} {
		r := httptest.NewRequest("GET", "/metrics", nil)
		r.Host = host
		w := httptest.NewRecorder()
		ownHosts(loopback, IsOwnHost, fine).ServeHTTP(w, r)
		if w.Code != want {
			t.Errorf("%q: %d, want %d", host, w.Code, want)
		}
		w = httptest.NewRecorder()
		ownHosts(elsewhere, IsOwnHost, fine).ServeHTTP(w, r)
		if w.Code != 200 {
			t.Errorf("%q beyond loopback: %d", host, w.Code)
		}
	}
	if !OnLoopback(loopback) || OnLoopback(elsewhere) || !OnLoopback(&net.TCPAddr{IP: net.IPv6loopback}) {
		t.Error("OnLoopback")
	}
}
