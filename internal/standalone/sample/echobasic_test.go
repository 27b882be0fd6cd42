package sample

import (
	"bytes"
	"context"
	"crypto/x509"
	"encoding/binary"
	"encoding/json"
	"encoding/pem"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/websocket"
	"google.golang.org/protobuf/encoding/protowire"
)

func TestEchoBasicPaths(t *testing.T) {
	server, _ := start(t, "echo-basic:v1", nil)
	_, body, header := get(t, server.URL+"//a//b", "X-Echo-Set-Header", "x-One:1, x-One: 2,Two:3")
	var e echo
	if err := json.Unmarshal([]byte(body), &e); err != nil || e.Path != "//a//b" || e.TLS != nil {
		t.Errorf("%v %+v", err, e)
	}
	if header.Get("X-One") != "1,2" || header.Get("Two") != "3" {
		t.Errorf("headers %v", header)
	}
}

func TestEchoBasicWebSocket(t *testing.T) {
	server, _ := start(t, "echo-basic", nil)
	ws, err := websocket.Dial("ws"+strings.TrimPrefix(server.URL, "http")+"/ws", "", server.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer ws.Close()
	var got string
	if err := websocket.Message.Send(ws, "hello"); err != nil {
		t.Fatal(err)
	}
	if err := websocket.Message.Receive(ws, &got); err != nil || got != "hello" {
		t.Errorf("%q %v", got, err)
	}
}

// pemFiles are the certificate of httptest's servers, and its key, as a container's files.
func pemFiles(t *testing.T) map[string][]byte {
	t.Helper()
	server := httptest.NewTLSServer(nil)
	defer server.Close()
	pair := server.TLS.Certificates[0]
	key, err := x509.MarshalPKCS8PrivateKey(pair.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	return map[string][]byte{
		"/tls/crt": pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: pair.Certificate[0]}),
		"/tls/key": pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key}),
	}
}

func TestEchoBasicTLS(t *testing.T) {
	c := Container{
		Env:   map[string]string{"TLS_SERVER_CERT": "/tls/crt", "TLS_SERVER_PRIVKEY": "/tls/key", "TLS_CLIENT_CACERTS": "/tls/crt"},
		Files: pemFiles(t),
	}
	b, err := echoBasic(pod, c)
	if err != nil || !slices.Equal(b.Ports, []uint16{3000, 3001, 8443}) {
		t.Fatalf("%v %+v", err, b)
	}
	server := httptest.NewUnstartedServer(b.Handler)
	server.TLS = b.TLS[8443].Clone()
	server.EnableHTTP2 = true
	server.StartTLS()
	defer server.Close()
	answer, err := server.Client().Get(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	var e echo
	if err := json.NewDecoder(answer.Body).Decode(&e); err != nil || e.TLS == nil || e.TLS.Version != "TLSv1.3" ||
		e.TLS.NegotiatedProtocol != "h2" || len(e.TLS.PeerCertificates) != 0 {
		t.Errorf("%v %+v", err, e.TLS)
	}
	for _, missing := range []string{"/tls/key", "/tls/crt"} {
		files := pemFiles(t)
		delete(files, missing)
		if _, err := echoBasic(pod, Container{Env: c.Env, Files: files}); err == nil || !strings.Contains(err.Error(), missing) {
			t.Errorf("without %s: %v", missing, err)
		}
	}
}

// call makes a gRPC call; message is nil if the answer has none.
func call(t *testing.T, server *httptest.Server, method string) (message []byte, status, text string) {
	t.Helper()
	transport := &http.Transport{Protocols: new(http.Protocols)}
	transport.Protocols.SetUnencryptedHTTP2(true)
	defer transport.CloseIdleConnections()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, server.URL+method, strings.NewReader("\x00\x00\x00\x00\x00"))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/grpc")
	request.Header.Set("X-Test", "yes")
	answer, err := transport.RoundTrip(request)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	if len(body) > 0 {
		if n := binary.BigEndian.Uint32(body[1:]); int(n) != len(body)-5 {
			t.Fatalf("a message of %d in %d bytes", n, len(body))
		}
		return body[5:], answer.Trailer.Get("Grpc-Status"), ""
	}
	return nil, answer.Header.Get("Grpc-Status"), answer.Header.Get("Grpc-Message")
}

// fields are a message's fields of bytes.
func fields(t *testing.T, b []byte) map[protowire.Number][]string {
	t.Helper()
	out := map[protowire.Number][]string{}
	for len(b) > 0 {
		number, kind, n := protowire.ConsumeTag(b)
		if n < 0 || kind != protowire.BytesType {
			t.Fatalf("%x", b)
		}
		v, m := protowire.ConsumeBytes(b[n:])
		if m < 0 {
			t.Fatalf("%x", b)
		}
		out[number] = append(out[number], string(v))
		b = b[n+m:]
	}
	return out
}

func TestEchoBasicGRPC(t *testing.T) {
	b, err := echoBasic(pod, Container{Env: map[string]string{"GRPC_ECHO_SERVER": "1"}})
	if err != nil || !slices.Equal(b.Ports, []uint16{3000}) {
		t.Fatalf("%v %+v", err, b)
	}
	server := httptest.NewUnstartedServer(b.Handler)
	server.Config.Protocols = new(http.Protocols)
	server.Config.Protocols.SetHTTP1(true)
	server.Config.Protocols.SetUnencryptedHTTP2(true)
	server.Listener, err = (&net.ListenConfig{}).Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server.Start()
	defer server.Close()
	message, status, _ := call(t, server, grpcEchoService+"EchoTwo")
	if status != "0" {
		t.Fatalf("status %q", status)
	}
	assertions := fields(t, []byte(fields(t, message)[1][0]))
	if assertions[1][0] != grpcEchoService+"EchoTwo" || !slices.Contains(assertions[2], "\n\x06x-test\x12\x03yes") ||
		fields(t, []byte(assertions[4][0]))[4][0] != pod.Name {
		t.Errorf("%q", assertions)
	}
	for method, want := range map[string]string{
		grpcEchoService + "EchoThree": "method EchoThree not implemented",
		grpcEchoService + "Else":      "unknown method Else for service gateway_api_conformance.echo_basic.grpcecho.GrpcEcho",
		"/a.B/C":                      "unknown service a.B",
	} {
		if _, status, text := call(t, server, method); status != "12" || text != want {
			t.Errorf("%s: %q %q", method, status, text)
		}
	}
	if status, _, _ := get(t, server.URL); status != http.StatusUnsupportedMediaType {
		t.Errorf("HTTP/1 is answered %d", status)
	}
}

// TestEchoBasicSaysWhoGotWhat: the conformance suite looks for mirrored requests in what the Pod has printed.
func TestEchoBasicSaysWhoGotWhat(t *testing.T) {
	var out bytes.Buffer
	b, err := echoBasic(pod, Container{Output: &out})
	if err != nil {
		t.Fatal(err)
	}
	r := httptest.NewRequest(http.MethodGet, "/mirror?id=1", nil)
	r.RemoteAddr = "127.0.0.1:9"
	b.Handler.ServeHTTP(httptest.NewRecorder(), r)
	if want := "Echoing back request made to /mirror?id=1 to client (127.0.0.1:9)\n"; out.String() != want {
		t.Errorf("%q, want %q", out.String(), want)
	}
}
