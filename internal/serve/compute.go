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
		may := "read"
		if s.config.ComputeWrites {
			may = "read, and delete with,"
		}
		s.report.say("warning: everybody who can reach %s can %s the compute API", at, may)
	}
	return nil
}
