package proxy

import (
	"context"
	"io"
	"log/slog"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
	"github.com/spillway-lb/spillway/internal/descriptors"
	"github.com/spillway-lb/spillway/internal/guard"
	"github.com/spillway-lb/spillway/internal/proxy/accesslog"
	"github.com/spillway-lb/spillway/internal/proxy/call"
	"github.com/spillway-lb/spillway/internal/proxy/config"
	"github.com/spillway-lb/spillway/internal/proxy/downstream"
	"github.com/spillway-lb/spillway/internal/proxy/exchange"
	"github.com/spillway-lb/spillway/internal/proxy/extension"
	"github.com/spillway-lb/spillway/internal/proxy/geo"
	"github.com/spillway-lb/spillway/internal/proxy/http2"
	"github.com/spillway-lb/spillway/internal/proxy/listener"
	"github.com/spillway-lb/spillway/internal/proxy/metrics"
	"github.com/spillway-lb/spillway/internal/proxy/proxytls"
	"github.com/spillway-lb/spillway/internal/proxy/trace"
	"github.com/spillway-lb/spillway/internal/proxy/transport"
	"github.com/spillway-lb/spillway/internal/proxy/upstream"
)

// Config is what a proxy is made with. The zero value works.
type Config struct {
	// Location is where the proxy runs: it decides which frontends are its own, and which weights hold.
	Location config.Location
	// Logger takes events for operators. nil discards them.
	Logger *slog.Logger
	// AccessLog takes a JSON line for each logged request. nil logs none.
	AccessLog io.Writer
	// Project and ProjectNumber are what access logs call the project; "0" if empty.
	Project, ProjectNumber string
	// LogAll logs every request, whatever backend services' policies say.
	LogAll bool
	// Metrics counts. nil makes a registry of its own, see Proxy.Metrics.
	Metrics *metrics.Registry
	// Tracer may be nil.
	Tracer *trace.Tracer
	// BindAddress, if valid, is what sockets are bound to in place of the forwarding rules' addresses, where the network leads those
	// here, as it does to a Pod. Two rules with one port exclude each other then: the second one is not bound.
	BindAddress netip.Addr
	// MaxConnections bounds the open connections of clients, of all frontends together; 0 takes half of the descriptors
	// that the process may have.
	MaxConnections int
	// Guard recovers what panics. nil makes one that logs to Logger and counts in Metrics.
	Guard *guard.Guard
	// Extensions makes the chains of filters of target proxies. nil makes none.
	Extensions extension.Provider
	// Inherited are sockets of another process that this one takes over (see TakeOver).
	Inherited []Socket
	// Settle, if set, is called by Update and Replace with the next root before it is in force: to have its endpoints
	// probed, and to wait (not for long) for first verdicts.
	Settle func(next *config.Root)
	// Outside, if set, makes requests that no client has asked for.
	Outside Outside
	// OnBound, if set, is called after an Update that changed what is bound.
	OnBound func([]Bound)
	// OnPlaces, if set, is called when PlaceProblems has become different. It must not wait for anything.
	OnPlaces func()
}

// Outside makes requests that no client has asked for: those of plugins.
type Outside interface {
	// Connect says where the configuration in force is read, and what requests go through. It comes first.
	Connect(root func() *config.Root, caller *call.Caller)
	// Follow is called when another configuration is in force.
	Follow()
	// End cuts the requests under way, and returns when there are none. None may come after.
	End()
}

// idleWorkers is how many parked goroutines wait for HTTP/2 streams.
const idleWorkers = 256

// Proxy is one data plane.
type Proxy struct {
	cfg       Config
	clock     *transport.Clock
	pools     *upstream.Pools
	caller    *call.Caller
	workers   *http2.Workers
	server    *downstream.Server
	accessLog *accesslog.Writer
	tickets   *proxytls.Tickets
	shared    *listener.Shared
	reserve   *descriptors.Reserve
	places    *geo.Databases
	looked    time.Time // when the files of places were last looked at

	root atomic.Pointer[config.Root]

	mu        sync.Mutex // Updates, one at a time, and the end
	frontends map[frontendKey]*frontend
	handlers  map[config.FrontendKind]handlerMaker
	unbound   map[frontendKey]string // the reasons that were logged
	inherited []Socket
	ended     bool
	ports     atomic.Pointer[portTable]
	bound     atomic.Pointer[[]Bound]
	replacing sync.Mutex
	model     map[resourceKey]*lbv1.Resource // of the last Replace
	swept     uint64                         // Removals of the root that metrics were swept for
	ticking   sync.WaitGroup
	live      sync.WaitGroup // accepting listeners, and connections of clients from the moment they are accepted
	stop      chan struct{}
}

