package ads

import (
	"cmp"
	"log/slog"
	"maps"
	"slices"
	"sync"

	discoveryv3 "github.com/envoyproxy/go-control-plane/envoy/service/discovery/v3"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
	"github.com/spillway-lb/spillway/internal/ads/credentials"
	"github.com/spillway-lb/spillway/internal/ads/wire"
	"github.com/spillway-lb/spillway/internal/health"
	"github.com/spillway-lb/spillway/internal/location"
	"github.com/spillway-lb/spillway/internal/proxy/config"
	"github.com/spillway-lb/spillway/internal/subset"
)

// Feedback hears what proxies say; see controlplane.Loop. Its methods must not wait for anything.
type Feedback interface {
	// Opened and Closed tell of proxies that come and go, by location.Name.
	Opened(name string)
	Closed(name string)
	Report(location.Report)
	// Verdict is a proxy's, on an endpoint; gone: it does not probe it any more.
	Verdict(name string, v health.Verdict, gone bool)
}

// Config is what a server is made of.
type Config struct {
	Feedback Feedback
	// Stuck says that nothing new will be published though there is something: proxies are to ask another controller. nil: never.
	Stuck func() bool
	// Bound refuses proxies whose certificates name no place (credentials.Permit).
	Bound bool
	// Logger is told of proxies that come, go, and refuse; nil: nobody is.
	Logger *slog.Logger
}

// Server gives proxies what is published. Make one with New.
type Server struct {
	discoveryv3.UnimplementedAggregatedDiscoveryServiceServer
	config  Config
	Metrics *Metrics
	// ready is closed when something has been published, or it is known that there is nothing: before, proxies wait.
	ready func()
	known chan struct{}

	mu      sync.Mutex
	model   *subset.Model
	seq     uint64
	regions map[string]*region
	held    holder
}

// New makes a server without proxies.
func New(c Config) *Server {
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.Stuck == nil {
		c.Stuck = func() bool { return false }
	}
	known := make(chan struct{})
	s := &Server{config: c, known: known, ready: sync.OnceFunc(func() { close(known) }), model: subset.New(), regions: map[string]*region{}, held: holder{}}
	s.Metrics = newMetrics(s.counts)
	return s
}

// alive is why proxies are to ask another controller.
func (s *Server) alive() error {
	if s.config.Stuck() {
		return status.Error(codes.Unavailable, "this controller hangs")
	}
	return nil
}

// Register serves both streams.
func (s *Server) Register(g grpc.ServiceRegistrar) {
	discoveryv3.RegisterAggregatedDiscoveryServiceServer(g, s)
	wire.RegisterReports(g, s)
}

// Follow says where proxies are wanted: they come by themselves. It tells that the first round is over.
func (s *Server) Follow([]config.Location) { s.ready() }

// Apply owes every proxy its part of the next transaction, and waits for none.
func (s *Server) Apply(tx *lbv1.Transaction) {
	s.mu.Lock()
	defer s.mu.Unlock()
	defer s.ready()
	s.seq = tx.GetSeq()
	s.held.apply(tx)
	for name, part := range s.model.Apply(tx) {
		r := s.regions[name]
		r.apply(part, s.held)
		for _, p := range r.proxies {
			s.tell(p)
		}
	}
}

// tell says how far a proxy has come, if it has said so itself.
func (s *Server) tell(p *proxy) {
	if report, ok := p.progress(s.seq); ok {
		s.config.Feedback.Report(report)
	}
}

// join adds a proxy that has resources of the given versions. One of the same name is an older connection of it.
func (s *Server) join(at credentials.Place, has map[string]string) *proxy {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.regions[at.Region]
	if r == nil {
		r = newRegion(at.Region, s.model.Open(at.Region), s.held)
		s.regions[at.Region] = r
	}
	name := location.Name(at.Region, at.Name)
	for _, other := range r.proxies {
		if other.name == name {
			s.drop(other)
			close(other.end)
			break
		}
	}
	p := newProxy(name, r, has)
	p.at = at
	r.proxies = append(r.proxies, p)
	s.config.Feedback.Opened(name)
	return p
}

// leave removes a proxy whose stream has ended, and its region with the last one.
func (s *Server) leave(p *proxy) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !p.present() {
		return // another stream has taken its place
	}
	s.drop(p)
	if len(p.region.proxies) == 0 {
		delete(s.regions, p.region.name)
		s.model.Close(p.region.name)
	}
	if len(s.regions) == 0 {
		s.held = holder{}
	}
}

func (s *Server) drop(p *proxy) {
	p.region.leave(p)
	s.config.Feedback.Closed(p.name)
}

// find returns the proxy of a name, or nil.
func (s *Server) find(name string) *proxy {
	s.mu.Lock()
	defer s.mu.Unlock()
	if r := s.regions[location.Region(name)]; r != nil {
		for _, p := range r.proxies {
			if p.name == name {
				return p
			}
		}
	}
	return nil
}

// Regions are those that have proxies, in order.
func (s *Server) Regions() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Sorted(maps.Keys(s.regions))
}

// Proxy is what is known of a connected proxy.
type Proxy struct {
	// Name is location.Name; Listening is as of its last report.
	Name      string
	Listening []location.Listening
}

// Proxies lists the connected ones by name.
func (s *Server) Proxies() []Proxy {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []Proxy
	for _, r := range s.regions {
		for _, p := range r.proxies {
			shown := Proxy{Name: p.name}
			if p.report != nil {
				shown.Listening = p.report.Listening
			}
			out = append(out, shown)
		}
	}
	slices.SortFunc(out, func(a, b Proxy) int { return cmp.Compare(a.Name, b.Name) })
	return out
}

// counts is the number of proxies of each region.
func (s *Server) counts() map[string]int {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := map[string]int{}
	for name, r := range s.regions {
		out[name] = len(r.proxies)
	}
	return out
}
