package dataplanes

import (
	"cmp"
	"io"
	"log/slog"
	"maps"
	"net/netip"
	"slices"
	"sync"
	"time"

	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
	"github.com/spillway-lb/spillway/internal/health"
	"github.com/spillway-lb/spillway/internal/location"
	"github.com/spillway-lb/spillway/internal/proxy"
	"github.com/spillway-lb/spillway/internal/proxy/chains"
	"github.com/spillway-lb/spillway/internal/proxy/config"
	"github.com/spillway-lb/spillway/internal/proxy/extension"
	"github.com/spillway-lb/spillway/internal/proxy/metrics"
	"github.com/spillway-lb/spillway/internal/proxy/passive"
	"github.com/spillway-lb/spillway/internal/proxy/plugin"
	"github.com/spillway-lb/spillway/internal/proxy/trace"
	"github.com/spillway-lb/spillway/internal/subset"
)

// Config is what all data planes have in common.
type Config struct {
	Feedback Feedback
	// AccessLog takes a line for each request; nil logs none.
	AccessLog io.Writer
	// Project returns the id and number of the project that access logs name; nil for none. A data plane asks when it opens.
	Project func() (id, number string)
	// Tracer takes the spans of all locations; nil traces nothing.
	Tracer *trace.Tracer
	Logger *slog.Logger
	// Modules gives the modules of Wasm plugins, compiled once for all locations; nil runs none.
	Modules *plugin.Modules
	Sockets Sockets
	// OnPlaces, if not nil, is called when a proxy says something else of its geo databases, or is not among All any more. It must
	// not wait for anything.
	OnPlaces func()
}

// Sockets is how data planes listen; the zero value is as usual.
type Sockets struct {
	// Inherited are those that another process hands over.
	Inherited []proxy.Socket
	// BindAddress, if valid, is bound in place of forwarding rules' addresses.
	BindAddress netip.Addr
	// MaxConnections bounds the open connections of clients of each data plane; 0 is half of the descriptors that the process may have.
	MaxConnections int
	// OnBound, if not nil, hears what a data plane listens on when that has changed.
	OnBound func([]proxy.Bound)
}

// Feedback hears what data planes find out. Its methods must not wait for anything, and may be called from any goroutine.
type Feedback interface {
	// Opened and Closed tell of data planes that come and go; nothing is reported of a location before or after.
	Opened(location string)
	Closed(location string)
	// Report says how a step ended.
	Report(location.Report)
	// Verdict is told of every verdict that changes; gone: the endpoint is not probed for the check any more.
	Verdict(location string, v health.Verdict, gone bool)
}

// Set is the data planes, one at each location.
type Set struct {
	config Config

	mu         sync.Mutex
	model      *subset.Model
	byLocation map[string]*DataPlane
}

// New makes a set without data planes.
func New(c Config) *Set {
	return &Set{config: c, model: subset.New(), byLocation: map[string]*DataPlane{}}
}

// extensions are what a data plane runs of them. Plugins make their calls by services.
func (s *Set) extensions(logger *slog.Logger, counts *metrics.Registry, services plugin.Services, records *passive.Records) extension.Provider {
	c := chains.Compiler{Records: records}
	if s.config.Modules != nil {
		c.Plugins = plugin.New(plugin.Config{Modules: s.config.Modules, Logger: logger, Metrics: counts, Services: services})
	}
	return c.Provider()
}

// drainGone bounds the draining of a location that is no longer wanted.
const drainGone = 30 * time.Second

// Follow opens and closes data planes, so that there is one at each of the locations, which are told apart by region.
func (s *Set) Follow(locations []config.Location) {
	s.mu.Lock()
	defer s.mu.Unlock()
	wanted := map[string]bool{}
	for _, at := range locations {
		wanted[at.Region] = true
		if s.byLocation[at.Region] == nil {
			s.config.Feedback.Opened(at.Region)
			s.byLocation[at.Region] = s.open(at)
		}
	}
	for name, old := range s.byLocation {
		if wanted[name] {
			continue
		}
		delete(s.byLocation, name)
		s.model.Close(name)
		old.closed.Store(true)
		s.config.Feedback.Closed(name)
		if s.config.OnPlaces != nil {
			s.config.OnPlaces()
		}
		go func() { _ = old.drain(drainGone) }() // nobody is left to tell
	}
}

// Apply gives every data plane its part of the next transaction, and waits for none.
func (s *Set) Apply(tx *lbv1.Transaction) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for name, part := range s.model.Apply(tx) {
		s.byLocation[name].location.Apply(part)
	}
}

// Locations are the names of those with a data plane, in order.
func (s *Set) Locations() []string {
	var out []string
	for _, d := range s.All() {
		out = append(out, d.Location)
	}
	return out
}

// All returns the data planes in order of location.
func (s *Set) All() []*DataPlane {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.SortedFunc(maps.Values(s.byLocation), func(a, b *DataPlane) int { return cmp.Compare(a.Location, b.Location) })
}

// Drain ends every data plane; requests in flight have until the time is over.
func (s *Set) Drain(atMost time.Duration) error {
	all := s.All()
	errs := make([]error, len(all))
	var wg sync.WaitGroup
	for i, d := range all {
		wg.Go(func() { errs[i] = d.drain(atMost) })
	}
	wg.Wait()
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}
