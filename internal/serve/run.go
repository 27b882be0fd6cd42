package serve

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"sync"
	"time"

	"github.com/spillway-lb/spillway/internal/admin"
	"github.com/spillway-lb/spillway/internal/admission"
	"github.com/spillway-lb/spillway/internal/ads"
	"github.com/spillway-lb/spillway/internal/computeapi"
	"github.com/spillway-lb/spillway/internal/control"
	"github.com/spillway-lb/spillway/internal/controlplane"
	"github.com/spillway-lb/spillway/internal/dataplanes"
	"github.com/spillway-lb/spillway/internal/fact"
	"github.com/spillway-lb/spillway/internal/image"
	negcontroller "github.com/spillway-lb/spillway/internal/neg/controller"
	"github.com/spillway-lb/spillway/internal/oci"
	"github.com/spillway-lb/spillway/internal/outage"
	"github.com/spillway-lb/spillway/internal/proxy/plugin"
	"github.com/spillway-lb/spillway/internal/proxy/trace"
	"github.com/spillway-lb/spillway/internal/recompute"
	"github.com/spillway-lb/spillway/internal/status"
	"github.com/spillway-lb/spillway/internal/store"
	"github.com/spillway-lb/spillway/internal/translate"
	"github.com/spillway-lb/spillway/internal/view"
)

// Config is what to serve and how.
type Config struct {
	// Dir is an absolute path; "" if objects come from Clusters.
	Dir string
	// Clusters is how API servers are watched and written to, in place of a directory.
	Clusters *Clusters
	// Namespace is that of objects that name none, where their cluster.yaml says nothing; "default" if empty.
	Namespace string
	// From is the home region; the config cluster's if empty.
	From string
	// Socket is the path of the control socket; one in the runtime directory if empty.
	Socket string
	// State is the file that keeps what is to outlive the process; one for each directory in the user's state directory if
	// empty, none if it is StateNone.
	State string
	// Drain bounds how long requests in flight may take after the end.
	Drain time.Duration
	// Format is FormatText or FormatJSON.
	Format string
	// Out takes what users want to know, Log what operators want to know.
	Out io.Writer
	Log *slog.Logger
	// AccessLog takes a line for each request; nil logs none.
	AccessLog io.Writer
	// Tracer takes the spans of all locations; nil traces nothing.
	Tracer *trace.Tracer
	// Admin is the address for metrics and profiles; none if empty.
	Admin string
	// Compute is the address of the Compute and Network Services APIs; none if empty. ComputeWrites lets their clients delete.
	Compute       string
	ComputeWrites bool
	// ComputeHosts are the names by which those clients may call it beside addresses and localhost.
	ComputeHosts []string
	// Images is the directory that keeps plugins' images; ImagesPath if empty.
	Images string
	// Registry is the address of a registry that plugins can be pushed to; none if empty.
	Registry string
	Fleet    Fleet
	Replicas Replicas
	// Version is the program's.
	Version string
	// Now is the clock for objects' times.
	Now func() time.Time
	// Wire, if not nil, stands between the control plane and its proxies, as a network would; whether statuses are true when
	// that hangs, or proxies are of another version, can be seen with it.
	Wire func(controlplane.Sink) controlplane.Sink
}

// server is one run.
type server struct {
	config    Config
	report    *reporter
	store     *store.Store
	model     *view.Model
	source    *view.Source
	front     *computeapi.Front
	loop      *controlplane.Loop
	planes    *dataplanes.Set
	fleet     *ads.Server       // nil without
	admission *admission.Server // nil without
	announcer *announcer
	troubles  *troubles
	outages   *outages
	keeper    *keeper
	addresses *hostAddresses
	places    *places
	images    *oci.Store
	modules   *plugin.Modules
	resolver  *image.Resolver
	origin    origin
	negs      *negcontroller.Controller
	socket    net.Listener
}

// Run serves until the context ends, and then until every request in flight is answered.
func Run(ctx context.Context, c Config) error {
	s, err := newServer(c)
	if err != nil {
		return err
	}
	if err := errors.Join(s.serveAdmin(ctx), s.serveCompute(ctx), s.serveRegistry(ctx), s.serveFleet(ctx), s.serveWebhook(ctx)); err != nil {
		_ = s.socket.Close()
		return err
	}
	s.report.say("spillway %s serves %s; control socket %s", c.Version, s.origin.name(), s.socket.Addr())
	return s.run(ctx)
}

// serveAdmin answers until the context ends.
func (s *server) serveAdmin(ctx context.Context) error {
	if s.config.Admin == "" {
		return nil
	}
	levels := &levels{store: s.store, model: s.model, loop: s.loop, planes: s.planes}
	counted := append(append(s.loop.Metrics.Collectors(), levels), s.origin.collectors()...)
	if s.fleet != nil {
		counted = append(counted, s.fleet.Metrics.Collectors()...)
	}
	if s.admission != nil {
		counted = append(counted, s.admission.Metrics.Collectors()...)
	}
	at, err := admin.ServeReady(ctx, s.config.Admin, s.ready, counted...)
	if err != nil {
		return err
	}
	s.report.say("admin http://%s", at)
	if !admin.OnLoopback(at) {
		s.report.say("warning: metrics and profiles are open to everybody who can reach %s", at)
	}
	return nil
}

