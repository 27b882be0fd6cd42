package balance

import (
	"net/netip"
	"sync/atomic"
	"time"
)

// Endpoint is one address:port as one backend service uses it: it outlives versions of the service, so pools, counts and
// ejections hang here. A change of the service's protocol or TLS settings makes new endpoints.
type Endpoint struct {
	// Addr is where to connect; Address is its text.
	Addr    netip.AddrPort
	Address string
	// Group, Region, Zone, Instance and Pod are for logs and metrics.
	Group, Region, Zone string
	Instance, Pod       string
	// Pool is a slot for the transport's connection pool. The first CompareAndSwap(nil, pool) wins.
	Pool atomic.Value

	id      uint64 // names the endpoint in sessions
	active  atomic.Int64
	retired atomic.Bool
	leaving atomic.Bool // it drains, or is no member any more

	owner        *shared
	failures     atomic.Uint32
	ejectedUntil atomic.Int64 // monotonic nanoseconds; 0 never ejected
	ejections    int          // in a row; under owner.mu
	// recoveries is the verdict's count when the endpoint was last seen in use: one more ends an ejection.
	recoveries atomic.Uint32
}

// Outcome is what an attempt showed about an endpoint.
type Outcome uint8

const (
	// Success is any answer below 500.
	Success Outcome = iota
	// ServerError is an answer of 500 or more, or a connection that broke after the request was sent.
	ServerError
	// ConnectFailure is a connection that could not be made, TLS included.
	ConnectFailure
)

// Acquire counts a request in; every Acquire has one Release.
func (e *Endpoint) Acquire() { e.active.Add(1) }

// Release counts a request out.
func (e *Endpoint) Release() { e.active.Add(-1) }

// Active is the number of requests between Acquire and Release.
func (e *Endpoint) Active() int64 { return e.active.Load() }

// Retired says that no current version of the service holds the endpoint: connections close when they become idle.
func (e *Endpoint) Retired() bool { return e.retired.Load() }

// Draining is how long requests that are under way may go on once the endpoint leaves its group. 0: it does not leave, or they may
// go on for as long as they need.
func (e *Endpoint) Draining() time.Duration {
	if !e.leaving.Load() {
		return 0
	}
	return time.Duration(e.owner.draining.Load())
}

// Ejected says whether outlier detection keeps the endpoint out. now is monotonic.
func (e *Endpoint) Ejected(now time.Duration) bool {
	return e.ejectedUntil.Load() > int64(now)
}

// Observe feeds outlier detection. now is monotonic.
func (e *Endpoint) Observe(o Outcome, now time.Duration) Ejection {
	if o == Success {
		if e.failures.Load() != 0 {
			e.failures.Store(0)
		}
		return NotEjected
	}
	limits := e.owner.outlier.Load()
	if o == ServerError && limits.connectOnly {
		return NotEjected
	}
	if e.failures.Add(1) < limits.consecutive {
		return NotEjected
	}
	return e.owner.eject(e, limits, now)
}
