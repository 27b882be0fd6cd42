package http2

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/spillway-lb/spillway/internal/proxy/message"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/wrapperspb"
)

// relay passes every request on to a backend: the smallest proxy that uses both halves of the package.
func relay(cc *ClientConn) Handler {
	return func(st *ServerStream) {
		req := st.Request()
		cs, err := cc.Open(req, req.Body == nil)
		if err != nil {
			_ = st.WriteHead(503, nil, true)
			return
		}
		st.OnCancel(cs.Cancel)
		sent := make(chan struct{})
		go func() {
			defer close(sent)
			relayBody(req.Body, &cs.stream)
		}()
		var resp message.Response
		if err := cs.ReadHead(&resp, nil); err != nil {
			code := CodeInternal
			var se *StreamError
			if errors.As(err, &se) {
				code = se.Code // CANCEL of a server whose deadline has passed is a deadline to the client
			}
			st.Reset(code)
		} else if st.WriteHead(resp.Status, &resp.Header, resp.Body == nil) == nil {
			relayBody(resp.Body, &st.stream)
		}
		st.OnCancel(nil)
		cs.Cancel()
		st.AbortBody(io.ErrUnexpectedEOF)
		<-sent
		cs.Close()
	}
}

// relayBody passes a body on until it ends or either side breaks.
func relayBody(b message.Body, to *stream) {
	if b == nil {
		return
	}
	for {
		if !b.(Readier).Ready() {
			to.Flush()
		}
		p, err := b.Next()
		switch {
		case errors.Is(err, io.EOF):
			if tr := b.Trailers(); tr != nil {
				_ = to.WriteTrailers(tr)
			} else {
				_ = to.WriteData(nil, true)
			}
			return
		case err != nil:
			return
		}
		if to.WriteData(p, false) != nil {
			return
		}
	}
}

// echoService is a gRPC service without generated code.
var echoService = grpc.ServiceDesc{
	ServiceName: "test.Echo", HandlerType: (*any)(nil),
	Methods: []grpc.MethodDesc{{MethodName: "Unary", Handler: unaryEcho}},
	Streams: []grpc.StreamDesc{{StreamName: "Bidi", Handler: bidiEcho, ServerStreams: true, ClientStreams: true}},
}

func unaryEcho(_ any, ctx context.Context, dec func(any) error, _ grpc.UnaryServerInterceptor) (any, error) {
	in := new(wrapperspb.StringValue)
	if err := dec(in); err != nil {
		return nil, err
	}
	md, _ := metadata.FromIncomingContext(ctx)
	switch {
	case in.Value == "fail":
		return nil, status.Error(codes.NotFound, "no such thing: ä")
	case in.Value == "hang":
		<-ctx.Done()
		return nil, ctx.Err()
	}
	_ = grpc.SetTrailer(ctx, metadata.Pairs("x-trailer", strings.Join(md["x-in"], ",")))
	return in, nil
}

func bidiEcho(_ any, s grpc.ServerStream) error {
	for {
		in := new(wrapperspb.StringValue)
		if err := s.RecvMsg(in); err != nil {
			if errors.Is(err, io.EOF) {
				return nil
			}
			return err
		}
		if err := s.SendMsg(in); err != nil {
			return err
		}
	}
}

// grpcThroughRelay is a grpc-go client, our server, our client, and a grpc-go server in a row.
func grpcThroughRelay(t *testing.T) *grpc.ClientConn {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	srv := grpc.NewServer()
	srv.RegisterService(&echoService, nil)
	go func() { _ = srv.Serve(ln) }()
	t.Cleanup(srv.Stop)
	cc := dial(t, ln.Addr().String(), &ClientConfig{})
	addr := listen(t, &ServerConfig{}, relay(cc))
	conn, err := grpc.NewClient(addr, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}

func TestGRPC(t *testing.T) {
	conn := grpcThroughRelay(t)
	call := func(ctx context.Context, in string, opts ...grpc.CallOption) (string, error) {
		out := new(wrapperspb.StringValue)
		err := conn.Invoke(ctx, "/test.Echo/Unary", wrapperspb.String(in), out, opts...)
		return out.Value, err
	}
	ctx := context.Background()

	t.Run("unary", func(t *testing.T) {
		var trailer metadata.MD
		out, err := call(metadata.AppendToOutgoingContext(ctx, "x-in", "7"), "hello", grpc.Trailer(&trailer))
		if err != nil || out != "hello" || fmt.Sprint(trailer["x-trailer"]) != "[7]" {
			t.Errorf("%q %v %v", out, err, trailer)
		}
	})
	t.Run("large", func(t *testing.T) {
		in := strings.Repeat("x", 3<<20)
		if out, err := call(ctx, in); err != nil || out != in {
			t.Errorf("%d bytes, %v", len(out), err)
		}
	})
	t.Run("trailers only", func(t *testing.T) {
		_, err := call(ctx, "fail")
		if s := status.Convert(err); s.Code() != codes.NotFound || s.Message() != "no such thing: ä" {
			t.Error(err)
		}
	})
	t.Run("deadline", func(t *testing.T) {
		short, cancel := context.WithTimeout(ctx, 50*time.Millisecond)
		defer cancel()
		if _, err := call(short, "hang"); status.Code(err) != codes.DeadlineExceeded {
			t.Error(err)
		}
	})
	t.Run("unimplemented", func(t *testing.T) {
		err := conn.Invoke(ctx, "/test.Echo/Nothing", wrapperspb.String(""), new(wrapperspb.StringValue))
		if status.Code(err) != codes.Unimplemented {
			t.Error(err)
		}
	})
	t.Run("bidirectional", func(t *testing.T) {
		s, err := conn.NewStream(ctx, &echoService.Streams[0], "/test.Echo/Bidi")
		if err != nil {
			t.Fatal(err)
		}
		for i := range 200 {
			want := strings.Repeat("m", i*50)
			out := new(wrapperspb.StringValue)
			if err := s.SendMsg(wrapperspb.String(want)); err != nil {
				t.Fatal(err)
			}
			if err := s.RecvMsg(out); err != nil || out.Value != want {
				t.Fatalf("message %d: %d bytes, %v", i, len(out.Value), err)
			}
		}
		_ = s.CloseSend()
		if err := s.RecvMsg(new(wrapperspb.StringValue)); !errors.Is(err, io.EOF) {
			t.Error(err)
		}
	})
	t.Run("many calls", func(t *testing.T) {
		failed := make(chan error, 50)
		for range 50 {
			go func() {
				for range 20 {
					if _, err := call(ctx, "x"); err != nil {
						failed <- err
						return
					}
				}
				failed <- nil
			}()
		}
		for range 50 {
			if err := <-failed; err != nil {
				t.Error(err)
			}
		}
	})
}
