package metrics

import "github.com/prometheus/client_golang/prometheus"

// Events counts what becomes of extensions in exchanges, and what their filters count themselves.
type Events struct {
	limit    int
	counters table[eventKey, *Counter]
}

type eventKey struct{ extension, event string }

var eventsDesc = desc("extension_events_total",
	"Exchanges of an extension (chain/name) by what became of them, and events that its filters count.", "extension", "event")

// Inc adds one to an event of an extension.
func (e *Events) Inc(extension, event string) {
	e.counters.get(eventKey{extension, event}, e.limit, eventKey{Other, Other}, func(eventKey) *Counter { return new(Counter) }).Inc()
}

// Count is the count of an event.
func (e *Events) Count(extension, event string) uint64 {
	if v, ok := e.counters.entries.Load(eventKey{extension, event}); ok {
		return v.(*Counter).Load()
	}
	return 0
}

func (e *Events) collect(out chan<- prometheus.Metric) {
	e.counters.each(func(k eventKey, c *Counter) {
		out <- prometheus.MustNewConstMetric(eventsDesc, prometheus.CounterValue, float64(c.Load()), k.extension, k.event)
	})
}
