package balance

import (
	"net/netip"
	"sync"
	"sync/atomic"

	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
)

// Check is the handle of one health check: the verdicts about every address that it covers. It outlives versions of the
// health check and of the backend services that name it.
type Check struct {
	Name string
	// epoch moves when a verdict changes what may be picked; snapshots that are older are rebuilt.
	epoch    atomic.Uint64
	mu       sync.Mutex
	verdicts map[netip.AddrPort]*verdict
}

// NewCheck makes the handle of a health check.
func NewCheck(name string) *Check {
	return &Check{Name: name, verdicts: map[netip.AddrPort]*verdict{}}
}

// verdict is what is known about one address. usable follows HEALTHY and UNHEALTHY; UNKNOWN leaves it: a prober that was
// cut off says nothing new about the endpoint.
type verdict struct {
	state  atomic.Int32
	usable atomic.Bool
	known  atomic.Bool
	// recoveries counts how often an endpoint that was out came back.
	recoveries atomic.Uint32
	refs       int // under Check.mu
}

// Set tells a verdict. It is false when no endpoint has that address.
func (c *Check) Set(at netip.AddrPort, state lbv1.HealthState) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	v := c.verdicts[at]
	if v == nil {
		return false
	}
	if v.set(state) {
		c.epoch.Add(1)
	}
	return true
}

// set says whether what may be picked has changed.
func (v *verdict) set(state lbv1.HealthState) bool {
	v.state.Store(int32(state))
	if state == lbv1.HealthState_UNKNOWN {
		return false
	}
	first := !v.known.Swap(true)
	usable := state == lbv1.HealthState_HEALTHY
	changed := v.usable.Swap(usable) != usable
	if changed && usable {
		v.recoveries.Add(1)
	}
	return changed || first
}

// State is the last verdict about an address.
func (c *Check) State(at netip.AddrPort) lbv1.HealthState {
	c.mu.Lock()
	defer c.mu.Unlock()
	if v := c.verdicts[at]; v != nil {
		return lbv1.HealthState(v.state.Load())
	}
	return lbv1.HealthState_UNKNOWN
}

// acquire returns the verdict of an address. A new one starts as what known tells, or else as what another check said
// about the endpoint before.
func (c *Check) acquire(at netip.AddrPort, before *verdict, known func(netip.AddrPort) lbv1.HealthState) *verdict {
	if c == nil {
		return nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	v := c.verdicts[at]
	if v == nil {
		v = &verdict{}
		if known != nil {
			v.set(known(at))
		}
		if before != nil && before.known.Load() && !v.known.Load() {
			v.state.Store(before.state.Load())
			v.usable.Store(before.usable.Load())
			v.known.Store(true)
		}
		c.verdicts[at] = v
	}
	v.refs++
	return v
}

func (c *Check) release(at netip.AddrPort) {
	if c == nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if v := c.verdicts[at]; v != nil {
		if v.refs--; v.refs == 0 {
			delete(c.verdicts, at)
		}
	}
}

func (c *Check) currentEpoch() uint64 {
	if c == nil {
		return 0
	}
	return c.epoch.Load()
}

func (v *verdict) recovered() uint32 {
	if v == nil {
		return 0
	}
	return v.recoveries.Load()
}

// isUsable and isKnown are true without a health check.
func (v *verdict) isUsable() bool { return v == nil || v.usable.Load() }
func (v *verdict) isKnown() bool  { return v == nil || v.known.Load() }

func (v *verdict) current() lbv1.HealthState {
	if v == nil {
		return lbv1.HealthState_HEALTHY
	}
	return lbv1.HealthState(v.state.Load())
}
