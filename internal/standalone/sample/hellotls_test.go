package sample

import (
	"io"
	"net/http/httptest"
	"strings"
	"testing"
)

func TestHelloAppTLS(t *testing.T) {
	c := Container{Env: map[string]string{"TLS_CERT": "/tls/crt", "TLS_KEY": "/tls/key"}, Files: pemFiles(t)}
	b, err := helloAppTLS(pod, c)
	if err != nil || len(b.Ports) != 1 || b.Ports[0] != 8443 || b.TLS[8443] == nil {
		t.Fatalf("%v %+v", err, b)
	}
	server := httptest.NewUnstartedServer(b.Handler)
	server.TLS, server.EnableHTTP2 = b.TLS[8443].Clone(), true
	server.StartTLS()
	defer server.Close()
	answer, err := server.Client().Get(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	want := "Hello, world!\nProtocol: HTTP/2.0\nHostname: " + pod.Name + "\n"
	if body, err := io.ReadAll(answer.Body); err != nil || string(body) != want {
		t.Errorf("%v %q", err, body)
	}
	if _, err := helloAppTLS(pod, Container{Env: c.Env}); err == nil || !strings.Contains(err.Error(), "/tls/crt") {
		t.Errorf("without its files: %v", err)
	}
}
