// Package metrics counts what the data plane does and shows it to Prometheus.
//
// In: one Shard for each connection, on which the request path adds finished requests, and handles (Service, Frontend)
// for rarer events. Out: Registry is a prometheus.Collector. Adding a request costs a handful of uncontended atomic
// additions and no allocation, because connections are spread over shards that do not share cache lines.
//
//	shard := registry.Shard()                          // once for each connection
//	shard.Request(shard.Route(service, route), &sample) // once for each request
//
// Label sets are bounded: past Options.MaxRoutes, further routes are counted under the label "(other)", and reasons
// past MaxReasons likewise. Sweep forgets what the configuration no longer has.
package metrics

import (
	"runtime"
	"sync"
	"sync/atomic"
)

// Other is the label of everything past a bound.
const Other = "(other)"

// Options bound the registry; zero values mean the defaults.
type Options struct {
	// MaxServices and MaxRoutes bound the label sets. Defaults 5,000 and 20,000.
	MaxServices, MaxRoutes int
	// MaxReasons bounds the reasons of refusals, and the kinds of floods and limits. Default 100.
	MaxReasons int
	// Shards is the number of independent cells, at most 8 and by default GOMAXPROCS up to that.
	Shards int
}

const maxShards = 8

func (o *Options) fill() {
	fillInt(&o.MaxServices, 5_000)
	fillInt(&o.MaxRoutes, 20_000)
	fillInt(&o.MaxReasons, 100)
	fillInt(&o.Shards, runtime.GOMAXPROCS(0))
	o.Shards = min(o.Shards, maxShards)
}

func fillInt(p *int, value int) {
	if *p <= 0 {
		*p = value
	}
}

// Registry holds every count of one data plane. It is a prometheus.Collector.
type Registry struct {
	options   Options
	next      atomic.Uint32
	services  table[string, *Service]
	routes    table[routeKey, *Route]
	frontends table[string, *Frontend]

	// Refused counts requests answered without routing, by statusDetails word.
	Refused Family
	// Floods counts HTTP/2 connections ended for abuse, by kind.
	Floods Family
	// Limits counts hits of a limit or time-out, by name.
	Limits Family
	// Panics counts recovered faults of the proxy's own, by place.
	Panics Family
	// Extensions counts events of extensions.
	Extensions Events
	// Plugins counts events of versions of Wasm plugins.
	Plugins PluginEvents
	// Guests are the metrics that Wasm plugins define.
	Guests Guests

	sources sources
}

// New makes an empty registry.
func New(o Options) *Registry {
	o.fill()
	r := &Registry{options: o}
	for _, f := range []*Family{&r.Refused, &r.Floods, &r.Limits, &r.Panics} {
		f.limit = o.MaxReasons
	}
	r.Extensions.limit = o.MaxServices
	r.Plugins.limit = o.MaxServices
	return r
}

// Shard gives a connection its place to count. It needs no release.
func (r *Registry) Shard() *Shard {
	return &Shard{registry: r, index: r.next.Add(1) % uint32(r.options.Shards)}
}

// Service finds or makes the handle of a backend service.
func (r *Registry) Service(name string) *Service {
	return r.services.get(name, r.options.MaxServices, Other, func(name string) *Service {
		return &Service{name: name, cells: make([]atomic.Pointer[serviceCell], r.options.Shards)}
	})
}

// FindService is the handle of a backend service that has been counted for, or nil.
func (r *Registry) FindService(name string) *Service {
	v, _ := r.services.entries.Load(name)
	s, _ := v.(*Service)
	return s
}

// Route finds or makes the handle of a (backend service, route) pair.
func (r *Registry) Route(service, route string) *Route {
	key := routeKey{service, route}
	return r.routes.get(key, r.options.MaxRoutes, routeKey{Other, Other}, func(key routeKey) *Route {
		return &Route{
			key:     key,
			service: r.Service(key.service),
			cells:   make([]atomic.Pointer[routeCell], r.options.Shards),
		}
	})
}

// Frontend finds or makes the handle of a listening address.
func (r *Registry) Frontend(name string) *Frontend {
	return r.frontends.get(name, r.options.MaxServices, Other, func(name string) *Frontend {
		return &Frontend{name: name}
	})
}

// Names are those that the configuration has.
type Names struct {
	Service, Route, Frontend func(name string) bool
}

// Sweep forgets what the configuration has no more. Its counts vanish from the next scrape on; a handle still held
// elsewhere stays usable, and counts nothing that is seen.
func (r *Registry) Sweep(has Names) {
	keep := func(name string, has func(string) bool) bool { return name == Other || name == "" || has(name) }
	r.routes.sweep(func(k routeKey, v *Route) bool {
		kept := keep(k.service, has.Service) && keep(k.route, has.Route)
		if !kept {
			v.swept.Store(true)
		}
		return kept
	})
	r.services.sweep(func(name string, _ *Service) bool { return keep(name, has.Service) })
	r.frontends.sweep(func(name string, _ *Frontend) bool { return keep(name, has.Frontend) })
}

// table is a bounded map that is read without locks.
type table[K comparable, V any] struct {
	entries sync.Map // K -> V
	mu      sync.Mutex
	size    int
}

func (t *table[K, V]) get(key K, limit int, other K, make func(K) V) V {
	if v, ok := t.entries.Load(key); ok {
		return v.(V)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.size >= limit {
		key = other
	}
	if v, ok := t.entries.Load(key); ok {
		return v.(V)
	}
	v := make(key)
	t.entries.Store(key, v)
	t.size++
	return v
}

func (t *table[K, V]) sweep(keep func(K, V) bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.entries.Range(func(k, v any) bool {
		if !keep(k.(K), v.(V)) {
			t.entries.Delete(k)
			t.size--
		}
		return true
	})
}

func (t *table[K, V]) each(f func(K, V)) {
	t.entries.Range(func(k, v any) bool {
		f(k.(K), v.(V))
		return true
	})
}

// Family is a set of counters that differ in one label, such as a reason.
type Family struct {
	limit    int
	counters table[string, *Counter]
}

// Inc adds one to the counter of a reason.
func (f *Family) Inc(reason string) { f.Counter(reason).Inc() }

// Counter finds or makes the counter of a reason.
func (f *Family) Counter(reason string) *Counter {
	return f.counters.get(reason, f.limit, Other, func(string) *Counter { return new(Counter) })
}
