package outbox

import "time"

// Limits bound what is sent; zero values mean the defaults.
type Limits struct {
	// Rate is how many requests a second a cluster's API server gets, Burst how many at once, Parallel how many at a time.
	Rate     float64
	Burst    float64
	Parallel int
	// An object is written ObjectBurst times as soon as there is something to say, then once in ObjectEvery: what is said in
	// between goes out in one. 5 and 2 s, so that 1,000 routes that attach to a Gateway within a minute make 35 writes of it.
	ObjectBurst float64
	ObjectEvery time.Duration
	// What fails is tried again after MinPause, then twice that, up to MaxPause. What an API server refuses in words waits for
	// RefusedPause at least, or until something else is wanted.
	MinPause, MaxPause, RefusedPause time.Duration
}

func (l Limits) orDefaults() Limits {
	set := func(v *float64, d float64) {
		if *v == 0 {
			*v = d
		}
	}
	pause := func(v *time.Duration, d time.Duration) {
		if *v == 0 {
			*v = d
		}
	}
	set(&l.Rate, 100)
	set(&l.Burst, 200)
	set(&l.ObjectBurst, 5)
	pause(&l.ObjectEvery, 2*time.Second)
	pause(&l.MinPause, 250*time.Millisecond)
	pause(&l.MaxPause, time.Minute)
	pause(&l.RefusedPause, 5*time.Minute)
	if l.Parallel == 0 {
		l.Parallel = 8
	}
	return l
}

// bucket is a token bucket: rate tokens a second, up to burst.
type bucket struct {
	tokens float64
	at     time.Time
}

// fill brings it up to date.
func (b *bucket) fill(now time.Time, rate, burst float64) {
	switch {
	case b.at.IsZero():
		b.tokens, b.at = burst, now
	case now.After(b.at):
		b.tokens = min(burst, b.tokens+now.Sub(b.at).Seconds()*rate)
		b.at = now
	}
}

// wait is how long it takes until there is a token.
func (b *bucket) wait(rate float64) time.Duration {
	if b.tokens >= 1 {
		return 0
	}
	return time.Duration((1-b.tokens)/rate*float64(time.Second)) + time.Millisecond
}
