// Package guard keeps a panic in the work for one peer from ending the process, and with it the work for all others.
//
// In: work that runs on a goroutine of its own for one connection, stream, mirror, body or probe. Out: a panic in it ends
// that work only; it is counted by place, and logged with its stack when it is the first at that place.
//
//	g := guard.New(logger, metrics.Panics.Inc)
//	go func() {
//		defer g.Recover("mirror", nil)
//		...
//	}()
//
// It is no means of error handling: a panic is a fault of Spillway's, and the log asks to report it.
package guard

import (
	"fmt"
	"log/slog"
	"runtime/debug"
	"sync"
)

// Guard recovers. A nil Guard does so, too, without a word.
type Guard struct {
	logger *slog.Logger
	count  func(place string)
	mu     sync.Mutex
	seen   map[string]bool
}

// New makes a guard that logs to logger and counts by count; either may be nil.
func New(logger *slog.Logger, count func(place string)) *Guard {
	return &Guard{logger: logger, count: count, seen: map[string]bool{}}
}

// Recover is to be deferred. After a panic it calls after, if that is not nil: what must be ended with the work. place is
// one of a few constants.
func (g *Guard) Recover(place string, after func()) {
	what := recover()
	if what == nil {
		return
	}
	g.note(place, what)
	if after != nil {
		after()
	}
}

func (g *Guard) note(place string, what any) {
	if g == nil {
		return
	}
	if g.count != nil {
		g.count(place)
	}
	g.mu.Lock()
	first := !g.seen[place]
	g.seen[place] = true
	g.mu.Unlock()
	if first && g.logger != nil {
		g.logger.Error("internal error, please report it; further ones of this place are only counted", "place", place,
			"panic", fmt.Sprint(what), "stack", string(debug.Stack()))
	}
}
