package exchange

import (
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/spillway-lb/spillway/internal/proxy/accesslog"
	"github.com/spillway-lb/spillway/internal/proxy/balance"
	"github.com/spillway-lb/spillway/internal/proxy/config"
	"github.com/spillway-lb/spillway/internal/proxy/http2"
	"github.com/spillway-lb/spillway/internal/proxy/metrics"
	"github.com/spillway-lb/spillway/internal/proxy/trace"
	"github.com/spillway-lb/spillway/internal/proxy/transport"
	"github.com/spillway-lb/spillway/internal/proxy/upstream"
)

// Server is what all exchanges of a proxy share. Root, Clock and Pools are required.
type Server struct {
	// Root is the current configuration.
	Root func() *config.Root
	// Clock drives deadlines.
	Clock *transport.Clock
	// Pools hold connections to backends.
	Pools *upstream.Pools
	// Hooks may be nil.
	Hooks *Hooks
	// Log takes access log records; nil logs none.
	Log *accesslog.Writer
	// LogAll logs every request, whatever backend services' policies say.
	LogAll bool
	// Metrics counts.
	Metrics *metrics.Registry
	// Tracer may be nil.
	Tracer *trace.Tracer
	// Logger is for events that concern operators.
	Logger *slog.Logger
	// Workers runs the streams of HTTP/2 connections.
	Workers *http2.Workers

	downs    sync.Pool // of *down2
	draining atomic.Bool
	aborted  atomic.Bool
	mu       sync.Mutex
	conns    map[drainer]struct{}
	mirrors  atomic.Int64
	started  time.Time
	once     sync.Once
}

// drainer is a client connection that can be asked to end.
type drainer interface {
	// drain ends the connection when the requests under way have ended.
	drain()
	// abort ends it now.
	abort()
}

// now is monotonic time, for what balance and outlier detection compare.
func (s *Server) now() time.Duration { return s.since(time.Now()) }

// since is now at a time that was taken before.
func (s *Server) since(t time.Time) time.Duration {
	s.once.Do(func() { s.started = t })
	return max(t.Sub(s.started), 0)
}

// CountEjected brings the gauges of ejected endpoints up to date.
func (s *Server) CountEjected() {
	now := s.now()
	s.Root().Services(func(v *balance.Service) bool {
		if counts := s.Metrics.FindService(v.Name); counts != nil {
			counts.Ejected.Store(int64(v.EjectedEndpoints(now)))
		}
		return true
	})
}

// Draining reports whether connections are being ended.
func (s *Server) Draining() bool { return s.draining.Load() }

func (s *Server) add(c drainer) {
	s.mu.Lock()
	if s.conns == nil {
		s.conns = map[drainer]struct{}{}
	}
	s.conns[c] = struct{}{}
	s.mu.Unlock()
	if s.draining.Load() {
		c.drain()
	}
	if s.aborted.Load() {
		c.abort()
	}
}

func (s *Server) remove(c drainer) {
	s.mu.Lock()
	delete(s.conns, c)
	s.mu.Unlock()
}

// Connections is the number of client connections.
func (s *Server) Connections() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.conns)
}

// Drain asks every connection, those to come too, to end with the requests under way.
func (s *Server) Drain() {
	s.draining.Store(true)
	for _, c := range s.list() {
		c.drain()
	}
}

// Abort ends every connection now, those to come too.
func (s *Server) Abort() {
	s.aborted.Store(true)
	for _, c := range s.list() {
		c.abort()
	}
}

func (s *Server) list() []drainer {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := make([]drainer, 0, len(s.conns))
	for c := range s.conns {
		out = append(out, c)
	}
	return out
}
