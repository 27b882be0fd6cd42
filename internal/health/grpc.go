package health

import (
	"context"
	"net"
	"net/http"
	"net/netip"

	"github.com/spillway-lb/spillway/internal/grpchealth"
)

// exchangeGRPC asks over HTTP/2 without TLS, as Google's gRPC health checks do.
func (r *runner) exchangeGRPC(ctx context.Context, conn net.Conn, s *Settings, endpoint netip.AddrPort) (string, error) {
	over := roundTripper(func(req *http.Request) (*http.Response, error) { return roundTrip(conn, s, req) })
	return grpchealth.Check(ctx, over, grpchealth.Question{
		URL: s.url(endpoint, grpchealth.Path), Host: s.target(endpoint).String(), Service: s.GRPCService, UserAgent: r.userAgent,
	})
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }
