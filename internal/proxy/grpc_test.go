package proxy_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/health"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/wrapperspb"
)

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
	switch in.Value {
	case "fail":
		return nil, status.Error(codes.NotFound, "no such thing")
	case "hang":
		<-ctx.Done()
		return nil, ctx.Err()
	}
	md, _ := metadata.FromIncomingContext(ctx)
	_ = grpc.SetTrailer(ctx, metadata.Pairs("x-forwarded", strings.Join(md["x-forwarded-for"], ",")))
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

// grpcBackend is a grpc-go server.
func grpcBackend(t testing.TB) string {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	srv := grpc.NewServer()
	srv.RegisterService(&echoService, nil)
	healthpb.RegisterHealthServer(srv, health.NewServer())
	go func() { _ = srv.Serve(ln) }()
	t.Cleanup(srv.Stop)
	return ln.Addr().String()
}

// grpcClient is a grpc-go client of a proxy in front of the backends.
func grpcClient(t testing.TB, backends ...string) *grpc.ClientConn {
	r := newRig(t, backends, func(m *model) {
		m.service.Protocol = lbv1.BackendProtocol_H2C
		m.route.Grpc = true
	})
	conn, err := grpc.NewClient(r.addr, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}

func TestGRPC(t *testing.T) {
	conn := grpcClient(t, grpcBackend(t))
	// Many calls under the race detector on a busy machine take their time; what hangs is found all the same.
	ctx, cancel := context.WithTimeout(context.Background(), 6*patience)
	defer cancel()
	call := func(ctx context.Context, in string, opts ...grpc.CallOption) (string, error) {
		out := new(wrapperspb.StringValue)
		err := conn.Invoke(ctx, "/test.Echo/Unary", wrapperspb.String(in), out, opts...)
		return out.Value, err
	}
	t.Run("unary", func(t *testing.T) {
		var trailer metadata.MD
		out, err := call(ctx, "hello", grpc.Trailer(&trailer))
		if err != nil || out != "hello" || !strings.HasPrefix(fmt.Sprint(trailer["x-forwarded"]), "[127.0.0.1,") {
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
		if _, err := call(ctx, "fail"); status.Code(err) != codes.NotFound {
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
	t.Run("bidirectional", func(t *testing.T) {
		s, err := conn.NewStream(ctx, &echoService.Streams[0], "/test.Echo/Bidi")
		if err != nil {
			t.Fatal(err)
		}
		for i := range 100 {
			want := strings.Repeat("m", i*100)
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
	t.Run("health", func(t *testing.T) {
		answer, err := healthpb.NewHealthClient(conn).Check(ctx, &healthpb.HealthCheckRequest{})
		if err != nil || answer.Status != healthpb.HealthCheckResponse_SERVING {
			t.Errorf("%v %v", answer, err)
		}
	})
	t.Run("many calls", func(t *testing.T) {
		failed := make(chan error, 200)
		for range cap(failed) {
			go func() {
				for range 5 {
					if _, err := call(ctx, "x"); err != nil {
						failed <- err
						return
					}
				}
				failed <- nil
			}()
		}
		for range cap(failed) {
			if err := <-failed; err != nil {
				t.Error(err)
			}
		}
	})
}

// TestGRPCWithoutBackends: an error of the proxy is a gRPC status.
func TestGRPCWithoutBackends(t *testing.T) {
	err := grpcClient(t).Invoke(context.Background(), "/test.Echo/Unary", wrapperspb.String(""), new(wrapperspb.StringValue))
	if status.Code(err) != codes.Unavailable {
		t.Error(err)
	}
}
