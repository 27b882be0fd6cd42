package replica

import (
	"context"
	"errors"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	fleetv1 "github.com/spillway-lb/spillway/api/fleet/v1"
	"github.com/spillway-lb/spillway/internal/ads/wire"
)

// partSize is how many bytes one message has at most.
const partSize = 1 << 20

// ErrNothing says that a replica has nothing to give yet.
var ErrNothing = errors.New("this replica has not read everything yet")

// Register answers replicas that start. state is what is kept now, or ErrNothing; allowed says why a caller may not have it.
func Register(g grpc.ServiceRegistrar, state func() ([]byte, error), allowed func(context.Context) error) {
	wire.RegisterReplicas(g, &server{state: state, allowed: allowed})
}

type server struct {
	state   func() ([]byte, error)
	allowed func(context.Context) error
}

// StreamState sends what is kept in parts.
func (s *server) StreamState(_ *fleetv1.StateRequest, stream grpc.ServerStreamingServer[fleetv1.StatePart]) error {
	if err := s.allowed(stream.Context()); err != nil {
		return status.Error(codes.PermissionDenied, err.Error())
	}
	rest, err := s.state()
	switch {
	case errors.Is(err, ErrNothing):
		return status.Error(codes.Unavailable, err.Error())
	case err != nil:
		return status.Error(codes.Internal, err.Error())
	}
	for len(rest) > 0 {
		n := min(len(rest), partSize)
		if err := stream.Send(&fleetv1.StatePart{Data: rest[:n]}); err != nil {
			return err
		}
		rest = rest[n:]
	}
	return nil
}
