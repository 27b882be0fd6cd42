package wire

import (
	"context"

	"google.golang.org/grpc"

	fleetv1 "github.com/spillway-lb/spillway/api/fleet/v1"
)

// Replicas is who gives other controllers what it keeps.
type Replicas interface {
	StreamState(*fleetv1.StateRequest, grpc.ServerStreamingServer[fleetv1.StatePart]) error
}

// RegisterReplicas serves them.
func RegisterReplicas(s grpc.ServiceRegistrar, r Replicas) {
	s.RegisterService(&grpc.ServiceDesc{
		ServiceName: replicasService, HandlerType: (*Replicas)(nil), Metadata: "api/fleet/v1/fleet.proto",
		Streams: []grpc.StreamDesc{{
			StreamName: stateStream, ServerStreams: true,
			Handler: func(srv any, stream grpc.ServerStream) error {
				request := &fleetv1.StateRequest{}
				if err := stream.RecvMsg(request); err != nil {
					return err
				}
				return srv.(Replicas).StreamState(request, &grpc.GenericServerStream[fleetv1.StateRequest, fleetv1.StatePart]{ServerStream: stream})
			},
		}},
	}, r)
}

// OpenState asks for what a controller keeps.
func OpenState(ctx context.Context, c grpc.ClientConnInterface) (grpc.ServerStreamingClient[fleetv1.StatePart], error) {
	stream, err := c.NewStream(ctx, &grpc.StreamDesc{StreamName: stateStream, ServerStreams: true}, "/"+replicasService+"/"+stateStream)
	if err != nil {
		return nil, err
	}
	out := &grpc.GenericClientStream[fleetv1.StateRequest, fleetv1.StatePart]{ClientStream: stream}
	if err := stream.SendMsg(&fleetv1.StateRequest{}); err != nil {
		return nil, err
	}
	return out, stream.CloseSend()
}
