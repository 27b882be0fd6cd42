package admission

import (
	"io"
	"log"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// result is what became of a request, in a word.
type result string

const (
	allowed  result = "allowed"  // nothing is wrong with it
	warned   result = "warned"   // it is let through with warnings
	refused  result = "refused"  // it is not let through
	patched  result = "patched"  // it is let through with a gate
	unjudged result = "unjudged" // it is let through without a look: not ours, or not known well enough
	timedOut result = "timeout"  // it is let through because time was over
	broken   result = "broken"   // it is no review
	failed   result = "failed"   // a fault of ours; the API server lets it through
)

// Metrics count what is asked.
type Metrics struct {
	requests *prometheus.CounterVec
	duration *prometheus.HistogramVec
}

func newMetrics() *Metrics {
	return &Metrics{
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "spillway_admission_requests_total",
			Help: "Requests of API servers, by webhook (validate, pods) and result (allowed, warned, refused, patched, unjudged, timeout, broken, failed).",
		}, []string{"webhook", "result"}),
		duration: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "spillway_admission_duration_seconds", Help: "How long answers took, by webhook.", Buckets: prometheus.ExponentialBuckets(0.0005, 2, 13),
		}, []string{"webhook"}),
	}
}

func (m *Metrics) count(webhook string, r result, began time.Time) {
	m.requests.WithLabelValues(webhook, string(r)).Inc()
	m.duration.WithLabelValues(webhook).Observe(time.Since(began).Seconds())
}

// Collectors are for a registry.
func (m *Metrics) Collectors() []prometheus.Collector {
	return []prometheus.Collector{m.requests, m.duration}
}

// quiet drops what net/http says of handshakes that fail.
func quiet() *log.Logger { return log.New(io.Discard, "", 0) }
