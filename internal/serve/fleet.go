package serve

import (
	"context"
	"slices"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"

	"github.com/spillway-lb/spillway/internal/ads"
	"github.com/spillway-lb/spillway/internal/ads/replica"
	"github.com/spillway-lb/spillway/internal/controlplane"
	"github.com/spillway-lb/spillway/internal/location"
	"github.com/spillway-lb/spillway/internal/view"
)

// Fleet is how proxies in other processes take part; none do if the address is empty.
type Fleet struct {
	Address     string
	Credentials credentials.TransportCredentials
	// Bound refuses proxies whose certificates name no place.
	Bound bool
	// Only leaves this process without data planes.
	Only bool
}

// sink is where transactions go: to the data planes of this process and of others.
func (s *server) sink() controlplane.Sink {
	if s.config.Fleet.Address == "" {
		return s.planes
	}
	s.fleet = ads.New(ads.Config{Feedback: s.loop, Stuck: s.loop.Stuck, Bound: s.config.Fleet.Bound, Logger: s.config.Log})
	if s.config.Fleet.Only {
		return s.fleet
	}
	return controlplane.Sinks{s.planes, s.fleet}
}

// serveFleet has proxies connect, until the context ends.
func (s *server) serveFleet(ctx context.Context) error {
	if s.fleet == nil {
		return nil
	}
	at, err := s.fleet.Listen(ctx, s.config.Fleet.Address, s.config.Fleet.Credentials, s.registerReplicas)
	if err != nil {
		return err
	}
	s.report.say("fleet %s: spillway proxy --controller %s --region REGION", at, at)
	return nil
}

// registerReplicas has replicas that start ask here.
func (s *server) registerReplicas(g grpc.ServiceRegistrar) {
	if allowed := s.config.Replicas.Allowed; allowed != nil {
		replica.Register(g, s.keeper.encoded, allowed)
	}
}

// locations are the regions that have a data plane, in order.
func (s *server) locations() []string {
	out := s.planes.Locations()
	if s.fleet != nil {
		out = append(out, s.fleet.Regions()...)
		slices.Sort(out)
		out = slices.Compact(out)
	}
	return out
}

// fleetSockets lists what proxies in other processes listen on. What two of a region have in common is there once.
func (s *server) fleetSockets() []view.Socket {
	if s.fleet == nil {
		return nil
	}
	var out []view.Socket
	for _, p := range s.fleet.Proxies() {
		for _, l := range p.Listening {
			socket := view.Socket{
				Location: location.Region(p.Name), ForwardingRule: l.ForwardingRule, Requested: l.Requested, Actual: l.Actual,
			}
			if !slices.Contains(out, socket) {
				out = append(out, socket)
			}
		}
	}
	return out
}
