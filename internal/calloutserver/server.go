package calloutserver

import (
	"io"
	"net/http"
	"strings"

	extprocv3 "github.com/envoyproxy/go-control-plane/envoy/service/ext_proc/v3"
	"google.golang.org/grpc"
)

// Stream is one exchange's.
type Stream = extprocv3.ExternalProcessor_ProcessServer

// processor makes a service of a function.
type processor struct {
	extprocv3.UnimplementedExternalProcessorServer
	process func(Stream) error
}

// Process implements extprocv3.ExternalProcessorServer.
func (p processor) Process(s Stream) error { return p.process(s) }

// New makes a server of gRPC's own: unlike a Handler it pushes back when its streams are not read.
func New(process func(Stream) error, options ...grpc.ServerOption) *grpc.Server {
	server := grpc.NewServer(options...)
	extprocv3.RegisterExternalProcessorServer(server, processor{process: process})
	return server
}

// Handler serves streams with process. What is no gRPC is a health check: 200 on every GET.
func Handler(process func(Stream) error) http.Handler {
	server := New(process)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.ProtoMajor == 2 && strings.HasPrefix(r.Header.Get("Content-Type"), "application/grpc") {
			server.ServeHTTP(w, r)
			return
		}
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			w.WriteHeader(http.StatusMethodNotAllowed)
		}
	})
}

// Events is what a callout answers to each event. Where there is nothing it answers with a message that says nothing, which is
// what servers in Python do.
type Events struct {
	RequestHeaders, ResponseHeaders   func(*extprocv3.HttpHeaders) *extprocv3.HeadersResponse
	RequestBody, ResponseBody         func(*extprocv3.HttpBody) *extprocv3.BodyResponse
	RequestTrailers, ResponseTrailers func(*extprocv3.HttpTrailers) *extprocv3.TrailersResponse
}

// Process answers a stream's events one by one.
func (e Events) Process(s Stream) error {
	for {
		q, err := s.Recv()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		if err := s.Send(e.Answer(q)); err != nil {
			return err
		}
	}
}

// Answer is what a callout says to one event.
func (e Events) Answer(q *extprocv3.ProcessingRequest) *extprocv3.ProcessingResponse {
	r := &extprocv3.ProcessingResponse{}
	switch v := q.GetRequest().(type) {
	case *extprocv3.ProcessingRequest_RequestHeaders:
		if e.RequestHeaders != nil {
			r.Response = &extprocv3.ProcessingResponse_RequestHeaders{RequestHeaders: e.RequestHeaders(v.RequestHeaders)}
		}
	case *extprocv3.ProcessingRequest_ResponseHeaders:
		if e.ResponseHeaders != nil {
			r.Response = &extprocv3.ProcessingResponse_ResponseHeaders{ResponseHeaders: e.ResponseHeaders(v.ResponseHeaders)}
		}
	case *extprocv3.ProcessingRequest_RequestBody:
		if e.RequestBody != nil {
			r.Response = &extprocv3.ProcessingResponse_RequestBody{RequestBody: e.RequestBody(v.RequestBody)}
		}
	case *extprocv3.ProcessingRequest_ResponseBody:
		if e.ResponseBody != nil {
			r.Response = &extprocv3.ProcessingResponse_ResponseBody{ResponseBody: e.ResponseBody(v.ResponseBody)}
		}
	case *extprocv3.ProcessingRequest_RequestTrailers:
		if e.RequestTrailers != nil {
			r.Response = &extprocv3.ProcessingResponse_RequestTrailers{RequestTrailers: e.RequestTrailers(v.RequestTrailers)}
		}
	case *extprocv3.ProcessingRequest_ResponseTrailers:
		if e.ResponseTrailers != nil {
			r.Response = &extprocv3.ProcessingResponse_ResponseTrailers{ResponseTrailers: e.ResponseTrailers(v.ResponseTrailers)}
		}
	}
	return r
}
