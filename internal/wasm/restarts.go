package wasm

import "time"

const (
	freeRestarts  = 8 // crashes in a row after which a new instance starts at once
	firstDelay    = 100 * time.Millisecond
	longestDelay  = 10 * time.Second
	forgivenAfter = 10 * time.Second // without a crash
)

// restarts decides when instances that crashed may be replaced. It has no clock.
type restarts struct {
	crashes int
	last    time.Time
	until   time.Time
}

// crashed says that an instance ended.
func (r *restarts) crashed(now time.Time) {
	if now.Sub(r.last) > forgivenAfter {
		r.crashes = 0
	}
	r.crashes++
	r.last = now
	if over := r.crashes - freeRestarts; over > 0 {
		delay := longestDelay
		if over < 16 {
			delay = min(firstDelay<<(over-1), longestDelay)
		}
		r.until = now.Add(delay)
	}
}

// allowed reports whether a new instance may start.
func (r *restarts) allowed(now time.Time) bool { return !now.Before(r.until) }
