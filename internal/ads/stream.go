package ads

import (
	"cmp"
	"context"
	"errors"
	"io"
	"strconv"
	"strings"

	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	discoveryv3 "github.com/envoyproxy/go-control-plane/envoy/service/discovery/v3"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/anypb"

	"github.com/spillway-lb/spillway/internal/ads/credentials"
	"github.com/spillway-lb/spillway/internal/ads/wire"
)

// partSize is how many bytes of resources one part of a response has, but for one that is larger by itself.
const partSize = 1 << 20

// adsStream is the stream of one proxy.
type adsStream = grpc.BidiStreamingServer[discoveryv3.DeltaDiscoveryRequest, discoveryv3.DeltaDiscoveryResponse]

// DeltaAggregatedResources serves one proxy until either end is gone.
func (s *Server) DeltaAggregatedResources(stream adsStream) error {
	first, err := stream.Recv()
	if err != nil {
		return err
	}
	at := placeOf(first.GetNode())
	if err := cmp.Or(check(first), s.permit(stream.Context(), at), s.alive()); err != nil {
		return err
	}
	select {
	case <-s.known:
	case <-stream.Context().Done():
		return stream.Context().Err()
	}
	p := s.join(at, first.GetInitialResourceVersions())
	defer s.leave(p)
	s.config.Logger.Info("proxy connected", "proxy", p.name, "resources", len(first.GetInitialResourceVersions()))
	err = s.converse(stream, p)
	s.config.Logger.Info("proxy disconnected", "proxy", p.name, "err", err)
	return err
}

// check refuses what the protocol has no answer to.
func check(first *discoveryv3.DeltaDiscoveryRequest) error {
	id, region := first.GetNode().GetId(), first.GetNode().GetLocality().GetRegion()
	switch {
	case first.GetTypeUrl() != wire.TypeURL:
		return status.Errorf(codes.InvalidArgument, "type_url %q: only %s is served", first.GetTypeUrl(), wire.TypeURL)
	case id == "" || strings.Contains(id, "/"):
		return status.Errorf(codes.InvalidArgument, "node.id %q: it must not be empty, and have no /", id)
	case region == "" || strings.Contains(region, "/"):
		return status.Errorf(codes.InvalidArgument, "node.locality.region %q: it must not be empty, and have no /", region)
	}
	for _, name := range first.GetResourceNamesSubscribe() {
		if name != wire.Wildcard {
			return status.Errorf(codes.InvalidArgument, "resource_names_subscribe: %q: only %q, what the region needs, can be subscribed to", name, wire.Wildcard)
		}
	}
	return nil
}

// placeOf is who a proxy says that it is, and where.
func placeOf(node *corev3.Node) credentials.Place {
	return credentials.Place{Region: node.GetLocality().GetRegion(), Zone: node.GetLocality().GetZone(), Name: node.GetId()}
}

// permit refuses what a proxy's certificate does not say.
func (s *Server) permit(ctx context.Context, at credentials.Place) error {
	if err := credentials.Permit(ctx, at, s.config.Bound); err != nil {
		return status.Error(codes.PermissionDenied, err.Error())
	}
	return nil
}

// converse answers requests and sends what is owed.
func (s *Server) converse(stream adsStream, p *proxy) error {
	requests, failed := s.receive(stream)
	for {
		if r, ok := s.next(p); ok {
			if err := s.send(stream, r); err != nil {
				return err
			}
			continue
		}
		select {
		case <-stream.Context().Done():
			return stream.Context().Err()
		case <-p.end:
			return status.Error(codes.Aborted, "another proxy of this name has connected")
		case err := <-failed:
			if errors.Is(err, io.EOF) {
				return nil
			}
			return err
		case request := <-requests:
			s.answer(p, request)
		case <-p.wake:
		}
	}
}

// receive reads requests until the stream ends.
func (s *Server) receive(stream adsStream) (<-chan *discoveryv3.DeltaDiscoveryRequest, <-chan error) {
	requests, failed := make(chan *discoveryv3.DeltaDiscoveryRequest), make(chan error, 1)
	go func() {
		for {
			r, err := stream.Recv()
			if err != nil {
				failed <- err
				return
			}
			select {
			case requests <- r:
			case <-stream.Context().Done():
				return
			}
		}
	}()
	return requests, failed
}

func (s *Server) next(p *proxy) (response, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return p.next(s.seq)
}

// answer takes an acknowledgement or a refusal.
func (s *Server) answer(p *proxy, request *discoveryv3.DeltaDiscoveryRequest) {
	if refusal := request.GetErrorDetail(); refusal != nil {
		s.Metrics.answers.WithLabelValues("nack").Inc()
		s.config.Logger.Warn("proxy refused resources", "proxy", p.name, "reason", refusal.GetMessage())
	} else {
		s.Metrics.answers.WithLabelValues("ack").Inc()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	p.answered(request.GetResponseNonce())
	s.tell(p)
}

// send writes a response in parts; only the last one is waited for.
func (s *Server) send(stream adsStream, r response) error {
	for _, part := range partsOf(r) {
		s.Metrics.resources.Add(float64(len(part.GetResources()) + len(part.GetRemovedResources())))
		if err := stream.Send(part); err != nil {
			return err
		}
	}
	return nil
}

// partsOf cuts a response into parts. There is always one.
func partsOf(r response) []*discoveryv3.DeltaDiscoveryResponse {
	version := strconv.FormatUint(r.seq, 10)
	fresh := func() *discoveryv3.DeltaDiscoveryResponse {
		return &discoveryv3.DeltaDiscoveryResponse{TypeUrl: wire.TypeURL, SystemVersionInfo: version + wire.More}
	}
	part := fresh()
	parts, size := []*discoveryv3.DeltaDiscoveryResponse{part}, 0
	part.RemovedResources = r.removed
	for _, n := range r.put {
		if size > 0 && size+len(n.bytes) > partSize {
			part, size = fresh(), 0
			parts = append(parts, part)
		}
		size += len(n.bytes)
		part.Resources = append(part.Resources, &discoveryv3.Resource{
			Name: n.name, Version: n.version, Resource: &anypb.Any{TypeUrl: wire.TypeURL, Value: n.bytes},
		})
	}
	part.SystemVersionInfo, part.Nonce = version, strconv.FormatUint(r.nonce, 10)
	return parts
}
