package controlplane

import "github.com/prometheus/client_golang/prometheus"

// Metrics are what the loop counts.
type Metrics struct {
	rounds    prometheus.Counter
	roundTime prometheus.Histogram
	// unpublished are resources that a proxy would have refused, broken the units that failed: both are bugs.
	unpublished, broken prometheus.Counter
	// refused are transactions that a location refused all the same.
	refused *prometheus.CounterVec
}

func controlOpts(name, help string) prometheus.Opts {
	return prometheus.Opts{Namespace: "spillway", Subsystem: "control", Name: name, Help: help}
}

func newMetrics() *Metrics {
	counter := func(name, help string) prometheus.Counter {
		return prometheus.NewCounter(prometheus.CounterOpts(controlOpts(name, help)))
	}
	return &Metrics{
		rounds: counter("rounds_total", "Rounds of translating changed objects."),
		roundTime: prometheus.NewHistogram(prometheus.HistogramOpts{
			Namespace: "spillway", Subsystem: "control", Name: "round_duration_seconds",
			Help: "Translating and publishing, for one round.", Buckets: prometheus.ExponentialBuckets(0.0005, 4, 8),
		}),
		unpublished: counter("unpublished_resources_total", "Resources held back because a proxy would refuse them: a bug."),
		broken:      counter("unit_failures_total", "Translation units that failed: a bug."),
		refused: prometheus.NewCounterVec(prometheus.CounterOpts(
			controlOpts("refused_transactions_total", "Transactions that a location refused.")), []string{"location"}),
	}
}

// Collectors are for a registry.
func (c *Metrics) Collectors() []prometheus.Collector {
	return []prometheus.Collector{c.rounds, c.roundTime, c.unpublished, c.broken, c.refused}
}
