package calloutrecord

import (
	"context"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	extprocv3 "github.com/envoyproxy/go-control-plane/envoy/service/ext_proc/v3"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/spillway-lb/spillway/internal/calloutserver"
)

// served is a connection to a callout.
func served(t *testing.T, process func(calloutserver.Stream) error) *grpc.ClientConn {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := calloutserver.New(process)
	go func() { _ = server.Serve(ln) }()
	t.Cleanup(server.Stop)
	conn, err := grpc.NewClient(ln.Addr().String(), grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}

func requestTo(path string) *extprocv3.ProcessingRequest {
	return &extprocv3.ProcessingRequest{Request: &extprocv3.ProcessingRequest_RequestHeaders{RequestHeaders: &extprocv3.HttpHeaders{
		Headers: &corev3.HeaderMap{Headers: []*corev3.HeaderValue{{Key: ":path", RawValue: []byte(path)}, {Key: "x-bytes", RawValue: []byte("--> \x00\xff\n<-- ")}}},
	}}}
}

// ask has one exchange with a callout.
func ask(t *testing.T, conn grpc.ClientConnInterface, path string) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	s, err := extprocv3.NewExternalProcessorClient(conn).Process(ctx)
	if err != nil {
		t.Fatal(err)
	}
	for _, q := range []*extprocv3.ProcessingRequest{
		requestTo(path),
		{Request: &extprocv3.ProcessingRequest_RequestBody{RequestBody: &extprocv3.HttpBody{Body: []byte("hello\n<-- x"), EndOfStream: true}}},
		{Request: &extprocv3.ProcessingRequest_RequestTrailers{RequestTrailers: &extprocv3.HttpTrailers{}}},
	} {
		if err := s.Send(q); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Recv(); err != nil {
			t.Fatal(err)
		}
	}
	_ = s.CloseSend()
	if _, err := s.Recv(); eof(err) != nil {
		t.Fatal(err)
	}
}

// TestRecordAndReplay keeps the exchange that is chosen, and tells what another callout says differently.
func TestRecordAndReplay(t *testing.T) {
	dir := t.TempDir()
	recorder := &Recorder{Dir: dir, Callout: served(t, calloutserver.Basic.Process), Chosen: Having(":path", "/kept")}
	between := served(t, recorder.Process)
	ask(t, between, "/passed")
	ask(t, between, "/kept")
	files, _ := filepath.Glob(filepath.Join(dir, "*.txt"))
	if len(files) != 1 {
		t.Fatalf("%d files", len(files))
	}
	x, err := Read(files[0])
	if err != nil {
		b, _ := os.ReadFile(files[0])
		t.Fatalf("%v\n%s", err, b)
	}
	if len(x.Messages) != 6 || x.Status != 0 || string(x.Messages[0].Request.GetRequestHeaders().GetHeaders().GetHeaders()[1].GetRawValue()) != "--> \x00\xff\n<-- " {
		t.Errorf("%d messages, status %v", len(x.Messages), x.Status)
	}
	same, err := Replay(context.Background(), served(t, calloutserver.Basic.Process), x, time.Minute)
	if err != nil || len(same) > 0 {
		t.Errorf("the same callout: %v %v", same, err)
	}
	other := calloutserver.Basic
	other.RequestBody = func(*extprocv3.HttpBody) *extprocv3.BodyResponse { return calloutserver.Replace([]byte("another")) }
	differs, err := Replay(context.Background(), served(t, other.Process), x, time.Minute)
	if err != nil || len(differs) != 1 || !strings.Contains(differs[0], "message 2") || !strings.Contains(differs[0], `+       body: "another"`) {
		t.Errorf("another callout: %q %v", differs, err)
	}
	ends := func(calloutserver.Stream) error { return nil }
	if differs, _ := Replay(context.Background(), served(t, ends), x, time.Minute); len(differs) != 1 || !strings.Contains(differs[0], "ended: OK") {
		t.Errorf("one that ends the stream: %q", differs)
	}
	silent := func(s calloutserver.Stream) error { <-s.Context().Done(); return nil }
	if differs, _ := Replay(context.Background(), served(t, silent), x, 50*time.Millisecond); len(differs) != 1 || !strings.Contains(differs[0], "nothing came") {
		t.Errorf("a silent one: %q", differs)
	}
}

func TestFilesThatAreNone(t *testing.T) {
	for _, s := range []string{"request_headers {}\n", "--> x\nnothing_such: 1\n", "<== NEVER\n"} {
		if _, err := parse([]byte(s)); err == nil {
			t.Errorf("%q was taken", s)
		}
	}
}
