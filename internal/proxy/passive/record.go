package passive

import (
	"strings"
	"sync/atomic"
	"time"
)

const (
	// enough is how many exchanges in a row have to fail: one may be chance.
	enough = 3
	// firstHold is how long a word stands at least; it doubles with each that follows, up to longestHold, until there has been
	// nothing to say for a while.
	firstHold   = 5 * time.Second
	longestHold = time.Minute
	// memory is how long exchanges speak for an extension that has no more of them.
	memory = time.Minute
	// maxText bounds what is kept of a text: callouts have a say in it.
	maxText = 256
)

// Use names an extension where it is used.
type Use struct {
	// Kind and Resource are the lb_route_extension or lb_traffic_extension, Chain and Extension what it names.
	Kind, Resource, Chain, Extension string
}

// Failing is an extension that keeps failing.
type Failing struct {
	Use
	// Cause is the word that metrics have, Text is for people.
	Cause, Text string
}

// Record is what is known of one version of an extension. A nil Record takes what it is told, and knows nothing.
type Record struct {
	use     Use
	version string
	records *Records

	watched atomic.Bool // records looks at it
	failed  atomic.Uint32
	worked  atomic.Uint32
	run     atomic.Uint32 // failures since it worked last
	last    atomic.Pointer[cause]

	// Guarded by records.mu:
	told      *cause    // nil while it is not said to fail
	good      bool      // the last exchanges that were looked at all worked
	askedAt   time.Time // when there were any
	notBefore time.Time // when another word may be said
	hold      time.Duration
}

type cause struct{ word, text string }

// Worked is told of an exchange in which the extension did its part.
func (r *Record) Worked() {
	if r == nil || !r.watched.Load() {
		return
	}
	r.worked.Add(1)
	r.run.Store(0)
}

// Failed is told of one in which it did not.
func (r *Record) Failed(word, text string) {
	if r == nil {
		return
	}
	r.last.Store(&cause{word, clip(text)})
	r.failed.Add(1)
	r.run.Add(1)
	if !r.watched.Load() {
		r.records.watch(r)
	}
}

func clip(text string) string {
	text = strings.ToValidUTF8(text, "\uFFFD")
	if len(text) <= maxText {
		return text
	}
	return strings.ToValidUTF8(text[:maxText], "") + "…"
}

// step looks at the exchanges since the last step. changed: there is something else to say; idle: there is nothing to look at.
func (r *Record) step(now time.Time) (changed, idle bool) {
	failed, worked := r.failed.Swap(0), r.worked.Swap(0)
	if failed+worked > 0 || r.askedAt.IsZero() {
		r.askedAt, r.good = now, failed == 0
	}
	forgotten := now.Sub(r.askedAt) >= memory
	may := !now.Before(r.notBefore)
	switch last := r.last.Load(); {
	case r.told == nil && forgotten:
		return false, true
	case r.told == nil:
		changed = may && !r.good && worked == 0 && r.run.Load() >= enough
		if changed {
			r.told = last
		}
	case forgotten || may && r.good:
		r.told, changed = nil, true
	case may && !r.good && last.word != r.told.word:
		r.told, changed = last, true
	}
	if changed {
		r.hold = min(max(2*r.hold, firstHold), longestHold)
		r.notBefore = now.Add(r.hold)
	}
	return changed, false
}

// forget makes it as new, but for what it has been told meanwhile.
func (r *Record) forget() {
	r.good, r.askedAt, r.notBefore, r.hold = false, time.Time{}, time.Time{}, 0
	r.run.Store(0)
}

// failing is what is said of it.
func (r *Record) failing() (f Failing, ok bool) {
	if r.told == nil {
		return f, false
	}
	return Failing{r.use, r.told.word, r.told.text}, true
}