// New makes a proxy with an empty configuration. Drain or Close ends it.
func New(c Config) *Proxy {
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.Metrics == nil {
		c.Metrics = metrics.New(metrics.Options{})
	}
	if c.Guard == nil {
		c.Guard = guard.New(c.Logger, c.Metrics.Panics.Inc)
	}
	reserve := descriptors.NewReserve(0)
	p := &Proxy{
		cfg: c, clock: transport.NewClock(), workers: http2.NewWorkers(idleWorkers, c.Guard), tickets: proxytls.NewTickets(time.Now()),
		frontends: map[frontendKey]*frontend{}, handlers: handlerMakers(), unbound: map[frontendKey]string{}, inherited: c.Inherited, stop: make(chan struct{}),
		reserve: reserve, shared: listener.NewShared(c.MaxConnections, reserve),
	}
	p.followLimit()
	p.places = &geo.Databases{Logger: c.Logger, Changed: c.OnPlaces}
	p.root.Store(config.NewWith(c.Location, c.Extensions))
	p.pools = &upstream.Pools{Clock: p.clock, Workers: p.workers, Reserve: reserve}
	p.pools.Start()
	if c.AccessLog != nil {
		p.accessLog = accesslog.NewWriter(c.AccessLog, accesslog.Options{Project: c.Project, ProjectNumber: c.ProjectNumber})
		countLines(c.Metrics, p.accessLog)
	}
	p.caller = &call.Caller{Clock: p.clock, Pools: p.pools, Metrics: c.Metrics, Guard: c.Guard}
	if c.Outside != nil {
		c.Outside.Connect(p.root.Load, p.caller)
	}
	p.server = &downstream.Server{Workers: p.workers, Doorman: transport.NewDoorman(), Engine: &exchange.Engine{
		Root: p.root.Load, Caller: p.caller, Log: p.accessLog, LogAll: c.LogAll, Metrics: c.Metrics,
		Tracer: c.Tracer, Logger: c.Logger, Guard: c.Guard, Places: p.places,
	}}
	c.Metrics.BeforeCollect(p.server.CountEjected)
	p.ticking.Add(1)
	go p.tick()
	return p
}

// followLimit reads how many descriptors the process may have: an operator may change that while it runs.
func (p *Proxy) followLimit() {
	limit := descriptors.Limit()
	if p.reserve.Follow(limit) && p.cfg.MaxConnections == 0 {
		p.shared.Limit(descriptors.Connections(limit))
	}
}

// countLines shows what becomes of access log lines.
func countLines(m *metrics.Registry, w *accesslog.Writer) {
	for _, s := range []struct {
		name, help string
		read       func() uint64
	}{
		{"access_log_lines_total", "Access log lines taken.", w.Lines},
		{"access_log_dropped_total", "Access log lines dropped because the writer could not follow.", w.Dropped},
		{"access_log_failures_total", "Writes of access log lines that failed.", w.Failed},
	} {
		m.AddSource(metrics.Source{Name: s.name, Help: s.help, Read: func() float64 { return float64(s.read()) }})
	}
}

// tickEvery is how often the age of session ticket keys is looked at, and whether metrics have names to forget. The last
// counts of what was deleted are seen by a scrape within that time at most.
const tickEvery = 30 * time.Second

// tick keeps time for what rotates, what is swept, and what others may change.
func (p *Proxy) tick() {
	defer p.ticking.Done()
	t := time.NewTicker(tickEvery)
	defer t.Stop()
	for {
		select {
		case <-p.stop:
			return
		case now := <-t.C:
			p.tickets.Tick(now)
			p.sweepMetrics()
			p.refreshPlaces(now)
			p.followLimit()
		}
	}
}

