package serve

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"sync"
	"time"

	"github.com/spillway-lb/spillway/internal/admin"
	"github.com/spillway-lb/spillway/internal/control"
	"github.com/spillway-lb/spillway/internal/proxy/trace"
	"github.com/spillway-lb/spillway/internal/recompute"
	"github.com/spillway-lb/spillway/internal/standalone"
	"github.com/spillway-lb/spillway/internal/status"
	"github.com/spillway-lb/spillway/internal/store"
	"github.com/spillway-lb/spillway/internal/translate"
)

// Config is what to serve and how.
type Config struct {
	// Dir is an absolute path.
	Dir string
	// From is the home region; the config cluster's if empty.
	From string
	// Socket is the path of the control socket; one in the runtime directory if empty.
	Socket string
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
	// Version is the program's.
	Version string
	// Now is the clock for objects' times.
	Now func() time.Time
}

// server is one run.
type server struct {
	config    Config
	report    *reporter
	store     *store.Store
	source    *source
	planes    *planes
	computer  *computer
	directory *directory
	standin   *standalone.Controller
	socket    net.Listener
	counts    *counts
}

// Run serves until the context ends, and then until every request in flight is answered.
func Run(ctx context.Context, c Config) error {
	s, err := newServer(c)
	if err != nil {
		return err
	}
	if err := s.serveAdmin(ctx); err != nil {
		_ = s.socket.Close()
		return err
	}
	s.report.say("spillway %s serves %s; control socket %s", c.Version, c.Dir, s.socket.Addr())
	return s.run(ctx)
}

// serveAdmin answers until the context ends.
func (s *server) serveAdmin(ctx context.Context) error {
	if s.config.Admin == "" {
		return nil
	}
	counted := append(s.counts.collectors(), &levels{store: s.store, model: s.source.model, planes: s.planes})
	at, err := admin.Serve(ctx, s.config.Admin, counted...)
	if err != nil {
		return err
	}
	s.report.say("admin http://%s", at)
	return nil
}

func newServer(c Config) (*server, error) {
	socket, err := control.Listen(c.Socket)
	if err != nil {
		return nil, err
	}
	s := &server{config: c, report: newReporter(c.Out, c.Format), store: store.New(indexes()...), socket: socket, counts: newCounts()}
	writer := status.NewWriter(s.store, status.Limits{})
	m := newModel()
	s.planes = newPlanes(&c, s.report, m, s.counts)
	s.source = &source{config: c, started: startedInfo(c), store: s.store, model: m, planes: s.planes}
	s.source.announcer = &announcer{
		store: s.store, model: m, planes: s.planes, report: s.report, home: s.source.home,
	}
	s.standin = standalone.New(s.store, writer, standalone.Options{
		Dir: c.Dir, Logger: c.Log, Now: c.Now, Healthy: s.planes.healthyPods,
	})
	s.source.standin = s.standin
	live := options(c.From)
	live.Usable = hostHas
	s.computer = &computer{
		store: s.store, await: s.standin.Await,
		engine:    recompute.New(translate.Config(live)),
		publisher: translate.NewPublisher(), writer: writer, model: m, planes: s.planes, report: s.report, counts: s.counts,
		statuses: newStatuses(writer, s.planes),
	}
	s.directory = &directory{path: c.Dir, store: s.store, report: s.report, problems: s.counts.problems, loaded: make(chan struct{})}
	return s, nil
}

// run starts the parts, and ends them in the order in which requests pass: sockets, proxies, backends.
func (s *server) run(ctx context.Context) error {
	running, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	var parts sync.WaitGroup
	answers := control.NewServer(s.source)
	parts.Go(func() {
		if err := answers.Serve(s.socket); err != nil {
			s.report.say("control socket: %v", err)
		}
	})
	parts.Go(func() { s.directory.follow(ctx) })
	parts.Go(func() { _ = s.standin.Run(running) }) // it fails with its context only
	parts.Go(func() { s.compute(running) })
	parts.Go(func() { s.computer.statuses.run(running) })
	parts.Go(func() { s.source.announcer.run(running) })
	<-ctx.Done()
	s.report.say("ending: requests in flight are answered first")
	grace := podGrace
	err := s.planes.drain(s.config.Drain)
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

// podGrace bounds how long Pods may take to end when no proxy sends them anything any more.
const podGrace = 5 * time.Second

func (s *server) endPods(grace time.Duration) {
	ctx, cancel := context.WithTimeout(context.Background(), grace)
	defer cancel()
	s.standin.Shutdown(ctx)
}

// compute starts when everything has been read, so that the first round is a whole one.
func (s *server) compute(ctx context.Context) {
	select {
	case <-ctx.Done():
		return
	case <-s.directory.loaded:
	}
	s.computer.sub = s.store.Subscribe()
	s.computer.run(ctx)
}
