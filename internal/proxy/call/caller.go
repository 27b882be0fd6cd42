package call

import (
	"sync"
	"time"

	"github.com/spillway-lb/spillway/internal/guard"
	"github.com/spillway-lb/spillway/internal/proxy/metrics"
	"github.com/spillway-lb/spillway/internal/proxy/transport"
	"github.com/spillway-lb/spillway/internal/proxy/upstream"
)

// Caller is what all calls of a proxy share. Every field is required but Guard.
type Caller struct {
	// Clock drives deadlines.
	Clock *transport.Clock
	// Pools hold connections to backends.
	Pools *upstream.Pools
	// Metrics counts.
	Metrics *metrics.Registry
	// Guard recovers what panics beside the exchanges.
	Guard *guard.Guard

	streams streams // that linger
	started time.Time
	once    sync.Once
}

// Now is monotonic time, for what balance and outlier detection compare.
func (c *Caller) Now() time.Duration { return c.Since(time.Now()) }

// Since is Now at a time that was taken before.
func (c *Caller) Since(t time.Time) time.Duration {
	c.once.Do(func() { c.started = t })
	return max(t.Sub(c.started), 0)
}
