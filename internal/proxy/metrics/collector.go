package metrics

import (
	"sync"

	"github.com/prometheus/client_golang/prometheus"
)

// Source is a number that its owner keeps, such as dropped access log lines; it is read at each scrape.
type Source struct {
	Name, Help string
	// Gauge says that the number also goes down.
	Gauge bool
	Read  func() float64
}

// sources are the numbers that others keep.
type sources struct {
	mu      sync.Mutex
	list    []Source
	refresh []func()
}

// BeforeCollect has f called at each scrape, to bring gauges up to date that nobody is told about.
func (r *Registry) BeforeCollect(f func()) {
	r.sources.mu.Lock()
	defer r.sources.mu.Unlock()
	r.sources.refresh = append(r.sources.refresh, f)
}

func (s *sources) bringUpToDate() {
	s.mu.Lock()
	refresh := s.refresh
	s.mu.Unlock()
	for _, f := range refresh {
		f()
	}
}

// AddSource shows a number that its owner keeps.
func (r *Registry) AddSource(s Source) {
	r.sources.mu.Lock()
	defer r.sources.mu.Unlock()
	r.sources.list = append(r.sources.list, s)
}

func desc(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc("spillway_"+name, help, labels, nil)
}

var (
	requestsDesc      = desc("requests_total", "Finished requests.", "backend_service", "route", "response_code_class")
	activeDesc        = desc("backend_active_requests", "Attempts in progress at a backend service.", "backend_service")
	requestBytesDesc  = desc("request_bytes_total", "Bytes of requests, heads included.", "backend_service")
	responseBytesDesc = desc("response_bytes_total", "Bytes of answers, heads included.", "backend_service")
	totalDesc         = desc("request_duration_seconds",
		"From the first byte of a request to the last of its answer.", "backend_service")
	backendDesc = desc("backend_duration_seconds",
		"From the first byte sent to a backend to the last byte of its answer.", "backend_service")
	refusedDesc = desc("refused_requests_total", "Requests answered by the proxy without routing.", "reason")
	floodsDesc  = desc("http2_floods_total", "HTTP/2 connections ended for abuse.", "kind")
	limitsDesc  = desc("limits_hit_total", "Hits of a limit or time-out.", "limit")
	panicsDesc  = desc("panics_total", "Faults of the proxy's own that ended a connection, stream, mirror or probe.", "place")
)

// Describe is the prometheus.Collector's. It names nothing, which makes this an unchecked collector: sources are added
// while the registry is in use.
func (r *Registry) Describe(chan<- *prometheus.Desc) {}

// Collect is the prometheus.Collector's.
func (r *Registry) Collect(out chan<- prometheus.Metric) {
	r.sources.bringUpToDate()
	r.routes.each(func(k routeKey, v *Route) { v.collect(out) })
	r.services.each(func(_ string, v *Service) { v.collect(out) })
	r.frontends.each(func(_ string, v *Frontend) { v.collect(out) })
	r.Refused.collect(out, refusedDesc)
	r.Floods.collect(out, floodsDesc)
	r.Limits.collect(out, limitsDesc)
	r.Panics.collect(out, panicsDesc)
	r.Extensions.collect(out)
	r.Plugins.collect(out)
	r.Guests.collect(out)
	r.collectSources(out)
}

func (r *Registry) collectSources(out chan<- prometheus.Metric) {
	r.sources.mu.Lock()
	list := r.sources.list
	r.sources.mu.Unlock()
	for _, s := range list {
		kind := prometheus.CounterValue
		if s.Gauge {
			kind = prometheus.GaugeValue
		}
		out <- prometheus.MustNewConstMetric(desc(s.Name, s.Help), kind, s.Read())
	}
}

func (f *Family) collect(out chan<- prometheus.Metric, d *prometheus.Desc) {
	f.counters.each(func(reason string, c *Counter) {
		out <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, float64(c.Load()), reason)
	})
}

func (r *Route) collect(out chan<- prometheus.Metric) {
	var sums [len(classNames)]uint64
	for i := range r.cells {
		if c := r.cells[i].Load(); c != nil {
			for j := range sums {
				sums[j] += c.classes[j].Load()
			}
		}
	}
	for j, n := range sums {
		if n > 0 {
			out <- prometheus.MustNewConstMetric(requestsDesc, prometheus.CounterValue, float64(n),
				r.key.service, r.key.route, classNames[j])
		}
	}
}

// serviceTotals is the sum of a service's cells.
type serviceTotals struct {
	active                      int64
	requestBytes, responseBytes uint64
	total, backend              distribution
}

func (v *Service) totals() *serviceTotals {
	t := new(serviceTotals)
	for i := range v.cells {
		c := v.cells[i].Load()
		if c == nil {
			continue
		}
		// ended first: an attempt that ends in between must not show as -1.
		ended := c.ended.Load()
		t.active += int64(c.begun.Load()) - int64(ended)
		t.requestBytes += c.requestBytes.Load()
		t.responseBytes += c.responseBytes.Load()
		t.total.add(&c.total)
		t.backend.add(&c.backend)
	}
	return t
}

func (v *Service) collect(out chan<- prometheus.Metric) {
	t := v.totals()
	counter := func(d *prometheus.Desc, n uint64) {
		out <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, float64(n), v.name)
	}
	out <- prometheus.MustNewConstMetric(activeDesc, prometheus.GaugeValue, float64(t.active), v.name)
	counter(requestBytesDesc, t.requestBytes)
	counter(responseBytesDesc, t.responseBytes)
	for d, h := range map[*prometheus.Desc]*distribution{totalDesc: &t.total, backendDesc: &t.backend} {
		if h.count > 0 {
			out <- prometheus.MustNewConstHistogram(d, h.count, float64(h.sum)/1e9, h.cumulative(), v.name)
		}
	}
	for i := range serviceCounters {
		counter(serviceCounters[i].desc, serviceCounters[i].of(v).Load())
	}
	for i := range serviceGauges {
		out <- prometheus.MustNewConstMetric(serviceGauges[i].desc, prometheus.GaugeValue,
			float64(serviceGauges[i].of(v).Load()), v.name)
	}
}

func (f *Frontend) collect(out chan<- prometheus.Metric) {
	for i := range frontendCounters {
		out <- prometheus.MustNewConstMetric(frontendCounters[i].desc, prometheus.CounterValue,
			float64(frontendCounters[i].of(f).Load()), f.name)
	}
	out <- prometheus.MustNewConstMetric(frontendActiveDesc, prometheus.GaugeValue, float64(f.Connections.Load()), f.name)
}
