package client

import (
	"errors"
	"time"
)

// errOwes is the end of a session with a controller that is connected and does not answer.
var errOwes = errors.New("connected, but it owes an answer for too long: it has nothing to serve yet, or hangs")

// watch knows whether a controller owes an answer: the first response, the rest of one, or that it has taken a word. It has no clock.
type watch struct {
	patience time.Duration
	parts    bool // parts of a response are missing
	words    int  // that it has not taken yet
	// since is when it began to owe, or when it paid the last part of what it owes; if it owes nothing, when it last said anything.
	since time.Time
}

// newWatch waits for the first response.
func newWatch(patience time.Duration, now time.Time) *watch {
	return &watch{patience: patience, parts: true, since: now}
}

func (w *watch) owes() bool { return w.parts || w.words > 0 }

// due is when to leave it, or to ask whether it does its work if it owes nothing.
func (w *watch) due() time.Time {
	if w.owes() {
		return w.since.Add(w.patience)
	}
	return w.since.Add(w.patience / 3)
}

func (w *watch) part(now time.Time, whole bool) { w.parts, w.since = !whole, now }

func (w *watch) wordSent(now time.Time) {
	if !w.owes() {
		w.since = now
	}
	w.words++
}

func (w *watch) wordHeard(now time.Time) { w.words, w.since = max(0, w.words-1), now }
