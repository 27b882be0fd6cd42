package dataplanes

import (
	"context"
	"errors"
	"sync"
	"time"

	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
	"github.com/spillway-lb/spillway/internal/health"
	"github.com/spillway-lb/spillway/internal/location"
	"github.com/spillway-lb/spillway/internal/proxy"
	"github.com/spillway-lb/spillway/internal/proxy/config"
)

// DataPlane is a proxy and its prober at one location.
type DataPlane struct {
	Location string
	Proxy    *proxy.Proxy
	Prober   *health.Prober

	location *location.Location
	cancel   context.CancelFunc
	ended    chan struct{}
}

// open starts a data plane with everything that is published already.
func (s *Set) open(at config.Location) *DataPlane {
	ctx, cancel := context.WithCancel(context.Background())
	d := &DataPlane{Location: at.Region, cancel: cancel, ended: make(chan struct{})}
	d.Proxy = proxy.New(proxy.Config{
		Location: at, Logger: s.config.Logger.With("location", at.Region), AccessLog: s.config.AccessLog, LogAll: true,
		Tracer: s.config.Tracer,
	})
	d.Prober = health.NewProber(health.Options{
		OnVerdict: func(v health.Verdict) { s.config.Feedback.Verdict(d.Location, v) },
	})
	d.location = location.New(location.Config{
		Root: d.Proxy.Root(), Prober: d.Prober,
		Publish: d.Proxy.Commit,
		Applied: func(seq uint64, err error) { s.config.Feedback.Report(d.report(seq, err)) },
	})
	var running sync.WaitGroup
	running.Go(func() { d.Prober.Run(ctx) })
	running.Go(func() { d.location.Run(ctx) })
	go func() {
		running.Wait()
		close(d.ended)
	}()
	if tx := s.config.Everything(); tx != nil {
		d.give(tx)
	}
	return d
}

func (d *DataPlane) give(tx *lbv1.Transaction) { d.location.Apply(tx) }

// report is the word on a step that ended.
func (d *DataPlane) report(seq uint64, err error) location.Report {
	out := location.Report{Location: d.Location, Seq: seq, Trouble: err}
	var refused *config.Refused
	if errors.As(err, &refused) {
		out.Refused = refused.Resources
	}
	for _, b := range d.Proxy.Bound() {
		if b.Err != nil {
			out.Unbound = append(out.Unbound, location.Unbound{ForwardingRule: b.Frontend, Address: b.Requested, Text: b.Err.Error()})
		}
	}
	return out
}

// cutTime is how long a proxy may take to let go of the requests that it cuts. One that waits for a backend's answer is
// then left behind: the process is about to end.
const cutTime = time.Second

// drain stops listening first, while health still counts for the requests in flight.
func (d *DataPlane) drain(atMost time.Duration) error {
	ctx, cancel := context.WithTimeout(context.Background(), atMost)
	defer cancel()
	drained := make(chan error, 1)
	go func() { drained <- d.Proxy.Drain(ctx) }()
	var err error
	select {
	case err = <-drained:
	case <-time.After(atMost + cutTime):
		err = ctx.Err()
	}
	d.cancel()
	<-d.ended
	return err
}
