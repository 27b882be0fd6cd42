package metrics

import "time"

// Shard is where one connection counts. It belongs to one goroutine at a time; many connections may share its cells.
type Shard struct {
	registry *Registry
	index    uint32
	// The last route, since most connections use one.
	last *Route
}

// Sample is one finished request.
type Sample struct {
	Status int
	// Total is first byte of the request to last byte of the answer. Backend is 0 where no backend answered.
	Total, Backend              time.Duration
	RequestBytes, ResponseBytes int64
}

// Route finds the handle of a (backend service, route) pair. service and route may be empty, for requests that had
// none.
func (s *Shard) Route(service, route string) *Route {
	if r := s.last; r != nil && r.key.service == service && r.key.route == route && !r.swept.Load() {
		return r
	}
	r := s.registry.Route(service, route)
	s.last = r
	return r
}

// Request counts a finished request.
func (s *Shard) Request(r *Route, m *Sample) {
	r.cell(s.index).classes[class(m.Status)].Add(1)
	c := r.service.cell(s.index)
	c.requestBytes.Add(uint64(m.RequestBytes))
	c.responseBytes.Add(uint64(m.ResponseBytes))
	c.total.observe(m.Total)
	if m.Backend > 0 {
		c.backend.observe(m.Backend)
	}
}

// Begin and End bracket an attempt at a backend service: their difference is the number of active requests.
func (s *Shard) Begin(v *Service) { v.cell(s.index).begun.Add(1) }

// End is Begin's other half.
func (s *Shard) End(v *Service) { v.cell(s.index).ended.Add(1) }

// class is 1..5 for 1xx..5xx and 0 for a request that got no answer.
func class(status int) int {
	if c := status / 100; c >= 1 && c <= 5 {
		return c
	}
	return 0
}

var classNames = [6]string{"0", "1xx", "2xx", "3xx", "4xx", "5xx"}
