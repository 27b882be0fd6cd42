package image

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"github.com/spillway-lb/spillway/internal/fact"
)

// Limits of trying.
const (
	firstPause = time.Second
	maxPause   = 5 * time.Minute
	// maxLocalPause is that for what is on this machine: nobody is troubled by a look, and who puts a file there wants it used.
	maxLocalPause = 2 * time.Second
	// recheck is how often what was had is asked for again by its digest: a cache may have lost it.
	recheck = 10 * time.Minute
	// maxJobs bounds how many images are looked up at a time.
	maxJobs = 4
)

// Job is an image to look up.
type Job struct {
	Request fact.ImageRequest
	// Digest is what it was resolved to; empty for one that was not yet.
	Digest string
}

// Core knows which images are wanted and what became of them. It is for one goroutine.
type Core struct {
	wanted map[fact.ImageRequest]*state
	pins   map[fact.ImageRequest]string
	jobs   int
	// Local says which images are on this machine; nil is none.
	Local func(image string) bool
}

// state is that of one image.
type state struct {
	busy  bool
	due   time.Time
	pause time.Duration
	// known is the fact; nil before the first result.
	known *fact.Image
}

// NewCore makes one that knows digests from before. It takes the map over.
func NewCore(pins map[fact.ImageRequest]string) *Core {
	if pins == nil {
		pins = map[fact.ImageRequest]string{}
	}
	return &Core{wanted: map[fact.ImageRequest]*state{}, pins: pins}
}

// Want says which images are wanted from now on. Those that are not any more are forgotten, and so is what their tags meant; jobs of
// theirs that are under way are for nothing.
func (c *Core) Want(now time.Time, requests []fact.ImageRequest) (futile []fact.ImageRequest) {
	keep := map[fact.ImageRequest]bool{}
	for _, r := range requests {
		keep[r] = true
		if c.wanted[r] == nil {
			c.wanted[r] = &state{due: now}
		}
	}
	maps.DeleteFunc(c.wanted, func(r fact.ImageRequest, s *state) bool {
		if !keep[r] && s.busy {
			c.jobs--
			futile = append(futile, r)
		}
		return !keep[r]
	})
	maps.DeleteFunc(c.pins, func(r fact.ImageRequest, _ string) bool { return !keep[r] })
	return futile
}

// Fresh are the images that nothing is known of, nor being found out.
func (c *Core) Fresh() []Job {
	return c.pick(func(s *state) bool { return s.known == nil && !s.busy && s.pause == 0 })
}

// Remember takes what was had earlier, before anybody looks again.
func (c *Core) Remember(now time.Time, j Job, had fact.Image) {
	if s := c.wanted[j.Request]; s != nil {
		s.known, s.due = &had, now
	}
}

// Forget has an image resolved anew.
func (c *Core) Forget(j Job) { delete(c.pins, j.Request) }

// Start takes the jobs that are due.
func (c *Core) Start(now time.Time) []Job {
	due := c.pick(func(s *state) bool { return !s.busy && !s.due.After(now) })
	due = due[:min(len(due), max(maxJobs-c.jobs, 0))]
	for _, j := range due {
		c.wanted[j.Request].busy = true
		c.jobs++
	}
	return due
}

// pick lists jobs, those first that wait for longest.
func (c *Core) pick(which func(*state) bool) []Job {
	var jobs []Job
	for r, s := range c.wanted {
		if which(s) {
			jobs = append(jobs, Job{Request: r, Digest: c.pins[r]})
		}
	}
	slices.SortFunc(jobs, func(a, b Job) int {
		return cmp.Or(c.wanted[a.Request].due.Compare(c.wanted[b.Request].due), cmp.Compare(fact.ImageOf(a.Request).Key, fact.ImageOf(b.Request).Key))
	})
	return jobs
}

// Done takes what came of a job. It reports whether the fact is another one.
func (c *Core) Done(now time.Time, j Job, result fact.Image) bool {
	s := c.wanted[j.Request]
	if s == nil || !s.busy {
		return false // nobody wants it any more
	}
	s.busy = false
	c.jobs--
	if result.Err != "" {
		s.pause = min(max(2*s.pause, firstPause), c.longestPause(j))
		s.due = now.Add(s.pause)
		if s.known != nil && s.known.Digest != "" {
			return false // what was had stays good: proxies have it
		}
	} else {
		s.pause, s.due = 0, now.Add(recheck)
		c.pins[j.Request] = result.Digest
	}
	changed := s.known == nil || !s.known.Equal(result)
	s.known = &result
	return changed
}

func (c *Core) longestPause(j Job) time.Duration {
	if c.Local != nil && c.Local(j.Request.Image) {
		return maxLocalPause
	}
	return maxPause
}

// Again has what failed tried at once: something may be there now.
func (c *Core) Again(now time.Time) {
	for _, s := range c.wanted {
		if s.pause > 0 {
			s.pause, s.due = 0, now
		}
	}
}

// Next is when something is due; false if nothing is before a job has ended.
func (c *Core) Next() (at time.Time, ok bool) {
	if c.jobs >= maxJobs {
		return at, false
	}
	for _, s := range c.wanted {
		if !s.busy && (!ok || s.due.Before(at)) {
			at, ok = s.due, true
		}
	}
	return at, ok
}

// Facts are what is known of what is wanted.
func (c *Core) Facts() map[fact.ImageRequest]fact.Image {
	out := map[fact.ImageRequest]fact.Image{}
	for r, s := range c.wanted {
		if s.known != nil {
			out[r] = *s.known
		}
	}
	return out
}

// Pins are the digests that tags mean.
func (c *Core) Pins() map[fact.ImageRequest]string { return maps.Clone(c.pins) }
