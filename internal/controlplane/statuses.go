package serve

import (
	"context"
	"sync"
	"time"

	"github.com/spillway-lb/spillway/internal/recompute"
	"github.com/spillway-lb/spillway/internal/status"
)

// programmingWait bounds how long statuses wait for the proxies that they speak of.
const programmingWait = time.Second

// statuses writes what rounds say about objects when the proxies have applied it, or after a while: a Gateway that says
// Programmed answers.
type statuses struct {
	writer *status.Writer
	planes *planes

	mu      sync.Mutex
	pending []recompute.WriteChange
	seq     uint64 // of the newest transaction that the pending changes go with
	ready   chan struct{}
}

func newStatuses(w *status.Writer, p *planes) *statuses {
	return &statuses{writer: w, planes: p, ready: make(chan struct{}, 1)}
}

// add hands over a round's changes; seq is 0 if it published nothing.
func (s *statuses) add(seq uint64, changes []recompute.WriteChange) {
	if len(changes) == 0 {
		return
	}
	s.mu.Lock()
	s.pending = append(s.pending, changes...)
	s.seq = max(s.seq, seq)
	s.mu.Unlock()
	select {
	case s.ready <- struct{}{}:
	default:
	}
}

func (s *statuses) run(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-s.ready:
		}
		s.mu.Lock()
		changes, seq := s.pending, s.seq
		s.pending = nil
		s.mu.Unlock()
		s.planes.await(ctx, seq, programmingWait)
		s.writer.Apply(changes, nil, time.Now())
	}
}
