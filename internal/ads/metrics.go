package ads

import "github.com/prometheus/client_golang/prometheus"

// Metrics are what the server counts.
type Metrics struct {
	answers   *prometheus.CounterVec
	resources prometheus.Counter
	proxies   *proxiesGauge
}

func newMetrics(counts func() map[string]int) *Metrics {
	opts := func(name, help string) prometheus.CounterOpts {
		return prometheus.CounterOpts{Namespace: "spillway", Subsystem: "fleet", Name: name, Help: help}
	}
	return &Metrics{
		answers:   prometheus.NewCounterVec(opts("answers_total", "Responses that proxies acknowledged (ack) or refused in part (nack)."), []string{"answer"}),
		resources: prometheus.NewCounter(opts("sent_resources_total", "Resources sent to proxies, removals included.")),
		proxies: &proxiesGauge{counts, prometheus.NewDesc(
			"spillway_fleet_proxies", "Proxies that are connected, by region.", []string{"region"}, nil)},
	}
}

// Collectors are for a registry.
func (m *Metrics) Collectors() []prometheus.Collector {
	return []prometheus.Collector{m.answers, m.resources, m.proxies}
}

// proxiesGauge counts when it is asked.
type proxiesGauge struct {
	counts func() map[string]int
	desc   *prometheus.Desc
}

func (g *proxiesGauge) Describe(to chan<- *prometheus.Desc) { to <- g.desc }

func (g *proxiesGauge) Collect(to chan<- prometheus.Metric) {
	for region, n := range g.counts() {
		to <- prometheus.MustNewConstMetric(g.desc, prometheus.GaugeValue, float64(n), region)
	}
}
