package balance

import lbv1 "github.com/spillway-lb/spillway/api/lb/v1"

// Limited names one of a backend service's circuit limits.
type Limited uint8

// What circuit limits count, each per backend service and proxy.
const (
	Connections Limited = iota
	Requests
	Retries
	numLimited
)

const (
	// retryBudget is the share of requests in flight that may be retries, as 1 in so many.
	retryBudget = 5
	// minRetries may always run.
	minRetries = 3
)

func compileLimits(l *lbv1.CircuitLimits) [numLimited]int64 {
	return [numLimited]int64{
		Connections: int64(l.GetMaxConnections()),
		Requests:    int64(l.GetMaxRequests()),
		Retries:     int64(l.GetMaxRetries()),
	}
}

// TryAcquire counts one in, or says that the limit is reached. Without a configured limit only Retries is bounded: by a
// budget of a fifth of the requests in flight, at least 3.
func (s *Service) TryAcquire(l Limited) bool {
	limit := s.limits[l]
	if l == Retries && limit == 0 {
		limit = max(minRetries, s.shared.counts[Requests].Load()/retryBudget)
	}
	n := s.shared.counts[l].Add(1)
	if limit > 0 && n > limit {
		s.shared.counts[l].Add(-1)
		return false
	}
	return true
}

// ReleaseLimit counts one out.
func (s *Service) ReleaseLimit(l Limited) { s.shared.counts[l].Add(-1) }

// InUse is how many are counted in.
func (s *Service) InUse(l Limited) int64 { return s.shared.counts[l].Load() }
