package sample

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// startH2C runs a program on a socket that speaks HTTP/2 without TLS.
func startH2C(t *testing.T, image string) (at string) {
	t.Helper()
	program, _ := Find(image)
	b, err := program(pod, Container{Image: image})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewUnstartedServer(b.Handler)
	server.Config.Protocols = new(http.Protocols)
	server.Config.Protocols.SetUnencryptedHTTP2(true)
	server.Start()
	t.Cleanup(server.Close)
	return server.Listener.Addr().String()
}

func TestGRPCAppAndItsHealthProxy(t *testing.T) {
	at := startH2C(t, "docker.io/salrashid123/grpc_app")
	program, _ := Find("salrashid123/grpc_health_proxy")
	for _, tc := range []struct {
		service, body string
		status        int
	}{
		{"echo.EchoServer", "echo.EchoServer SERVING\n", http.StatusOK},
		{"other", "gRPC status 5\n", http.StatusBadGateway},
	} {
		b, err := program(Pod{IP: "127.0.0.1"}, Container{Args: []string{
			"--http-listen-path=/healthz", "--grpcaddr=localhost:" + at[strings.LastIndexByte(at, ':')+1:], "--service-name", tc.service,
		}})
		if err != nil {
			t.Fatal(err)
		}
		proxy := httptest.NewServer(b.Handler)
		defer proxy.Close()
		if status, body, _ := get(t, proxy.URL+"/healthz"); status != tc.status || body != tc.body {
			t.Errorf("%s: %d %q, want %d %q", tc.service, status, body, tc.status, tc.body)
		}
	}
	if _, err := program(pod, Container{Args: []string{"--grpctls=true"}}); err == nil {
		t.Error("TLS, which is not built in, is taken")
	}
	transport := &http.Transport{Protocols: new(http.Protocols)}
	transport.Protocols.SetUnencryptedHTTP2(true)
	defer transport.CloseIdleConnections()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+at+"/echo.EchoServer/SayHello",
		bytes.NewReader([]byte("\x00\x00\x00\x00\x06\x0a\x04jack")))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/grpc")
	answer, err := transport.RoundTrip(request)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil || !strings.Contains(string(body), "Hello jack from hostname "+pod.Name) || answer.Trailer.Get("Grpc-Status") != "0" {
		t.Errorf("%q, %v, %v", body, answer.Trailer, err)
	}
}
