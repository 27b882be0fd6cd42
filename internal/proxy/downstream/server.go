package downstream

import (
	"sync"
	"sync/atomic"

	"github.com/spillway-lb/spillway/internal/proxy/exchange"
	"github.com/spillway-lb/spillway/internal/proxy/http2"
	"github.com/spillway-lb/spillway/internal/proxy/transport"
)

// Server serves the connections of clients. Engine is required, and Workers for HTTP/2.
type Server struct {
	*exchange.Engine
	// Workers runs the streams of HTTP/2 connections, and HTTP/1 connections that wake. nil starts a goroutine for each.
	Workers *http2.Workers
	// Doorman waits for idle connections over HTTP/1. Without one each keeps a goroutine.
	Doorman *transport.Doorman

	answers  sync.Pool // of *h2Answer
	draining atomic.Bool
	aborted  atomic.Bool
	mu       sync.Mutex
	conns    map[drainer]struct{}
}

// drainer is a client connection that can be asked to end.
type drainer interface {
	// drain ends the connection when the requests under way have ended.
	drain()
	// abort ends it now.
	abort()
}

// follower is a client connection that does not look for itself whether its target proxy has changed.
type follower interface{ follow() }

// Follow brings connections up to the current configuration.
func (s *Server) Follow() {
	for _, c := range s.list() {
		if f, ok := c.(follower); ok {
			f.follow()
		}
	}
}

func (s *Server) clock() *transport.Clock { return s.Caller.Clock }

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
