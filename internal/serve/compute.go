package serve

import (
	"context"
	"net"
	"slices"
	"strings"

	"github.com/spillway-lb/spillway/internal/admin"
	"github.com/spillway-lb/spillway/internal/computeapi"
)

// serveCompute answers Google's clients until the context ends.
func (s *server) serveCompute(ctx context.Context) error {
	if s.config.Compute == "" {
		return nil
	}
	handler := s.front.Handler(computeapi.Access(s.config.ComputeWrites))
	if s.config.ComputeWrites {
		handler = computeapi.Guard(s.isComputeHost, handler)
	}
	at, err := admin.ServeHandler(ctx, s.config.Compute, s.isComputeHost, handler)
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

// isComputeHost says whether clients that delete may call the server by this name.
func (s *server) isComputeHost(host string) bool {
	name := host
	if h, _, err := net.SplitHostPort(host); err == nil {
		name = h
	}
	return admin.IsOwnHost(host) || slices.ContainsFunc(s.config.ComputeHosts, func(own string) bool {
		return strings.EqualFold(strings.TrimSuffix(own, "."), strings.TrimSuffix(name, "."))
	})
}
