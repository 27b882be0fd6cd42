package plugin

import "time"

// A version that did not start is tried again after this long, and after twice as long each time; not with each transaction, as
// a hang holds up what comes behind it.
const (
	firstRetry   = 10 * time.Second
	longestRetry = 10 * time.Minute
)

// refusal is why a version did not start.
type refusal struct {
	err   error
	delay time.Duration
	until time.Time
}

// refusals are by module and configuration. It has no clock.
type refusals map[string]refusal

// known is the error of a version that is not to be tried yet.
func (r refusals) known(key string, now time.Time) error {
	if f, found := r[key]; found && now.Before(f.until) {
		return f.err
	}
	return nil
}

func (r refusals) add(key string, err error, now time.Time) {
	for k, f := range r {
		if k != key && now.Sub(f.until) > longestRetry {
			delete(r, k) // nobody has asked for long
		}
	}
	delay := min(max(2*r[key].delay, firstRetry), longestRetry)
	r[key] = refusal{err, delay, now.Add(delay)}
}

func (r refusals) forget(key string) { delete(r, key) }
