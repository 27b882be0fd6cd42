package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/hex"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	collectorv1 "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	tracev1 "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/grpc"
)

// collector is an OpenTelemetry collector.
type collector struct {
	collectorv1.UnimplementedTraceServiceServer
	spans chan *tracev1.Span
}

func (c *collector) Export(_ context.Context, q *collectorv1.ExportTraceServiceRequest) (*collectorv1.ExportTraceServiceResponse, error) {
	for _, resource := range q.GetResourceSpans() {
		for _, scope := range resource.GetScopeSpans() {
			for _, span := range scope.GetSpans() {
				c.spans <- span
			}
		}
	}
	return &collectorv1.ExportTraceServiceResponse{}, nil
}

func newCollector(t *testing.T) (c *collector, endpoint string) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	c = &collector{spans: make(chan *tracev1.Span, 16)}
	server := grpc.NewServer()
	collectorv1.RegisterTraceServiceServer(server, c)
	go func() { _ = server.Serve(ln) }() // until it is stopped
	t.Cleanup(server.Stop)
	return c, ln.Addr().String()
}

// startProxy runs `spillway proxy` with a frontend that answers by itself, and returns its URL and what ends it.
func startProxy(t *testing.T, flags ...string) (url string, end func()) {
	t.Helper()
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	port := free.Addr().(*net.TCPAddr).Port
	_ = free.Close()
	file := filepath.Join(t.TempDir(), "model.json")
	model := fmt.Sprintf(`{"seq": 1, "resources": [
		{"name": "f", "forwardingRule": {"port": %d, "targetProxy": "f", "vips": [{"address": "127.0.0.1"}]}},
		{"name": "f", "targetProxy": {"urlMap": "f"}},
		{"name": "f", "urlMap": {"defaultService": "f"}},
		{"name": "f", "backendService": {"abortStatus": 200}}]}`, port)
	if err := os.WriteFile(file, []byte(model), 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan int, 1)
	var stderr bytes.Buffer
	stdout, printed := io.Pipe()
	go func() {
		args := append([]string{"proxy", "--config", file}, flags...)
		status := run(ctx, args, bytes.NewReader(nil), printed, &stderr)
		_ = printed.Close()
		ended <- status
	}()
	end = func() {
		cancel()
		if status := <-ended; status != 0 {
			t.Errorf("status %d: %s", status, &stderr)
		}
	}
	lines := bufio.NewReader(stdout)
	line, err := lines.ReadString('\n')
	fields := strings.Fields(line)
	if err != nil || len(fields) == 0 {
		end()
		t.Fatalf("printed %q, %v", line, err)
	}
	go func() { _, _ = io.Copy(io.Discard, lines) }() // until the proxy ends
	// The last word is where it listens: another port than that above, where somebody was faster.
	return "http://" + fields[len(fields)-1] + "/", end
}

// ask sends a request.
func ask(t *testing.T, url string, header http.Header) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header = header
	res, err := (&http.Transport{DisableKeepAlives: true}).RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	_ = res.Body.Close()
}

// span is the next span that comes.
func (c *collector) span(t *testing.T) *tracev1.Span {
	t.Helper()
	select {
	case s := <-c.spans:
		return s
	case <-time.After(patience):
		t.Fatal("no span has come")
		return nil
	}
}

func TestSpansJoinTheCallersTrace(t *testing.T) {
	const caller = "0af7651916cd43dd8448eb211c80319c"
	for _, test := range []struct {
		name, header, value, parent, sample string
	}{
		{"W3C", "Traceparent", "00-" + caller + "-b7ad6b7169203331-01", "b7ad6b7169203331", "0"},
		{"Google", "X-Cloud-Trace-Context", caller + "/255;o=1", "00000000000000ff", "0"},
		{"a new trace", "X-Other", "", "", "1"},
	} {
		t.Run(test.name, func(t *testing.T) {
			c, endpoint := newCollector(t)
			url, end := startProxy(t, "--trace-endpoint", endpoint, "--trace-sample", test.sample)
			ask(t, url, http.Header{test.header: {test.value}})
			end() // sends what is pending
			span := c.span(t)
			if got := hex.EncodeToString(span.GetTraceId()); test.parent != "" && got != caller {
				t.Errorf("trace %s", got)
			}
			if got := hex.EncodeToString(span.GetParentSpanId()); got != test.parent {
				t.Errorf("parent %q, not %q", got, test.parent)
			}
			if span.GetKind() != tracev1.Span_SPAN_KIND_SERVER || len(span.GetSpanId()) != 8 {
				t.Errorf("span %v", span)
			}
		})
	}
}

func TestUnsampledRequestsLeaveNoSpan(t *testing.T) {
	c, endpoint := newCollector(t)
	url, end := startProxy(t, "--trace-endpoint", endpoint, "--trace-sample", "0")
	ask(t, url, http.Header{})
	ask(t, url, http.Header{"Traceparent": {"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00"}})
	end()
	if len(c.spans) != 0 {
		t.Errorf("span %v", <-c.spans)
	}
}

func TestTracingFlags(t *testing.T) {
	for _, test := range []struct{ endpoint, sample, want string }{
		{"collector", "1", "error: --trace-endpoint is HOST:PORT, not \"collector\"\n"},
		{"127.0.0.1:4317", "2", "error: --trace-sample is a number from 0 to 1, not 2\n"},
	} {
		var stderr bytes.Buffer
		args := []string{"proxy", "--config", "none", "--trace-endpoint", test.endpoint, "--trace-sample", test.sample}
		if run(t.Context(), args, nil, nil, &stderr) == 0 || stderr.String() != test.want {
			t.Errorf("%v: %q", args, &stderr)
		}
	}
	for host, want := range map[string]bool{"localhost": true, "127.0.0.1": true, "::1": true, "10.0.0.1": false, "collector": false} {
		if isLoopback(host) != want {
			t.Errorf("loopback %s: %v", host, !want)
		}
	}
}
