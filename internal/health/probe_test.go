package health

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"

	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
	"github.com/spillway-lb/spillway/internal/grpchealth"
)

// probeOnce runs one probe against an address.
func probeOnce(t *testing.T, address string, h *lbv1.HealthCheck) Outcome {
	t.Helper()
	if h.Timeout == nil {
		h.Timeout = durationpb.New(5 * time.Second)
	}
	job := Job{netip.MustParseAddrPort(address), settingsOf(h)}
	ctx, cancel := context.WithTimeout(t.Context(), job.Settings.Timeout)
	defer cancel()
	return newProbeRunner(defaultUserAgent).run(ctx, job)
}

// listen serves raw connections on loopback.
func listen(t *testing.T, serve func(net.Conn)) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if errors.Is(err, net.ErrClosed) {
				return
			}
			go func() {
				defer c.Close()
				serve(c)
			}()
		}
	}()
	return l.Addr().String()
}

// backend answers by path and tells what it was asked.
func backend(w http.ResponseWriter, r *http.Request) {
	switch r.URL.Path {
	case "/ok":
		fmt.Fprintf(w, "%s %s %s %s", r.Proto, r.Host, r.UserAgent(), r.URL.RawQuery)
	case "/late":
		fmt.Fprint(w, strings.Repeat("x", maxAnswer), "needle")
	case "/204":
		w.WriteHeader(http.StatusNoContent)
	case "/moved":
		http.Redirect(w, r, "/ok", http.StatusFound)
	default:
		http.NotFound(w, r)
	}
}

// servers is one backend for each kind of HTTP.
func servers(t *testing.T) map[lbv1.HealthCheck_Type]string {
	plain := httptest.NewServer(http.HandlerFunc(backend))
	secure := httptest.NewTLSServer(http.HandlerFunc(backend))
	h2 := httptest.NewUnstartedServer(http.HandlerFunc(backend))
	h2.EnableHTTP2 = true
	h2.StartTLS()
	t.Cleanup(plain.Close)
	t.Cleanup(secure.Close)
	t.Cleanup(h2.Close)
	return map[lbv1.HealthCheck_Type]string{
		lbv1.HealthCheck_HTTP: plain.Listener.Addr().String(), lbv1.HealthCheck_HTTPS: secure.Listener.Addr().String(),
		lbv1.HealthCheck_HTTP2: h2.Listener.Addr().String(),
	}
}

func TestHTTPFamily(t *testing.T) {
	for kind, address := range servers(t) {
		t.Run(kind.String(), func(t *testing.T) {
			proto := "HTTP/1.1"
			if kind == lbv1.HealthCheck_HTTP2 {
				proto = "HTTP/2.0"
			}
			for _, c := range []struct {
				path, host, response, want string
				ok                         bool
			}{
				{"/ok", "", "", "HTTP 200", true},
				{"/ok?a=b", "check.example", proto + " check.example GoogleHC/1.0 a=b", "HTTP 200", true},
				{"/ok", "", " 127.0.0.1 ", "HTTP 200", true}, // the host is the endpoint's address
				{"/ok", "", "needle", "HTTP 200, but the answer does not have the expected response", false},
				{"/late", "", "needle", "HTTP 200, but the answer does not have the expected response", false},
				{"/204", "", "", "HTTP 204", false},
				{"/moved", "", "", "HTTP 302", false},
				{"/none", "", "", "HTTP 404", false},
			} {
				got := probeOnce(t, address, &lbv1.HealthCheck{Type: kind, RequestPath: c.path, Host: c.host, Response: c.response})
				if got.OK != c.ok || got.Detail != c.want || got.Silent {
					t.Errorf("%s: %+v, want %s", c.path, got, c.want)
				}
			}
		})
	}
}

func TestHTTP2NeedsALPN(t *testing.T) {
	secure := httptest.NewTLSServer(http.HandlerFunc(backend))
	defer secure.Close()
	got := probeOnce(t, secure.Listener.Addr().String(), &lbv1.HealthCheck{Type: lbv1.HealthCheck_HTTP2, RequestPath: "/ok"})
	if got.OK {
		t.Errorf("%+v", got)
	}
}

func TestFixedPort(t *testing.T) {
	plain := httptest.NewServer(http.HandlerFunc(backend))
	defer plain.Close()
	port := netip.MustParseAddrPort(plain.Listener.Addr().String()).Port()
	got := probeOnce(t, "127.0.0.1:1", &lbv1.HealthCheck{
		Type: lbv1.HealthCheck_HTTP, RequestPath: "/ok", PortSpecification: lbv1.HealthCheck_USE_FIXED_PORT, Port: uint32(port),
	})
	if !got.OK {
		t.Errorf("%+v", got)
	}
}

