package balance

import (
	"time"

	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
)

// outlierLimits is the compiled OutlierDetection. Without one only connections that cannot be made count.
type outlierLimits struct {
	consecutive uint32
	base        time.Duration
	maxPercent  uint32
	connectOnly bool
}

const (
	defaultConsecutive     = 5
	defaultBaseEjection    = 30 * time.Second
	defaultEjectionPercent = 50
	// maxEjection bounds the time that grows with every ejection in a row.
	maxEjection = 5 * time.Minute
)

func compileOutlier(o *lbv1.OutlierDetection) *outlierLimits {
	out := &outlierLimits{
		consecutive: o.GetConsecutiveErrors(),
		base:        o.GetBaseEjectionTime().AsDuration(),
		maxPercent:  o.GetMaxEjectionPercent(),
		connectOnly: o == nil,
	}
	if out.consecutive == 0 {
		out.consecutive = defaultConsecutive
	}
	if out.base <= 0 {
		out.base = defaultBaseEjection
	}
	if out.maxPercent == 0 {
		out.maxPercent = defaultEjectionPercent
	}
	return out
}

// Ejection is what an observation led to.
type Ejection uint8

const (
	// NotEjected: too few failures in a row, or the endpoint is out already.
	NotEjected Ejection = iota
	// Ejected: the endpoint gets no requests for a while.
	Ejected
	// EjectionRefused: it should be out, but too many are, or nothing usable would be left.
	EjectionRefused
)

// eject takes an endpoint out unless too many are out already. The last one that health checks and ejections have left is
// never taken out.
func (s *shared) eject(e *Endpoint, limits *outlierLimits, now time.Duration) Ejection {
	s.mu.Lock()
	defer s.mu.Unlock()
	if e.Ejected(now) || e.Retired() {
		return NotEjected
	}
	out, total := s.countEjected(now), int(s.total.Load())
	if s.usable.Load() <= 1 || (out+1)*100 > total*int(limits.maxPercent) {
		return EjectionRefused
	}
	if quiet := now - time.Duration(e.ejectedUntil.Load()); quiet > maxEjection {
		e.ejections = 0
	}
	e.ejections++
	e.failures.Store(0)
	e.ejectedUntil.Store(int64(now + min(limits.base*time.Duration(e.ejections), maxEjection)))
	if s.ejected == nil {
		s.ejected = map[*Endpoint]struct{}{}
	}
	s.ejected[e] = struct{}{}
	s.usable.Add(-1)
	s.epoch.Add(1)
	return Ejected
}

// countEjected is how many endpoints are out. mu is held.
func (s *shared) countEjected(now time.Duration) int {
	for e := range s.ejected {
		if !e.Ejected(now) || e.Retired() {
			delete(s.ejected, e)
		}
	}
	return len(s.ejected)
}

// EjectedEndpoints is how many endpoints outlier detection keeps out. now is monotonic.
func (s *Service) EjectedEndpoints(now time.Duration) int {
	s.shared.mu.Lock()
	defer s.shared.mu.Unlock()
	return s.shared.countEjected(now)
}
