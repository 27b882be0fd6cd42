package proxy_test

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/net/websocket"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/health"
	"google.golang.org/grpc/health/grpc_health_v1"

	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
)

func TestNetHTTP(t *testing.T) {
	r := behind(t, http.HandlerFunc(echo))
	insecure := &tls.Config{InsecureSkipVerify: true}
	for name, c := range map[string]struct {
		url       string
		transport *http.Transport
		major     int
	}{
		"http/1.1": {"http://" + r.plain.String(), &http.Transport{}, 1},
		"tls":      {"https://" + r.tls.String(), &http.Transport{TLSClientConfig: insecure.Clone()}, 1},
		"h2":       {"https://" + r.tls.String(), &http.Transport{TLSClientConfig: insecure.Clone(), ForceAttemptHTTP2: true}, 2},
	} {
		t.Run(name, func(t *testing.T) {
			defer c.transport.CloseIdleConnections()
			client := &http.Client{Transport: c.transport, Timeout: 20 * time.Second}
			var wait sync.WaitGroup
			for i := range 50 {
				wait.Go(func() { netHTTPOnce(t, client, fmt.Sprintf("%s/%d", c.url, i), c.major, i*1000) })
			}
			wait.Wait()
		})
	}
}

func netHTTPOnce(t *testing.T, client *http.Client, url string, major, size int) {
	answer, err := client.Post(url, "text/plain", strings.NewReader(strings.Repeat("x", size)))
	if err != nil {
		t.Error(err)
		return
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil || answer.ProtoMajor != major || !strings.Contains(string(text), fmt.Sprintf(" %d ", size)) {
		t.Errorf("got %s %q, %v", answer.Proto, text, err)
	}
}

// TestGRPC runs grpc's own health service behind the proxy: a unary call, and a stream that changes while it is open.
func TestGRPC(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server, state := grpc.NewServer(), health.NewServer()
	grpc_health_v1.RegisterHealthServer(server, state)
	go func() { _ = server.Serve(l) }()
	defer server.Stop()
	r := newRig(t, lbv1.BackendProtocol_H2C, addrOf(l))
	conn, err := grpc.NewClient(r.tls.String(),
		grpc.WithTransportCredentials(credentials.NewTLS(&tls.Config{InsecureSkipVerify: true})))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	client := grpc_health_v1.NewHealthClient(conn)
	if _, err := client.Check(ctx, &grpc_health_v1.HealthCheckRequest{}); err != nil {
		t.Fatal(err)
	}
	stream, err := client.Watch(ctx, &grpc_health_v1.HealthCheckRequest{})
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []grpc_health_v1.HealthCheckResponse_ServingStatus{
		grpc_health_v1.HealthCheckResponse_SERVING, grpc_health_v1.HealthCheckResponse_NOT_SERVING,
	} {
		got, err := stream.Recv()
		if err != nil || got.GetStatus() != want {
			t.Fatalf("got %v, %v; want %v", got.GetStatus(), err, want)
		}
		state.SetServingStatus("", grpc_health_v1.HealthCheckResponse_NOT_SERVING)
	}
}

// echoMessages keeps message boundaries.
func echoMessages(c *websocket.Conn) {
	for {
		var message string
		if websocket.Message.Receive(c, &message) != nil || websocket.Message.Send(c, message) != nil {
			return
		}
	}
}

func TestWebSocket(t *testing.T) {
	r := behind(t, websocket.Handler(echoMessages))
	for _, url := range []string{"ws://" + r.plain.String() + "/ws", "wss://" + r.tls.String() + "/ws"} {
		config, err := websocket.NewConfig(url, "http://site.test")
		if err != nil {
			t.Fatal(err)
		}
		config.TlsConfig = &tls.Config{InsecureSkipVerify: true}
		c, err := config.DialContext(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		_ = c.SetDeadline(time.Now().Add(20 * time.Second))
		for i := range 100 {
			sent := strings.Repeat("m", i*100+1)
			var got string
			if err := websocket.Message.Send(c, sent); err != nil {
				t.Fatal(err)
			}
			if err := websocket.Message.Receive(c, &got); err != nil || got != sent {
				t.Fatalf("%s: message %d: %d bytes, %v", url, i, len(got), err)
			}
		}
		_ = c.Close()
	}
}
