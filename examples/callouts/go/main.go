// Command go is a callout: a gRPC server that a GCPTrafficExtension or GCPRoutingExtension sends requests to. README.md says how
// to run it. It turns away whoever sends no x-api-key, tells the backend who asks, and says hello to the client.
package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"flag"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"time"

	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	extprocv3 "github.com/envoyproxy/go-control-plane/envoy/service/ext_proc/v3"
	typev3 "github.com/envoyproxy/go-control-plane/envoy/type/v3"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
)

// callout answers the events of each request, on a stream of its own.
type callout struct {
	extprocv3.UnimplementedExternalProcessorServer
}

// Process answers every event with exactly one message.
func (callout) Process(s extprocv3.ExternalProcessor_ProcessServer) error {
	for {
		event, err := s.Recv()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if err := s.Send(answer(event)); err != nil {
			return err
		}
	}
}

// answer is what the callout does. An answer that says nothing changes nothing.
func answer(event *extprocv3.ProcessingRequest) *extprocv3.ProcessingResponse {
	switch e := event.GetRequest().(type) {
	case *extprocv3.ProcessingRequest_RequestHeaders:
		key := header(e.RequestHeaders, "x-api-key")
		if key == "" {
			return deny(typev3.StatusCode_Unauthorized, "send x-api-key\n")
		}
		return &extprocv3.ProcessingResponse{Response: &extprocv3.ProcessingResponse_RequestHeaders{
			RequestHeaders: set("x-caller", "caller-"+key),
		}}
	case *extprocv3.ProcessingRequest_ResponseHeaders:
		return &extprocv3.ProcessingResponse{Response: &extprocv3.ProcessingResponse_ResponseHeaders{
			ResponseHeaders: set("hello", "service-extensions"),
		}}
	}
	return &extprocv3.ProcessingResponse{}
}

// header is the value of a field. Names are in lower case, values in raw_value.
func header(h *extprocv3.HttpHeaders, name string) string {
	for _, f := range h.GetHeaders().GetHeaders() {
		if f.GetKey() == name {
			return string(f.GetRawValue())
		}
	}
	return ""
}

// set sets a field. Only raw_value counts.
func set(name, value string) *extprocv3.HeadersResponse {
	return &extprocv3.HeadersResponse{Response: &extprocv3.CommonResponse{HeaderMutation: &extprocv3.HeaderMutation{
		SetHeaders: []*corev3.HeaderValueOption{{
			Header: &corev3.HeaderValue{Key: name, RawValue: []byte(value)}, AppendAction: corev3.HeaderValueOption_OVERWRITE_IF_EXISTS_OR_ADD,
		}},
	}}}
}

// deny answers the client.
func deny(code typev3.StatusCode, text string) *extprocv3.ProcessingResponse {
	return &extprocv3.ProcessingResponse{Response: &extprocv3.ProcessingResponse_ImmediateResponse{ImmediateResponse: &extprocv3.ImmediateResponse{
		Status: &typev3.HttpStatus{Code: code}, Body: []byte(text),
	}}}
}

// certificate is one for a callout of one's own: proxies do not verify it unless a BackendTLSPolicy says so.
func certificate() (tls.Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return tls.Certificate{}, err
	}
	t := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: "localhost"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().AddDate(1, 0, 0),
	}
	der, err := x509.CreateCertificate(rand.Reader, t, t, &key.PublicKey, key)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, err
}

func main() {
	secure := flag.String("tls", "127.0.0.1:8443", "where to speak gRPC over TLS, as appProtocol HTTP2 has it")
	plain := flag.String("plaintext", "127.0.0.1:8081", "where to speak gRPC without TLS, as appProtocol kubernetes.io/h2c has it")
	health := flag.String("health", "127.0.0.1:8082", "where to answer health checks")
	flag.Parse()
	own, err := certificate()
	if err != nil {
		log.Fatal(err)
	}
	ended := make(chan error)
	go func() { ended <- serve(*secure, grpc.Creds(credentials.NewServerTLSFromCert(&own))) }()
	go func() { ended <- serve(*plain) }()
	go func() {
		server := &http.Server{Addr: *health, ReadHeaderTimeout: 10 * time.Second, Handler: http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})}
		ended <- server.ListenAndServe()
	}()
	log.Fatal(<-ended)
}

func serve(address string, options ...grpc.ServerOption) error {
	ln, err := net.Listen("tcp", address)
	if err != nil {
		return err
	}
	server := grpc.NewServer(options...)
	extprocv3.RegisterExternalProcessorServer(server, callout{})
	log.Printf("callout at %s", ln.Addr())
	return server.Serve(ln)
}
