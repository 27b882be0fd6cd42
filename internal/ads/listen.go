package ads

import (
	"context"
	"fmt"
	"net"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/keepalive"

	"github.com/spillway-lb/spillway/internal/ads/wire"
)

const (
	// pingTime is how often a silent proxy is asked whether it is there, and pingWait how long it may take to answer: then it is
	// gone, and counted no more.
	pingTime = 20 * time.Second
	pingWait = 10 * time.Second
	// minPing is how often a proxy may ask the same.
	minPing = 5 * time.Second
)

// Listen serves proxies at an address, which it returns, until the context ends. Others may register what they serve beside it.
func (s *Server) Listen(
	ctx context.Context, address string, creds credentials.TransportCredentials, beside ...func(grpc.ServiceRegistrar),
) (net.Addr, error) {
	ln, err := net.Listen("tcp", address)
	if err != nil {
		return nil, fmt.Errorf("fleet: %w", err)
	}
	g := grpc.NewServer(grpc.Creds(creds), grpc.MaxRecvMsgSize(wire.MaxMessage),
		grpc.KeepaliveParams(keepalive.ServerParameters{Time: pingTime, Timeout: pingWait}),
		grpc.KeepaliveEnforcementPolicy(keepalive.EnforcementPolicy{MinTime: minPing, PermitWithoutStream: true}))
	s.Register(g)
	for _, register := range beside {
		register(g)
	}
	context.AfterFunc(ctx, g.Stop)
	go func() { _ = g.Serve(ln) }() // it fails with its context only
	return ln.Addr(), nil
}
