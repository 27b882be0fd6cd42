package serve

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/spillway-lb/spillway/internal/store"
)

// counts are what the control plane does.
type counts struct {
	rounds    prometheus.Counter
	roundTime prometheus.Histogram
	// unpublished are resources that a proxy would have refused, broken the units that failed: both are bugs.
	unpublished, broken prometheus.Counter
	// refused are transactions that a location refused all the same.
	refused *prometheus.CounterVec
	// problems is how much is wrong with the files.
	problems prometheus.Gauge
}

func controlOpts(name, help string) prometheus.Opts {
	return prometheus.Opts{Namespace: "spillway", Subsystem: "control", Name: name, Help: help}
}

func newCounts() *counts {
	counter := func(name, help string) prometheus.Counter {
		return prometheus.NewCounter(prometheus.CounterOpts(controlOpts(name, help)))
	}
	return &counts{
		rounds: counter("rounds_total", "Rounds of translating changed objects."),
		roundTime: prometheus.NewHistogram(prometheus.HistogramOpts{
			Namespace: "spillway", Subsystem: "control", Name: "round_duration_seconds",
			Help: "Translating and publishing, for one round.", Buckets: prometheus.ExponentialBuckets(0.0005, 4, 8),
		}),
		unpublished: counter("unpublished_resources_total", "Resources held back because a proxy would refuse them: a bug."),
		broken:      counter("unit_failures_total", "Translation units that failed: a bug."),
		refused: prometheus.NewCounterVec(prometheus.CounterOpts(
			controlOpts("refused_transactions_total", "Transactions that a location refused.")), []string{"location"}),
		problems: prometheus.NewGauge(prometheus.GaugeOpts(controlOpts("problems", "What is wrong with the files now."))),
	}
}

func (c *counts) collectors() []prometheus.Collector {
	return []prometheus.Collector{c.rounds, c.roundTime, c.unpublished, c.broken, c.refused, c.problems}
}

var (
	publishedDesc = controlDesc("published_seq", "Number of the newest transaction.")
	objectsDesc   = controlDesc("objects", "Objects in the store.", "kind")
	appliedDesc   = controlDesc("applied_seq", "Number of the newest transaction that a location has dealt with.", "location")
)

func controlDesc(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc("spillway_control_"+name, help, labels, nil)
}

// levels reads at each scrape what the parts keep. It is an unchecked collector, because locations come and go.
type levels struct {
	store  *store.Store
	model  *model
	planes *planes
}

// Describe implements prometheus.Collector.
func (l *levels) Describe(chan<- *prometheus.Desc) {}

// Collect implements prometheus.Collector.
func (l *levels) Collect(out chan<- prometheus.Metric) {
	gauge := func(d *prometheus.Desc, n uint64, labels ...string) {
		out <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, float64(n), labels...)
	}
	gauge(publishedDesc, l.model.number())
	snapshot := l.store.Snapshot()
	for _, kind := range snapshot.Kinds() {
		gauge(objectsDesc, uint64(len(snapshot.List(kind, "", ""))), kind)
	}
	for region, seq := range l.planes.progress() {
		gauge(appliedDesc, seq, region)
	}
	for _, at := range l.planes.all() {
		labels := prometheus.Labels{"location": at.region}
		prometheus.WrapCollectorWith(labels, at.proxy.Metrics()).Collect(out)
		prometheus.WrapCollectorWith(labels, at.prober).Collect(out)
	}
}
