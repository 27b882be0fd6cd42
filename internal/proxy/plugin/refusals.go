package plugin

import (
	"context"
	"errors"
	"time"
)

// A version that did not start is tried again after this long, and after twice as long each time; not with each transaction, as
// a hang holds up what comes behind it. Who has the proxy's configuration has the clock for that: see config.Root.AgainAt.
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

// refused implements what package chains wants of an error that may pass.
type refused struct {
	error
	until time.Time
}

// Again is when the version may be tried.
func (r *refused) Again() time.Time { return r.until }
func (r *refused) Unwrap() error    { return r.error }

// hasPause reports whether whoever made the error says already when to try again: a module that all proxies of the process share.
func hasPause(err error) bool {
	var r *refused
	return errors.As(err, &r)
}

// givenUp reports whether an error says nothing about the plugin: the process ends while its module is being compiled.
func givenUp(err error) bool { return errors.Is(err, context.Canceled) }

// refusals are by module and configuration. It has no clock.
type refusals map[string]refusal

// known is the error of a version that is not to be tried yet.
func (r refusals) known(key string, now time.Time) error {
	if f, found := r[key]; found && now.Before(f.until) {
		return f.err
	}
	return nil
}

// add takes why something did not start, and returns that with the time from which it may be tried.
func (r refusals) add(key string, err error, now time.Time) error {
	for k, f := range r {
		if k != key && now.Sub(f.until) > longestRetry {
			delete(r, k) // nobody has asked for long
		}
	}
	delay := min(max(2*r[key].delay, firstRetry), longestRetry)
	until := now.Add(delay)
	err = &refused{err, until}
	r[key] = refusal{err, delay, until}
	return err
}

func (r refusals) forget(key string) { delete(r, key) }
