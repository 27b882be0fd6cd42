package metrics

import "sync/atomic"

// Counter is a count that is rare enough to need no shards.
type Counter struct{ atomic.Uint64 }

// Inc adds one.
func (c *Counter) Inc() { c.Add(1) }

// Gauge is a level.
type Gauge struct{ atomic.Int64 }

// Inc adds one.
func (g *Gauge) Inc() { g.Add(1) }

// Dec takes one away.
func (g *Gauge) Dec() { g.Add(-1) }

// Route counts the requests of a (backend service, route) pair.
type Route struct {
	key     routeKey
	service *Service
	swept   atomic.Bool
	cells   []atomic.Pointer[routeCell]
}

type routeKey struct{ service, route string }

// routeCell is one shard's part of a route: one cache line, with room to the next.
type routeCell struct {
	classes [6]atomic.Uint64
	_       [16]byte
}

// Service is the backend service of the route.
func (r *Route) Service() *Service { return r.service }

func (r *Route) cell(index uint32) *routeCell {
	slot := &r.cells[index]
	if c := slot.Load(); c != nil {
		return c
	}
	slot.CompareAndSwap(nil, new(routeCell))
	return slot.Load()
}

// Service counts what happens between the proxy and one backend service.
type Service struct {
	name  string
	cells []atomic.Pointer[serviceCell]

	// Connects counts connections opened, ConnectFailures those that could not be, HandshakeFailures TLS on them.
	Connects, ConnectFailures, HandshakeFailures Counter
	// Connections is the number of open ones, idle or not.
	Connections Gauge
	// Retries counts further attempts; RetriesRefused those that a budget or a consumed body forbade.
	Retries, RetriesRefused Counter
	// Resets counts answers that were cut short; Timeouts attempts that took too long.
	Resets, Timeouts Counter
	// Overflows counts requests refused by circuit limits; Unpicked those without a healthy endpoint.
	Overflows, Unpicked Counter
	// Ejections counts endpoints that outlier detection took out; EjectionsRefused failures that would have, had not too
	// many been out already.
	Ejections, EjectionsRefused Counter
	// Ejected is the number of endpoints that are out now. It is brought up to date before each scrape.
	Ejected Gauge
	// Mirrored counts mirror requests sent; MirrorFailures those that failed or were shed.
	Mirrored, MirrorFailures Counter
}

// serviceCell is one shard's part of a backend service.
type serviceCell struct {
	begun, ended                atomic.Uint64
	requestBytes, responseBytes atomic.Uint64
	total, backend              histogram
	_                           [64]byte
}

func (v *Service) cell(index uint32) *serviceCell {
	slot := &v.cells[index]
	if c := slot.Load(); c != nil {
		return c
	}
	slot.CompareAndSwap(nil, new(serviceCell))
	return slot.Load()
}

// Frontend counts what happens on one listening address.
type Frontend struct {
	name string
	// Accepted counts connections; Connections is the number of open ones.
	Accepted    Counter
	Connections Gauge
	// Shed counts connections closed at once by the limit of open ones.
	Shed Counter
	// AcceptFailures counts connections that could not be accepted, for want of descriptors most likely.
	AcceptFailures Counter
	// Handshakes counts completed TLS handshakes, Resumed those from a ticket, HandshakeFailures the rest.
	Handshakes, Resumed, HandshakeFailures Counter
	// HTTP1 and HTTP2 count connections by what they spoke.
	HTTP1, HTTP2 Counter
}
