package controlplane

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"

	"github.com/spillway-lb/spillway/internal/recompute"
	"github.com/spillway-lb/spillway/internal/store"
)

// ErrNoRoundYet: nothing can be foreseen before everything has been translated once.
var ErrNoRoundYet = errors.New("nothing has been translated yet")

// foresight is a question what an edit would change. Its answer has room for one.
type foresight struct {
	edit   func(*store.Tx)
	answer chan foreseen
}

type foreseen struct {
	writes []recompute.WriteChange
	err    error
}

// Foresee returns the writes that would change if an edit were made of what the last round saw. Nothing is published, written or
// remembered; it costs what the edit touches, between two rounds.
func (l *Loop) Foresee(ctx context.Context, edit func(*store.Tx)) ([]recompute.WriteChange, error) {
	f := foresight{edit, make(chan foreseen, 1)}
	select {
	case l.foresights <- f:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	select {
	case a := <-f.answer:
		return a.writes, a.err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (l *Loop) foresee(f foresight) {
	if l.seen == nil {
		f.answer <- foreseen{err: ErrNoRoundYet}
		return
	}
	writes, err := l.imagine(f.edit)
	f.answer <- foreseen{writes, err}
}

// imagine runs a round that nobody hears of. A panic is an error: whatever it has spoilt is thrown away, and the loop serves others.
func (l *Loop) imagine(edit func(*store.Tx)) (writes []recompute.WriteChange, err error) {
	defer func() {
		if what := recover(); what != nil {
			err = fmt.Errorf("internal error: %v", what)
			l.Metrics.broken.Inc()
			l.config.Say("internal error: foreseeing an edit: %v\n%s", what, debug.Stack())
		}
	}()
	snapshot, touched := l.config.Store.Candidate(l.seen, edit)
	return l.config.Engine.Fork().Run(snapshot, touched).Writes, nil
}
