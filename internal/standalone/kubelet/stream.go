package kubelet

import (
	"log/slog"
	"net"
	"sync"

	"github.com/spillway-lb/spillway/internal/guard"
)

// streamServer accepts connections for a program that speaks no HTTP. What it serves has no end of its own that could be
// waited for: closing it cuts.
type streamServer struct {
	listener net.Listener
	serve    func(net.Conn)
	guard    *guard.Guard

	mu     sync.Mutex
	closed bool
	conns  map[net.Conn]struct{}
}

func serveStreams(l net.Listener, serve func(net.Conn), logger *slog.Logger) *streamServer {
	s := &streamServer{listener: l, serve: serve, guard: guard.New(logger, func(string) {}), conns: map[net.Conn]struct{}{}}
	go s.accept()
	return s
}

func (s *streamServer) accept() {
	for {
		conn, err := s.listener.Accept()
		if err != nil {
			return // it was closed
		}
		if !s.add(conn) {
			_ = conn.Close()
			return
		}
		go func() {
			defer s.guard.Recover("sample", nil)
			defer s.remove(conn)
			s.serve(conn)
		}()
	}
}

func (s *streamServer) add(conn net.Conn) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.closed {
		s.conns[conn] = struct{}{}
	}
	return !s.closed
}

func (s *streamServer) remove(conn net.Conn) {
	s.mu.Lock()
	delete(s.conns, conn)
	s.mu.Unlock()
	_ = conn.Close()
}

func (s *streamServer) close() {
	_ = s.listener.Close()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	for conn := range s.conns {
		_ = conn.Close()
	}
}
