package outbox

import "github.com/prometheus/client_golang/prometheus"

// Metrics of an outbox. It is a Collector.
type Metrics struct {
	requests *prometheus.CounterVec
	waiting  prometheus.Gauge
}

func newMetrics() *Metrics {
	return &Metrics{
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "spillway_outbox_requests_total", Help: "Requests to API servers that write what is said of objects, by verb, kind and result.",
		}, []string{"verb", "kind", "result"}),
		waiting: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "spillway_outbox_waiting", Help: "Objects that wait for their turn to be written, for a pause to end, or for an answer.",
		}),
	}
}

// Describe implements prometheus.Collector.
func (m *Metrics) Describe(to chan<- *prometheus.Desc) {
	m.requests.Describe(to)
	m.waiting.Describe(to)
}

// Collect implements prometheus.Collector.
func (m *Metrics) Collect(to chan<- prometheus.Metric) {
	m.requests.Collect(to)
	m.waiting.Collect(to)
}
