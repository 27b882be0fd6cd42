package client

import (
	"context"
	"fmt"
	"io"
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
	failed     chan error    // of each stream, how it ended
	heard      chan struct{} // receives when the controller has taken a word
	watch      *watch
	end        context.CancelCauseFunc

	ads     discoveryv3.AggregatedDiscoveryService_DeltaAggregatedResourcesClient
	reports grpc.BidiStreamingClient[fleetv1.Word, fleetv1.Heard] // nil before the first response
	// gathering is a response of which parts are missing; applying is one that the data plane has not dealt with, or nil.
	gathering *response
	applying  *response
	// seq is the controller's number of the newest response that is dealt with.
	seq uint64
}

// open opens the ADS stream. Where nobody answers that takes long, and the data plane may have more to say of what it has.
func (s *session) open(ctx context.Context) error {
	opened := make(chan error, 1)
	go func() {
		var err error
		s.ads, err = discoveryv3.NewAggregatedDiscoveryServiceClient(s.conn).DeltaAggregatedResources(ctx, grpc.WaitForReady(false))
		opened <- err
	}()
	for {
		select {
		case err := <-opened:
			return err
		case <-s.client.words.news:
			s.client.settle()
		case <-time.After(time.Until(s.watch.due())):
			return errOwes // its streams end with the context
		}
	}
}

// run opens the ADS stream and obeys it.
func (s *session) run(ctx context.Context) error {
	if err := s.open(ctx); err != nil {
		return err
	}
	bound := s.bound()
	err := s.ads.Send(&discoveryv3.DeltaDiscoveryRequest{
		Node: s.client.node(), TypeUrl: wire.TypeURL,
		ResourceNamesSubscribe: []string{wire.Wildcard}, InitialResourceVersions: s.client.table.versions(),
	})
	if bound.Stop(); err != nil {
		return err
	}
	parts := s.receive(ctx)
	save, look := time.NewTimer(time.Hour), time.NewTimer(time.Hour)
	defer save.Stop()
	defer look.Stop()
	s.gathering = newResponse()
	for {
		if at := s.client.saveAt; !at.IsZero() {
			save.Reset(time.Until(at))
		}
		look.Reset(time.Until(s.watch.due()))
		select {
		case <-ctx.Done():
			return ctx.Err()
		case err := <-s.failed:
			return err
		case <-save.C:
			s.client.keep()
		case <-look.C:
			err = s.ask()
		case <-s.heard:
			s.watch.wordHeard(time.Now())
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

// receive reads parts until the context ends.
func (s *session) receive(ctx context.Context) <-chan *discoveryv3.DeltaDiscoveryResponse {
	parts := make(chan *discoveryv3.DeltaDiscoveryResponse)
	go func() {
		for {
			part, err := s.ads.Recv()
			if err != nil {
				s.failed <- err
				return
			}
			select {
			case parts <- part:
			case <-ctx.Done():
				return
			}
		}
	}()
	return parts
}

// listen waits for the controller to take words. A report that it did not take is lost with the second stream.
func (s *session) listen(ctx context.Context, reports grpc.BidiStreamingClient[fleetv1.Word, fleetv1.Heard]) {
	for {
		if _, err := reports.Recv(); err != nil {
			s.failed <- fmt.Errorf("reports: %w", err)
			return
		}
		select {
		case s.heard <- struct{}{}:
		case <-ctx.Done():
			return
		}
	}
}

// ask leaves a controller that owes an answer, and asks a silent one whether it does its work.
func (s *session) ask() error {
	switch now := time.Now(); {
	case now.Before(s.watch.due()):
		return nil
	case s.watch.owes():
		return errOwes
	default:
		return s.send(&fleetv1.Word{Node: s.name()})
	}
}

// send gives the controller a word, which it has to answer.
func (s *session) send(word *fleetv1.Word) error {
	s.watch.wordSent(time.Now())
	defer s.bound().Stop()
	if err := s.reports.Send(word); err == io.EOF {
		return <-s.failed // an end of the stream says why only there
	} else if err != nil {
		return err
	}
	return nil
}

// bound ends the session if what is being sent is not read for too long.
func (s *session) bound() *time.Timer {
	return time.AfterFunc(s.client.config.Patience, func() { s.end(errOwes) })
}

func (s *session) name() string {
	return location.Name(s.client.config.Location.Region, s.client.config.Name)
}

// take adds a part. With the last one the response is applied; the data plane's report is the answer.
func (s *session) take(ctx context.Context, part *discoveryv3.DeltaDiscoveryResponse) error {
	whole, err := s.gathering.add(part)
	s.watch.part(time.Now(), whole)
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
		go s.listen(ctx, s.reports)
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
	word := &fleetv1.Word{Node: s.name(), Verdicts: s.client.words.takeVerdicts()}
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
	if err := s.send(word); err != nil {
		return err
	}
	if !dealt || s.applying == nil {
		return nil
	}
	out := answer(s.applying.nonce, report.Refused)
	s.applying = nil
	s.client.Metrics.responses.WithLabelValues(wordOf(out)).Inc()
	defer s.bound().Stop()
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
		fmt.Fprintf(&text, "%s/%s: %s", r.Kind, r.Name, strings.ToValidUTF8(r.Reason, "\uFFFD"))
	}
	out.ErrorDetail = &rpcstatus.Status{Code: int32(codes.InvalidArgument), Message: text.String()}
	return out
}
