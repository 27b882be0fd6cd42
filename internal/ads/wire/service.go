package wire

import (
	"context"

	"google.golang.org/grpc"

	fleetv1 "github.com/spillway-lb/spillway/api/fleet/v1"
)

// Reports is who hears the words of proxies.
type Reports interface {
	StreamReports(grpc.BidiStreamingServer[fleetv1.Word, fleetv1.Heard]) error
}

// RegisterReports serves the second stream.
func RegisterReports(s grpc.ServiceRegistrar, r Reports) {
	s.RegisterService(&grpc.ServiceDesc{
		ServiceName: reportsService, HandlerType: (*Reports)(nil), Metadata: "api/fleet/v1/fleet.proto",
		Streams: []grpc.StreamDesc{{
			StreamName: reportsStream, ServerStreams: true, ClientStreams: true,
			Handler: func(srv any, stream grpc.ServerStream) error {
				return srv.(Reports).StreamReports(&grpc.GenericServerStream[fleetv1.Word, fleetv1.Heard]{ServerStream: stream})
			},
		}},
	}, r)
}

// OpenReports opens the second stream.
func OpenReports(ctx context.Context, c grpc.ClientConnInterface) (grpc.BidiStreamingClient[fleetv1.Word, fleetv1.Heard], error) {
	stream, err := c.NewStream(ctx, &grpc.StreamDesc{StreamName: reportsStream, ServerStreams: true, ClientStreams: true}, ReportsMethod)
	if err != nil {
		return nil, err
	}
	return &grpc.GenericClientStream[fleetv1.Word, fleetv1.Heard]{ClientStream: stream}, nil
}