func newServer(c Config) (*server, error) {
	socket, err := control.Listen(c.Socket)
	if err != nil {
		return nil, err
	}
	s := &server{config: c, report: newReporter(c.Out, c.Format, c.Now), store: store.New(indexes()...), model: view.NewModel(), socket: socket}
	if c.Clusters != nil && c.Clusters.LeaveGKE {
		s.store.Commit(func(tx *store.Tx) { tx.SetFact(fact.GKEClasses(), false) })
	}
	writer := status.NewWriter(s.store, s.limits())
	s.addresses = &hostAddresses{store: s.store, usable: hostHas}
	s.troubles = newTroubles(s.store, s.report)
	s.keeper = newKeeper(cmp.Or(c.State, StatePath(c.Dir)), s.store, s.report, c.Now)
	s.newImages()
	kept := s.takeOver(s.keeper.load())
	if s.origin, err = s.newOrigin(writer, kept); err != nil {
		_ = socket.Close()
		return nil, err
	}
	s.negs = negcontroller.New(negcontroller.Options{Store: s.store, Writer: writer, Model: s.model, Published: kept.Units, Now: c.Now})
	engine := translate.Config(options(c.From))
	engine.Published, engine.Seq = kept.Units, kept.Seq
	s.loop = controlplane.New(controlplane.Config{
		Store: s.store, Engine: recompute.New(engine), Model: s.model, Applier: s.negs, Home: c.From,
		Await: s.origin.await(), Look: s.look, Say: s.report.say, Settled: s.troubles.wake,
		Inherited: inherited(kept), Keep: s.keeper.keep, Now: c.Now,
	})
	s.places = &places{store: s.store, problems: func() map[string]string { return placeProblems(s.planes.All()) }, changed: make(chan struct{}, 1)}
	s.planes = dataplanes.New(dataplanes.Config{
		OnPlaces: s.places.wake,
		Modules:  s.modules,
		Feedback: s.loop, AccessLog: c.AccessLog, Tracer: c.Tracer, Logger: c.Log,
		Project: func() (id, number string) { return view.Project(s.store.Snapshot()) },
	})
	s.loop.To(wired(c, s.sink()))
	s.admission = s.newAdmission()
	s.source = &view.Source{
		Started: startedInfo(c), From: c.From, Store: s.store, Published: s.model, Sockets: s.sockets, Locations: s.locations,
		Output: s.origin.output,
	}
	s.front = computeapi.New(s.source, s.negs, c.Now)
	s.outages = &outages{store: s.store, source: s.source, report: s.report, watch: outage.NewWatch(), writer: writer, now: c.Now, states: newBackendStates(s.store, s.source)}
	s.announcer = &announcer{store: s.store, source: s.source, report: s.report, now: c.Now}
	return s, nil
}

// wired is where transactions go.
func wired(c Config, planes controlplane.Sink) controlplane.Sink {
	if c.Wire == nil {
		return planes
	}
	return c.Wire(planes)
}

func startedInfo(c Config) control.Info {
	return control.Info{Version: c.Version, PID: os.Getpid(), Dir: c.Dir, Started: c.Now()}
}

// sockets lists what all proxies listen on.
func (s *server) sockets() []view.Socket {
	var out []view.Socket
	for _, d := range s.planes.All() {
		for _, b := range d.Proxy.Bound() {
			if b.Err == nil {
				out = append(out, view.Socket{Location: d.Location, ForwardingRule: b.Frontend, Requested: b.Requested, Actual: b.Actual})
			}
		}
	}
	return append(out, s.fleetSockets()...)
}

// run starts the parts, and ends them in the order in which requests pass: sockets, proxies, backends.
func (s *server) run(ctx context.Context) error {
	running, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	var parts sync.WaitGroup
	answers := control.NewServer(s.source, s.front.Handler(computeapi.Writes))
	parts.Go(func() {
		if err := answers.Serve(s.socket); err != nil {
			s.report.say("control socket: %v", err)
		}
	})
	parts.Go(func() { s.origin.follow(ctx) })
	parts.Go(func() { s.origin.work(running) })
	parts.Go(func() { s.addresses.run(running) })
	parts.Go(func() { s.places.run(running) })
	parts.Go(func() { s.resolver.Run(running) })
	parts.Go(func() { s.negs.Run(running) })
	parts.Go(func() { s.compute(running) })
	announced := make(chan struct{})
	go func() {
		defer close(announced)
		s.announcer.run(ctx)
	}()
	parts.Go(func() { s.troubles.run(running) })
	parts.Go(func() { s.outages.run(ctx) })
	<-ctx.Done()
	<-announced
	s.report.say("ending: requests in flight are answered first")
	s.modules.Close()
	s.keep()
	grace := podGrace
	err := s.planes.Drain(s.config.Drain)
	if err != nil {
		err = fmt.Errorf("requests were cut: some took longer than %v: %w", s.config.Drain, err)
		grace = 0 // what a Pod is still busy with was cut
	}
	s.endPods(grace)
	stop()
	_ = answers.Close() // the process ends
	parts.Wait()
	return err
}

// keepTime bounds how long the end waits for the round that is under way, so that the last state is kept.
const keepTime = 5 * time.Second

// keep saves what is there now, before parts of it end.
func (s *server) keep() {
	ctx, cancel := context.WithTimeout(context.Background(), keepTime)
	defer cancel()
	select {
	case <-s.origin.loaded():
		s.loop.Flush(ctx)
	default: // what an earlier process kept is better than nothing
	}
	s.keeper.close()
}

// podGrace bounds how long Pods may take to end when no proxy sends them anything any more.
const podGrace = 5 * time.Second

func (s *server) endPods(grace time.Duration) {
	ctx, cancel := context.WithTimeout(context.Background(), grace)
	defer cancel()
	s.origin.end(ctx)
}

// compute starts when everything has been read, so that the first round is a whole one.
func (s *server) compute(ctx context.Context) {
	select {
	case <-ctx.Done():
		return
	case <-s.origin.loaded():
	}
	s.loop.Run(ctx)
}