func TestTCP(t *testing.T) {
	echo := listen(t, func(c net.Conn) {
		line, _ := bufio.NewReader(c).ReadString('\n')
		io.WriteString(c, "you said ")
		io.WriteString(c, line)
	})
	for _, c := range []struct {
		request, response string
		ok                bool
	}{{"", "", true}, {"PING\n", "said PING", true}, {"PING\n", "PONG", false}} {
		got := probeOnce(t, echo, &lbv1.HealthCheck{Type: lbv1.HealthCheck_TCP, Request: c.request, Response: c.response})
		if got.OK != c.ok {
			t.Errorf("request %q, response %q: %+v", c.request, c.response, got)
		}
	}
}

func TestProxyHeader(t *testing.T) {
	got := make(chan string, 1)
	address := listen(t, func(c net.Conn) {
		line, _ := bufio.NewReader(c).ReadString('\n')
		got <- line + " from " + c.RemoteAddr().String()
	})
	probeOnce(t, address, &lbv1.HealthCheck{Type: lbv1.HealthCheck_TCP, ProxyHeader: lbv1.HealthCheck_PROXY_V1})
	line, from, _ := strings.Cut(<-got, " from ")
	peer, server := netip.MustParseAddrPort(from), netip.MustParseAddrPort(address)
	if want := fmt.Sprintf("PROXY TCP4 127.0.0.1 127.0.0.1 %d %d\r\n", peer.Port(), server.Port()); line != want {
		t.Errorf("got %q, want %q", line, want)
	}
}

// grpcServer answers every Check with a status.
func grpcServer(t *testing.T, answer func(w http.ResponseWriter, request []byte)) string {
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		if r.URL.Path != grpchealth.Path || r.Header.Get("Content-Type") != "application/grpc" || r.ProtoMajor != 2 {
			http.NotFound(w, r)
			return
		}
		w.Header().Set("Content-Type", "application/grpc")
		answer(w, body)
	}))
	s.Config.Protocols = new(http.Protocols)
	s.Config.Protocols.SetUnencryptedHTTP2(true)
	s.Start()
	t.Cleanup(s.Close)
	return s.Listener.Addr().String()
}

func TestGRPC(t *testing.T) {
	serving := func(status byte, code string) func(http.ResponseWriter, []byte) {
		return func(w http.ResponseWriter, request []byte) {
			if want := "\x00\x00\x00\x00\x05\x0a\x03svc"; string(request) != want {
				code = "3"
			}
			w.Header().Set("Trailer", "Grpc-Status")
			w.Write([]byte{0, 0, 0, 0, 2, 8, status})
			w.Header().Set("Grpc-Status", code)
		}
	}
	trailersOnly := func(w http.ResponseWriter, _ []byte) { w.Header().Set("Grpc-Status", "12") }
	for _, c := range []struct {
		name   string
		answer func(http.ResponseWriter, []byte)
		want   string
		ok     bool
	}{
		{"serving", serving(1, "0"), "gRPC SERVING", true},
		{"not serving", serving(2, "0"), "gRPC NOT_SERVING", false},
		{"error", serving(1, "14"), "gRPC status 14", false},
		{"unimplemented", trailersOnly, "gRPC status 12", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := probeOnce(t, grpcServer(t, c.answer), &lbv1.HealthCheck{Type: lbv1.HealthCheck_GRPC, GrpcServiceName: "svc"})
			if got.OK != c.ok || got.Detail != c.want {
				t.Errorf("%+v, want %s", got, c.want)
			}
		})
	}
}

func TestFailures(t *testing.T) {
	mute := listen(t, func(c net.Conn) { io.Copy(io.Discard, c) })
	closing := listen(t, func(net.Conn) {})
	gone, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	gone.Close()
	for _, c := range []struct {
		name, address, want string
		silent              bool
	}{
		{"mute", mute, "no answer in 50ms", true},
		{"closing", closing, "connection closed", false},
		{"refused", gone.Addr().String(), "connection refused", false},
	} {
		for _, kind := range []lbv1.HealthCheck_Type{lbv1.HealthCheck_HTTP, lbv1.HealthCheck_HTTPS, lbv1.HealthCheck_GRPC} {
			timeout := 5 * time.Second
			if c.silent {
				timeout = 50 * time.Millisecond
			}
			got := probeOnce(t, c.address, &lbv1.HealthCheck{Type: kind, Timeout: durationpb.New(timeout)})
			if got.OK || got.Silent != c.silent || (got.Detail != c.want && kind == lbv1.HealthCheck_HTTP) {
				t.Errorf("%s, %v: %+v, want %s", c.name, kind, got, c.want)
			}
		}
	}
}
