package serve

import (
	"context"

	"github.com/spillway-lb/spillway/internal/admin"
	"github.com/spillway-lb/spillway/internal/computeapi"
)

// serveCompute answers Google's clients until the context ends.
func (s *server) serveCompute(ctx context.Context) error {
	if s.config.Compute == "" {
		return nil
	}
	at, err := admin.ServeHandler(ctx, s.config.Compute, s.front.Handler(computeapi.Access(s.config.ComputeWrites)))
	if err != nil {
		return err
	}
	s.report.say("compute API http://%s/compute/v1/", at)
	if !admin.OnLoopback(at) {
		s.report.say("warning: the compute API is open to everybody who can reach %s", at)
	}
	return nil
}
