package traffic

import "time"

const (
	// drainBelow and undrainAt are shares of healthy endpoints; undrainAfter is how long undrainAt must hold.
	drainBelow   = 0.25
	undrainAt    = 0.35
	undrainAfter = 60 * time.Second
	// drainLimit: with this share of candidates or more none is drained.
	drainLimit = 0.5
)

// Drainer is automatic capacity draining: a backend with too few healthy endpoints loses its capacity until it has
// recovered for a while. The zero value is ready. It is for one goroutine.
type Drainer struct {
	groups map[string]*draining
}

// draining is a backend that is or was a candidate: recovering is when it began to be healthy enough, -1 while it is not.
type draining struct {
	recovering time.Duration
}

// Update says which backends are drained now (monotonic), by group.
func (d *Drainer) Update(now time.Duration, backends []Backend) map[string]bool {
	if d.groups == nil {
		d.groups = map[string]*draining{}
	}
	present := map[string]bool{}
	candidates := 0
	for i := range backends {
		b := &backends[i]
		present[b.Group] = true
		if d.isCandidate(now, b) && b.Scaler > 0 {
			candidates++
		}
	}
	for group := range d.groups {
		if !present[group] {
			delete(d.groups, group)
		}
	}
	out := map[string]bool{}
	if float64(candidates) >= drainLimit*float64(len(backends)) {
		return out
	}
	for group := range d.groups {
		out[group] = true
	}
	return out
}

// isCandidate moves one backend on.
func (d *Drainer) isCandidate(now time.Duration, b *Backend) bool {
	share := b.healthyShare()
	g := d.groups[b.Group]
	switch {
	case b.Endpoints == 0:
		delete(d.groups, b.Group)
		return false
	case g == nil && share < drainBelow:
		d.groups[b.Group] = &draining{recovering: -1}
		return true
	case g == nil:
		return false
	case share < undrainAt:
		g.recovering = -1
	case g.recovering < 0:
		g.recovering = now
	case now-g.recovering >= undrainAfter:
		delete(d.groups, b.Group)
		return false
	}
	return true
}
