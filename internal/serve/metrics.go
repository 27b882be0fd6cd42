package serve

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/spillway-lb/spillway/internal/controlplane"
	"github.com/spillway-lb/spillway/internal/dataplanes"
	"github.com/spillway-lb/spillway/internal/store"
	"github.com/spillway-lb/spillway/internal/view"
)

// newProblemsGauge counts what is wrong with the files.
func newProblemsGauge() prometheus.Gauge {
	return prometheus.NewGauge(prometheus.GaugeOpts{
		Namespace: "spillway", Subsystem: "control", Name: "problems", Help: "What is wrong with the files now.",
	})
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
	model  *view.Model
	loop   *controlplane.Loop
	planes *dataplanes.Set
}

// Describe implements prometheus.Collector.
func (l *levels) Describe(chan<- *prometheus.Desc) {}

// Collect implements prometheus.Collector.
func (l *levels) Collect(out chan<- prometheus.Metric) {
	gauge := func(d *prometheus.Desc, n uint64, labels ...string) {
		out <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, float64(n), labels...)
	}
	gauge(publishedDesc, l.model.Seq())
	snapshot := l.store.Snapshot()
	for _, kind := range snapshot.Kinds() {
		gauge(objectsDesc, uint64(len(snapshot.List(kind, "", ""))), kind)
	}
	for region, seq := range l.loop.Taken() {
		gauge(appliedDesc, seq, region)
	}
	for _, at := range l.planes.All() {
		labels := prometheus.Labels{"location": at.Location}
		prometheus.WrapCollectorWith(labels, at.Proxy.Metrics()).Collect(out)
		prometheus.WrapCollectorWith(labels, at.Prober).Collect(out)
	}
}
