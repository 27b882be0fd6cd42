package metrics

import "github.com/prometheus/client_golang/prometheus"

// Events counts what becomes of extensions in exchanges, and what their filters count themselves.
type Events struct {
	limit    int
	counters table[eventKey, *Counter]
	bytes    table[eventKey, *Counter] // by direction
}

// Directions of bytes.
const (
	sent     = "sent"
	received = "received"
)

type eventKey struct{ extension, event string }

var eventsDesc = desc("extension_events_total",
	"Exchanges of an extension (chain/name) by what became of them, and events that its filters count.", "extension", "event")

var extensionBytesDesc = desc("extension_bytes_total",
	"Bytes of messages that callouts were sent, and that were received from them, by extension (chain/name).", "extension", "direction")

// Transfer adds the bytes of an exchange of an extension.
func (e *Events) Transfer(extension string, out, in int64) {
	e.direction(extension, sent).Add(uint64(out))
	e.direction(extension, received).Add(uint64(in))
}

func (e *Events) direction(extension, direction string) *Counter {
	return e.bytes.get(eventKey{extension, direction}, e.limit, eventKey{Other, direction}, func(eventKey) *Counter { return new(Counter) })
}

// Inc adds one to an event of an extension.
func (e *Events) Inc(extension, event string) {
	e.counters.get(eventKey{extension, event}, e.limit, eventKey{Other, Other}, func(eventKey) *Counter { return new(Counter) }).Inc()
}

// Bytes are those that an extension has sent and received.
func (e *Events) Bytes(extension string) (out, in uint64) {
	return e.direction(extension, sent).Load(), e.direction(extension, received).Load()
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
	e.bytes.each(func(k eventKey, c *Counter) {
		out <- prometheus.MustNewConstMetric(extensionBytesDesc, prometheus.CounterValue, float64(c.Load()), k.extension, k.event)
	})
}
