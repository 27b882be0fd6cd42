package serve

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"slices"
	"sync"
	"time"

	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
	spillwayv1alpha1 "github.com/spillway-lb/spillway/api/spillway/v1alpha1"
	"github.com/spillway-lb/spillway/internal/fleet"
	"github.com/spillway-lb/spillway/internal/proxy/config"
	"github.com/spillway-lb/spillway/internal/proxy/trace"
	"github.com/spillway-lb/spillway/internal/store"
)

// planes are the data planes, one at each location: the regions of the fleet's clusters, and home.
type planes struct {
	home      string // a region that is a location without a cluster, or ""
	accessLog io.Writer
	tracer    *trace.Tracer
	log       *slog.Logger
	report    *reporter
	model     *model
	counts    *counts
	// changed receives after something was bound or published.
	changed chan struct{}

	mu       sync.Mutex
	byRegion map[string]*plane
	advanced chan struct{} // closed and replaced when a location has dealt with a transaction
}

func newPlanes(c *Config, r *reporter, m *model, counts *counts) *planes {
	return &planes{
		home: c.From, accessLog: c.AccessLog, tracer: c.Tracer, log: c.Log, report: r, model: m, counts: counts,
		changed:  make(chan struct{}, 1),
		byRegion: map[string]*plane{}, advanced: make(chan struct{}),
	}
}

// follow opens and closes locations as the clusters' regions come and go.
func (p *planes) follow(snapshot *store.Snapshot, touched []string) {
	if !touches(touched, fleet.KindCluster) {
		return
	}
	wanted := regionsOf(snapshot, p.home)
	p.mu.Lock()
	defer p.mu.Unlock()
	for region, at := range wanted {
		if p.byRegion[region] == nil {
			p.byRegion[region] = p.open(at)
		}
	}
	for region, old := range p.byRegion {
		if _, ok := wanted[region]; !ok {
			delete(p.byRegion, region)
			go func() { _ = old.drain(drainGone) }() // nobody is left to tell
		}
	}
}

// drainGone bounds the draining of a location whose clusters have gone.
const drainGone = 30 * time.Second

// regionsOf are the locations: each region of a cluster, with a zone of it, and home.
func regionsOf(snapshot *store.Snapshot, home string) map[string]config.Location {
	regions := map[string]config.Location{}
	snapshot.Walk(fleet.KindCluster, "", "", func(e *store.Entry) bool {
		cluster, ok := e.Object.(*spillwayv1alpha1.Cluster)
		if !ok {
			return true
		}
		at := config.Location{Region: cluster.Spec.Region}
		if at.Region == "" {
			at.Region = fleet.DefaultRegion
		}
		at.Zone = at.Region + "-a"
		if len(cluster.Spec.Zones) > 0 {
			at.Zone = cluster.Spec.Zones[0]
		}
		if _, ok := regions[at.Region]; !ok {
			regions[at.Region] = at
		}
		return true
	})
	if _, ok := regions[home]; !ok && home != "" {
		regions[home] = config.Location{Region: home, Zone: home + "-a"}
	}
	return regions
}

// apply gives every location the next transaction.
func (p *planes) apply(tx *lbv1.Transaction) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, l := range p.byRegion {
		l.give(tx)
	}
}

// applied takes a location's word on how far it has come. An error is told once.
func (p *planes) applied(l *plane, seq uint64, err error) {
	var refused *config.Refused
	text := ""
	if err != nil {
		text = err.Error()
	}
	p.mu.Lock()
	news := text != "" && text != l.trouble
	l.dealt, l.refused, l.trouble = seq, errors.As(err, &refused), text
	close(p.advanced)
	p.advanced = make(chan struct{})
	p.mu.Unlock()
	if refused != nil {
		p.counts.refused.WithLabelValues(l.region).Inc()
	}
	if news {
		p.report.say("the proxy in %s: %s", l.region, text)
	}
	p.notify()
}

func (p *planes) notify() {
	select {
	case p.changed <- struct{}{}:
	default:
	}
}

// await returns when every location has dealt with a transaction, and after a while at the latest.
func (p *planes) await(ctx context.Context, seq uint64, atMost time.Duration) {
	timer := time.NewTimer(atMost)
	defer timer.Stop()
	for {
		p.mu.Lock()
		behind, advanced := p.behind(seq), p.advanced
		p.mu.Unlock()
		if !behind {
			return
		}
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
			return
		case <-advanced:
		}
	}
}

// behind says whether a location has a transaction up to seq still before it.
func (p *planes) behind(seq uint64) bool {
	for _, l := range p.byRegion {
		if l.dealt < min(seq, l.handed) && !l.refused {
			return true
		}
	}
	return false
}

// progress is how far each location has come.
func (p *planes) progress() map[string]uint64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	out := make(map[string]uint64, len(p.byRegion))
	for region, l := range p.byRegion {
		out[region] = l.dealt
	}
	return out
}

// sockets lists what all locations listen on.
func (p *planes) sockets() []bound {
	p.mu.Lock()
	defer p.mu.Unlock()
	var out []bound
	for _, l := range p.byRegion {
		for _, b := range l.proxy.Bound() {
			if b.Err == nil {
				out = append(out, bound{l.region, b.Frontend, b.Requested, b.Actual})
			}
		}
	}
	return out
}

// all returns the locations in order of region.
func (p *planes) all() []*plane {
	p.mu.Lock()
	defer p.mu.Unlock()
	var out []*plane
	for _, l := range p.byRegion {
		out = append(out, l)
	}
	slices.SortFunc(out, func(a, b *plane) int {
		if a.region < b.region {
			return -1
		}
		return 1
	})
	return out
}

// drain ends every location; requests in flight have until the time is over.
func (p *planes) drain(atMost time.Duration) error {
	all := p.all()
	errs := make([]error, len(all))
	var wg sync.WaitGroup
	for i, l := range all {
		wg.Go(func() { errs[i] = l.drain(atMost) })
	}
	wg.Wait()
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}
