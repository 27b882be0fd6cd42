package calloutserver

import (
	"context"
	"crypto/x509"
	"net/http/httptest"
	"testing"

	extprocv3 "github.com/envoyproxy/go-control-plane/envoy/service/ext_proc/v3"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
)

// TestBasic asks the sample over TLS, as a client of gRPC's own, and its health.
func TestBasic(t *testing.T) {
	server := httptest.NewUnstartedServer(Handler(Basic.Process))
	server.EnableHTTP2 = true
	server.StartTLS()
	defer server.Close()
	if res, err := server.Client().Get(server.URL + "/health"); err != nil || res.StatusCode != 200 {
		t.Errorf("health: %v %v", res, err)
	}
	conn, err := grpc.NewClient(server.Listener.Addr().String(), grpc.WithTransportCredentials(credentials.NewClientTLSFromCert(certPool(server), "example.com")))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	s, err := extprocv3.NewExternalProcessorClient(conn).Process(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	ask := func(q *extprocv3.ProcessingRequest) *extprocv3.ProcessingResponse {
		t.Helper()
		if err := s.Send(q); err != nil {
			t.Fatal(err)
		}
		r, err := s.Recv()
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	r := ask(&extprocv3.ProcessingRequest{Request: &extprocv3.ProcessingRequest_RequestHeaders{RequestHeaders: &extprocv3.HttpHeaders{}}})
	if m := r.GetRequestHeaders().GetResponse().GetHeaderMutation(); len(m.GetSetHeaders()) != 3 || m.GetRemoveHeaders()[0] != "foo" {
		t.Errorf("request headers: %v", r)
	}
	r = ask(&extprocv3.ProcessingRequest{Request: &extprocv3.ProcessingRequest_RequestTrailers{RequestTrailers: &extprocv3.HttpTrailers{}}})
	if r.GetResponse() != nil {
		t.Errorf("trailers: %v", r)
	}
	r = ask(&extprocv3.ProcessingRequest{Request: &extprocv3.ProcessingRequest_ResponseBody{ResponseBody: &extprocv3.HttpBody{Body: []byte("x")}}})
	if !r.GetResponseBody().GetResponse().GetBodyMutation().GetClearBody() {
		t.Errorf("response body: %v", r)
	}
}

func certPool(s *httptest.Server) *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(s.Certificate())
	return pool
}
