//go:build !race

// See alloc_test.go.

package proxy_test

import (
	"io"
	"testing"

	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
	"github.com/spillway-lb/spillway/internal/proxy/header"
	"github.com/spillway-lb/spillway/internal/proxy/http2"
	"github.com/spillway-lb/spillway/internal/proxy/message"
)

// maxStreamAllocs bounds what one stream allocates in the whole process, which is this proxy and, for HTTP/2 on the other
// side of a socket, the same package once more.
const maxStreamAllocs = 1

// streamer sends requests on one HTTP/2 connection, with what a client needs kept from one to the next.
type streamer struct {
	t    testing.TB
	cc   *http2.ClientConn
	req  message.Request
	body []byte
	res  message.Response
}

// once is one request, its answer read to the end.
func (s *streamer) once() {
	cs, err := s.cc.Open(&s.req, len(s.body) == 0)
	if err != nil {
		s.t.Fatal(err)
	}
	defer cs.Close()
	if len(s.body) > 0 {
		if err := cs.WriteData(s.body, true); err != nil {
			s.t.Fatal(err)
		}
	}
	if err := cs.ReadHead(&s.res, nil); err != nil {
		s.t.Fatal(err)
	}
	if s.res.Status != 200 || s.res.Body == nil {
		s.t.Fatalf("status %d, body %v", s.res.Status, s.res.Body)
	}
	for err = nil; err == nil; {
		_, err = s.res.Body.Next()
	}
	if err != io.EOF {
		s.t.Fatal(err)
	}
	s.res.Body.Close()
}

func (s *streamer) check(t *testing.T) {
	for range 500 {
		s.once()
	}
	if n := testing.AllocsPerRun(2000, s.once); n >= maxStreamAllocs {
		t.Errorf("%.2f allocations a stream", n)
	}
}

// TestSteadyStreamsToHTTP1AllocateNothing: HTTP/2 to an HTTP/1 backend.
func TestSteadyStreamsToHTTP1AllocateNothing(t *testing.T) {
	r := newRig(t, []string{cannedBackend(t)}, func(m *model) { m.service.Logging = nil })
	s := &streamer{t: t, cc: http2Client(t, r), req: *getRequest("/path?query")}
	s.req.Header.AddID(header.UserAgent, []byte("test"))
	s.check(t)
}

// TestSteadyGRPCCallsAllocateNothing: a unary call over HTTP/2 on both sides, with trailers.
func TestSteadyGRPCCallsAllocateNothing(t *testing.T) {
	var head, trailers header.Map
	head.AddID(header.ContentType, []byte("application/grpc"))
	trailers.AddID(header.GrpcStatus, []byte("0"))
	message := make([]byte, 133)
	backend := http2Backend(t, func(st *http2.ServerStream) {
		for b := st.Request().Body; ; {
			if _, err := b.Next(); err != nil {
				break
			}
		}
		_ = st.WriteHead(200, &head, false)
		_ = st.WriteData(message, false)
		_ = st.WriteTrailers(&trailers)
	})
	r := newRig(t, []string{backend}, func(m *model) {
		m.service.Logging = nil
		m.service.Protocol = lbv1.BackendProtocol_H2C
		m.route.Grpc = true
	})
	s := &streamer{t: t, cc: http2Client(t, r), req: *getRequest("/test.Echo/Unary"), body: message}
	s.req.Method, s.req.ContentLength = []byte("POST"), -1
	s.req.Header.AddID(header.ContentType, []byte("application/grpc"))
	s.req.Header.AddID(header.TE, []byte("trailers"))
	s.check(t)
}

// cannedBackend is an HTTP/1 server that allocates nothing for a request.
func cannedBackend(t testing.TB) string {
	answer := []byte("HTTP/1.1 200 OK\r\nServer: test\r\nContent-Type: text/plain\r\nContent-Length: 5\r\n\r\nhello")
	return rawBackend(t, func(c *rawConn) {
		buf := make([]byte, 4096)
		for {
			if _, err := c.Conn.Read(buf); err != nil {
				return
			}
			if _, err := c.Conn.Write(answer); err != nil {
				return
			}
		}
	})
}