// refreshEvery is how often the files of geo databases are looked at. They are published weekly.
const refreshEvery = time.Minute

// refreshPlaces reads geo databases that have changed. It runs in the ticking goroutine only.
func (p *Proxy) refreshPlaces(now time.Time) {
	if now.Sub(p.looked) >= refreshEvery {
		p.looked = now
		p.places.Refresh()
	}
}

// PlaceProblems says which geo databases cannot be read, by file, and why.
func (p *Proxy) PlaceProblems() map[string]string { return p.places.Problems() }

// Root is the configuration that new requests start on. Probers set health through it.
func (p *Proxy) Root() *config.Root { return p.root.Load() }

// Metrics is the registry the proxy counts in.
func (p *Proxy) Metrics() *metrics.Registry { return p.cfg.Metrics }

// Update applies a transaction as a whole, or returns *config.Refused and changes nothing. It waits for Settle only: see
// Prepare and Commit for a caller that does its own waiting.
func (p *Proxy) Update(tx *lbv1.Transaction) error {
	next, err := p.Prepare(tx)
	if err != nil {
		return err
	}
	return p.settle(next)
}

func (p *Proxy) settle(next *config.Root) error {
	if p.cfg.Settle != nil {
		p.cfg.Settle(next)
	}
	return p.Commit(next)
}

// Prepare compiles a transaction without using it yet.
func (p *Proxy) Prepare(tx *lbv1.Transaction) (*config.Root, error) { return p.root.Load().Apply(tx) }

// Commit makes a prepared root the current one. An error names frontends that could not be bound; everything else is in
// force. The current one may be committed again, to bind what could not be bound as written.
func (p *Proxy) Commit(next *config.Root) error {
	p.places.Use(next.GeoDatabases()) // before the lock: reading files takes its time
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.ended {
		return errEnded
	}
	p.followLimit()
	// Certificates first, then the root, then sockets: a connection never finds less than its request needs.
	err := p.prepareFrontends(next)
	again := p.root.Swap(next) == next
	if bindErr := p.updateFrontends(next, again); err == nil {
		err = bindErr
	}
	p.server.Follow()
	if p.cfg.Outside != nil {
		p.cfg.Outside.Follow()
	}
	for _, e := range next.Retired() {
		p.pools.Retire(e)
	}
	return err
}

// Whole says that every frontend is bound, and as written.
func (p *Proxy) Whole() bool {
	return !slices.ContainsFunc(p.Bound(), func(b Bound) bool { return b.Err != nil || b.Elsewhere() })
}

// Rebind tries again to bind what could not be bound, or not as written.
func (p *Proxy) Rebind() error { return p.Commit(p.Root()) }

// Drain stops accepting and lets connections end with their requests, and mirrors with theirs; when ctx ends first, they are cut.
func (p *Proxy) Drain(ctx context.Context) error {
	if !p.end() {
		return nil
	}
	p.server.Drain()
	done := make(chan struct{})
	go func() {
		p.live.Wait()
		close(done)
	}()
	var err error
	select {
	case <-done:
	case <-ctx.Done():
		err = ctx.Err()
		p.server.Abort()
		<-done
	}
	p.server.EndMirrors(ctx)
	p.close()
	return err
}

// Close ends everything now.
func (p *Proxy) Close() error {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := p.Drain(ctx); err != nil && err != context.Canceled {
		return err
	}
	return nil
}

// end closes the sockets. false: it has been called before.
func (p *Proxy) end() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.ended {
		return false
	}
	p.ended = true
	for _, f := range p.frontends {
		f.close()
	}
	for _, s := range p.inherited {
		_ = s.File.Close()
	}
	close(p.stop)
	return true
}

// close releases what exchanges needed.
func (p *Proxy) close() {
	p.ticking.Wait()
	if p.cfg.Outside != nil {
		p.cfg.Outside.End()
	}
	p.caller.EndStreams()
	p.server.Doorman.Close()
	p.pools.Stop()
	p.workers.Close()
	if p.accessLog != nil {
		_ = p.accessLog.Close()
	}
	p.clock.Stop()
}
