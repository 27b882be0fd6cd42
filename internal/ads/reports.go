package ads

import (
	"errors"
	"io"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	fleetv1 "github.com/spillway-lb/spillway/api/fleet/v1"
	"github.com/spillway-lb/spillway/internal/ads/wire"
)

// StreamReports hears the words of one proxy until it is gone, and says of each that it was taken. Its ADS stream comes first, and has
// answered once. A controller that hangs takes none: proxies leave it for another.
func (s *Server) StreamReports(stream grpc.BidiStreamingServer[fleetv1.Word, fleetv1.Heard]) error {
	var p *proxy
	for {
		word, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if p == nil {
			if p = s.find(word.GetNode()); p == nil {
				return status.Errorf(codes.FailedPrecondition, "node %q has no ADS stream here", word.GetNode())
			}
			if err := s.permit(stream.Context(), p.at); err != nil {
				return err
			}
		}
		if err := s.alive(); err != nil {
			return err
		}
		if err := s.hear(p, word); err != nil {
			return status.Error(codes.InvalidArgument, err.Error())
		}
		if err := stream.Send(&fleetv1.Heard{}); err != nil {
			return err
		}
	}
}

// hear takes a word of a proxy; one whose place another stream has taken says nothing any more.
func (s *Server) hear(p *proxy, word *fleetv1.Word) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !p.present() {
		return errors.New("another proxy of this name has connected")
	}
	for _, wired := range word.GetVerdicts() {
		v, err := wire.ToVerdict(wired)
		if err != nil {
			return err
		}
		s.config.Feedback.Verdict(p.name, v, wired.GetGone())
	}
	if word.GetReport() == nil {
		return nil
	}
	report, err := wire.ToReport(p.name, word.GetReport())
	if err != nil {
		return err
	}
	p.report = &report
	s.tell(p)
	return nil
}
