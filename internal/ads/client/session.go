package client

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	discoveryv3 "github.com/envoyproxy/go-control-plane/envoy/service/discovery/v3"
	rpcstatus "google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"

	fleetv1 "github.com/spillway-lb/spillway/api/fleet/v1"
	"github.com/spillway-lb/spillway/internal/ads/wire"
	"github.com/spillway-lb/spillway/internal/location"
	"github.com/spillway-lb/spillway/internal/proxy/config"
)

// session is one connection to a controller.
type session struct {
	client     *Client
	controller string
	conn       *grpc.ClientConn
	answered   bool

	ads     discoveryv3.AggregatedDiscoveryService_DeltaAggregatedResourcesClient
	reports grpc.BidiStreamingClient[fleetv1.Word, fleetv1.Heard] // nil before the first response
	// gathering is a response of which parts are missing; applying is one that the data plane has not dealt with, or nil.
	gathering *response
	applying  *response
	// seq is the controller's number of the newest response that is dealt with.
	seq uint64
}

// run opens the ADS stream and obeys it.
func (s *session) run(ctx context.Context) error {
	var err error
	if s.ads, err = discoveryv3.NewAggregatedDiscoveryServiceClient(s.conn).DeltaAggregatedResources(ctx, grpc.WaitForReady(false)); err != nil {
		return err
	}
	err = s.ads.Send(&discoveryv3.DeltaDiscoveryRequest{
		Node: s.client.node(), TypeUrl: wire.TypeURL,
		ResourceNamesSubscribe: []string{wire.Wildcard}, InitialResourceVersions: s.client.table.versions(),
	})
	if err != nil {
		return err
	}
	parts, failed := s.receive(ctx)
	save := time.NewTimer(time.Hour)
	defer save.Stop()
	s.gathering = newResponse()
	for {
		if at := s.client.saveAt; !at.IsZero() {
			save.Reset(time.Until(at))
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case err := <-failed:
			return err
		case <-save.C:
			s.client.keep()
		case part := <-parts:
			err = s.take(ctx, part)
		case <-s.client.words.news:
			err = s.speak()
		}
		if err != nil {
			return err
		}
	}
}

// receive reads parts, and the second stream's end, until the context ends.
func (s *session) receive(ctx context.Context) (<-chan *discoveryv3.DeltaDiscoveryResponse, <-chan error) {
	parts, failed := make(chan *discoveryv3.DeltaDiscoveryResponse), make(chan error, 1)
	go func() {
		for {
			part, err := s.ads.Recv()
			if err != nil {
				failed <- err
				return
			}
			select {
			case parts <- part:
			case <-ctx.Done():
				return
			}
		}
	}()
	return parts, failed
}

// take adds a part. With the last one the response is applied; the data plane's report is the answer.
func (s *session) take(ctx context.Context, part *discoveryv3.DeltaDiscoveryResponse) error {
	whole, err := s.gathering.add(part)
	if err != nil || !whole {
		return err
	}
	c := s.client
	if !s.answered {
		s.answered = true
		c.Metrics.connected.Set(1)
		c.config.Logger.Info("controller found", "controller", s.controller, "resources", len(s.gathering.resources))
		if s.reports, err = wire.OpenReports(ctx, s.conn); err != nil {
			return err
		}
		c.words.restart()
	}
	s.applying, s.gathering = s.gathering, newResponse()
	c.seq++
	c.table.offer(s.applying)
	c.config.Apply(transaction(c.seq, s.applying.resources))
	return nil
}

// speak passes on what the data plane has said.
func (s *session) speak() error {
	dealt, report := s.client.settle()
	if s.reports == nil {
		return nil // what it says is of an earlier state
	}
	word := &fleetv1.Word{
		Node: location.Name(s.client.config.Location.Region, s.client.config.Name), Verdicts: s.client.words.takeVerdicts(),
	}
	if dealt {
		if s.applying != nil {
			s.seq = s.applying.seq
		}
		report.Refused = s.client.table.refusals(report)
		word.Report = wire.FromReport(report, s.seq)
	}
	if word.Report == nil && len(word.Verdicts) == 0 {
		return nil
	}
	if err := s.reports.Send(word); err != nil {
		_, why := s.reports.Recv() // an end of the stream says why only here
		return errors.Join(err, why)
	}
	if !dealt || s.applying == nil {
		return nil
	}
	out := answer(s.applying.nonce, report.Refused)
	s.applying = nil
	s.client.Metrics.responses.WithLabelValues(wordOf(out)).Inc()
	return s.ads.Send(out)
}

// wordOf is what metrics call an answer.
func wordOf(out *discoveryv3.DeltaDiscoveryRequest) string {
	if out.GetErrorDetail() != nil {
		return "nack"
	}
	return "ack"
}

// answer acknowledges a response, or refuses it with the names of what is not in force.
func answer(nonce string, refused []config.Refusal) *discoveryv3.DeltaDiscoveryRequest {
	out := &discoveryv3.DeltaDiscoveryRequest{TypeUrl: wire.TypeURL, ResponseNonce: nonce}
	if len(refused) == 0 {
		return out
	}
	var text strings.Builder
	for i, r := range refused {
		if i > 0 {
			text.WriteString("; ")
		}
		fmt.Fprintf(&text, "%s/%s: %s", r.Kind, r.Name, r.Reason)
	}
	out.ErrorDetail = &rpcstatus.Status{Code: int32(codes.InvalidArgument), Message: text.String()}
	return out
}
