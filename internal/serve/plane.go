package serve

import (
	"context"
	"sync"
	"time"

	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
	"github.com/spillway-lb/spillway/internal/health"
	"github.com/spillway-lb/spillway/internal/location"
	"github.com/spillway-lb/spillway/internal/proxy"
	"github.com/spillway-lb/spillway/internal/proxy/config"
)

// plane is one location: a proxy and its prober.
type plane struct {
	region   string
	proxy    *proxy.Proxy
	prober   *health.Prober
	location *location.Location
	cancel   context.CancelFunc
	ended    chan struct{}

	// guarded by planes.mu
	handed  uint64 // the newest transaction that it was given
	dealt   uint64 // the newest one that it published
	refused bool   // whether it refuses what came after that
	trouble string // its last error
}

// open starts a location with everything that is published already.
func (p *planes) open(at config.Location) *plane {
	ctx, cancel := context.WithCancel(context.Background())
	out := &plane{region: at.Region, cancel: cancel, ended: make(chan struct{})}
	log := p.log.With("location", at.Region)
	out.proxy = proxy.New(proxy.Config{
		Location: at, Logger: log, AccessLog: p.accessLog, LogAll: true, Tracer: p.tracer,
		OnBound: func([]proxy.Bound) { p.notify() },
	})
	out.prober = health.NewProber(health.Options{})
	out.location = location.New(location.Config{
		Root: out.proxy.Root(), Prober: out.prober,
		Publish: out.proxy.Commit,
		Applied: func(seq uint64, err error) { p.applied(out, seq, err) },
	})
	var running sync.WaitGroup
	running.Go(func() { out.prober.Run(ctx) })
	running.Go(func() { out.location.Run(ctx) })
	go func() {
		running.Wait()
		close(out.ended)
	}()
	if m := p.model.all(); len(m.GetResources()) > 0 {
		out.give(everything(m))
	}
	return out
}

func (l *plane) give(tx *lbv1.Transaction) {
	l.handed = tx.GetSeq()
	l.location.Apply(tx)
}

// cutTime is how long a proxy may take to let go of the requests that it cuts. One that waits for a backend's answer is
// then left behind: the process is about to end.
const cutTime = time.Second

// drain stops listening first, while health still counts for the requests in flight.
func (l *plane) drain(atMost time.Duration) error {
	ctx, cancel := context.WithTimeout(context.Background(), atMost)
	defer cancel()
	drained := make(chan error, 1)
	go func() { drained <- l.proxy.Drain(ctx) }()
	var err error
	select {
	case err = <-drained:
	case <-time.After(atMost + cutTime):
		err = ctx.Err()
	}
	l.cancel()
	<-l.ended
	return err
}
