package dataplanes

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/spillway-lb/spillway/internal/guard"
	"github.com/spillway-lb/spillway/internal/health"
	"github.com/spillway-lb/spillway/internal/location"
	"github.com/spillway-lb/spillway/internal/proxy"
	"github.com/spillway-lb/spillway/internal/proxy/config"
	"github.com/spillway-lb/spillway/internal/proxy/metrics"
	"github.com/spillway-lb/spillway/internal/proxy/outbound"
	"github.com/spillway-lb/spillway/internal/proxy/passive"
)

// DataPlane is a proxy and its prober at one location.
type DataPlane struct {
	Location string
	Proxy    *proxy.Proxy
	Prober   *health.Prober

	records  *passive.Records
	feedback Feedback
	location *location.Location
	closed   atomic.Bool // nothing is told any more
	cancel   context.CancelFunc
	ended    chan struct{}
}

// open starts a data plane with what is published already for its location.
func (s *Set) open(at config.Location) *DataPlane {
	ctx, cancel := context.WithCancel(context.Background())
	d := &DataPlane{Location: at.Region, feedback: s.config.Feedback, cancel: cancel, ended: make(chan struct{})}
	var project, number string
	if s.config.Project != nil {
		project, number = s.config.Project()
	}
	logger, counts := s.config.Logger.With("location", at.Region), metrics.New(metrics.Options{})
	calls := outbound.New(outbound.Config{Logger: logger, Metrics: counts})
	d.records = passive.New(func() { d.location.Speak() })
	d.Proxy = proxy.New(proxy.Config{
		Project: project, ProjectNumber: number,
		Location: at, Logger: logger, Metrics: counts, AccessLog: s.config.AccessLog, LogAll: true,
		Tracer: s.config.Tracer, Extensions: s.extensions(logger, counts, calls, d.records), Outside: calls,
		Inherited: s.config.Sockets.Inherited, BindAddress: s.config.Sockets.BindAddress, MaxConnections: s.config.Sockets.MaxConnections, OnBound: s.config.Sockets.OnBound,
		OnPlaces: s.config.OnPlaces,
	})
	d.Prober = health.NewProber(health.Options{
		OnVerdict: func(v health.Verdict) { d.judge(v, false) },
		Guard:     guard.New(s.config.Logger, d.Proxy.Metrics().Panics.Inc),
	})
	d.location = location.New(location.Config{
		Root: d.Proxy.Root(), Prober: d.Prober,
		Publish: d.publish, Partly: d.elsewhere,
		Applied: d.report,
	})
	var running sync.WaitGroup
	running.Go(func() { d.Prober.Run(ctx) })
	running.Go(func() { d.location.Run(ctx) })
	running.Go(func() { d.records.Run(ctx) })
	go func() {
		running.Wait()
		close(d.ended)
	}()
	if tx := s.model.Open(at.Region); tx != nil {
		d.location.Apply(tx)
	}
	return d
}

// publish puts a root in force, and withdraws the verdicts on what is not probed any more.
func (d *DataPlane) publish(next *config.Root) error {
	for _, c := range next.ProbeChanges() {
		if !c.Added && !d.Prober.Probes(c.Check, c.Address) {
			d.judge(health.Verdict{Check: c.Check, Address: c.Address}, true)
		}
	}
	return d.Proxy.Commit(next)
}

func (d *DataPlane) judge(v health.Verdict, gone bool) {
	if !d.closed.Load() {
		d.feedback.Verdict(d.Location, v, gone)
	}
}

// report is the word on a step that ended.
func (d *DataPlane) report(seq uint64, err error) {
	if d.closed.Load() {
		return
	}
	out := location.Report{Location: d.Location, Seq: seq, Trouble: err}
	var refused *config.Refused
	if errors.As(err, &refused) {
		out.Seq, out.Refused = max(seq, refused.Seq), refused.Resources
	}
	out.Faults, out.Failing = d.Proxy.Root().Faults(), d.records.Failing()
	for _, b := range d.Proxy.Bound() {
		if b.Err != nil {
			out.Unbound = append(out.Unbound, location.Unbound{ForwardingRule: b.Frontend, Address: b.Requested, Text: b.Err.Error()})
			continue
		}
		out.Listening = append(out.Listening, location.Listening{ForwardingRule: b.Frontend, Requested: b.Requested, Actual: b.Actual})
		if b.Elsewhere() {
			out.Elsewhere = append(out.Elsewhere, location.Elsewhere{ForwardingRule: b.Frontend, Requested: b.Requested, Actual: b.Actual, Text: why(b)})
		}
	}
	d.feedback.Report(out)
}

// elsewhere lists what listens in another's place.
func (d *DataPlane) elsewhere() string {
	var text strings.Builder
	for _, b := range d.Proxy.Bound() {
		if b.Elsewhere() {
			fmt.Fprintln(&text, b)
		}
	}
	return text.String()
}

// why is the system's word on why an address could not be bound.
func why(b proxy.Bound) string {
	var system syscall.Errno
	if errors.As(b.Why, &system) {
		return system.Error()
	}
	return ""
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
