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

// eject takes an endpoint out unless too many are out already. The last endpoint of a service is never taken out.
func (s *shared) eject(e *Endpoint, limits *outlierLimits, now time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if e.Ejected(now) {
		return
	}
	out := 0
	for ep := range s.ejected {
		if ep.Ejected(now) {
			out++
		} else {
			delete(s.ejected, ep)
		}
	}
	total := int(s.total.Load())
	if out+1 >= total || (out+1)*100 > total*int(limits.maxPercent) {
		return
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
	s.epoch.Add(1)
}
