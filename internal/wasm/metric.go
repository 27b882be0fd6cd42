package wasm

import (
	"math/bits"
	"sync"
)

// MetricKind is a counter, a gauge or a histogram.
type MetricKind uint8

// The kinds.
const (
	Counter MetricKind = iota
	Gauge
	Histogram
)

// Metric is one that the guest has defined.
type Metric struct {
	Name string
	Kind MetricKind
	// Value is the counter's or the gauge's; for a histogram the number of records, Sum their sum.
	Value, Sum int64
	// Buckets count a histogram's records: the i-th those below 2^i that are not below 2^(i-1).
	Buckets [65]uint64
}

// Metrics are those of a plugin. They outlive its instances. The zero value is ready.
type Metrics struct {
	mu   sync.Mutex
	ids  map[string]uint32
	list []*Metric
}

// All is a copy.
func (m *Metrics) All() []Metric {
	m.mu.Lock()
	defer m.mu.Unlock()
	all := make([]Metric, 0, len(m.list))
	for _, x := range m.list {
		all = append(all, *x)
	}
	return all
}

// define gives the metric's id: its place, and its kind in the two low bits. A known name keeps its own.
func (m *Metrics) define(kind MetricKind, name string) (uint32, status) {
	m.mu.Lock()
	defer m.mu.Unlock()
	key := string(rune('0'+kind)) + name
	if id, found := m.ids[key]; found {
		return id, ok
	}
	if len(m.list) >= maxMetrics {
		return 0, internalFailure
	}
	if m.ids == nil {
		m.ids = map[string]uint32{}
	}
	m.list = append(m.list, &Metric{Name: name, Kind: kind})
	m.ids[key] = uint32(len(m.list))<<2 | uint32(kind)
	return m.ids[key], ok
}

func (m *Metrics) find(id uint32) *Metric {
	if n := id >> 2; n >= 1 && int(n) <= len(m.list) && m.list[n-1].Kind == MetricKind(id&3) {
		return m.list[n-1]
	}
	return nil
}

func (m *Metrics) increment(id uint32, delta int64) status {
	m.mu.Lock()
	defer m.mu.Unlock()
	switch x := m.find(id); {
	case x == nil:
		return notFound
	case x.Kind == Histogram, x.Kind == Counter && delta <= 0:
		return badArgument
	default:
		x.Value += delta
		return ok
	}
}

func (m *Metrics) record(id uint32, value int64) status {
	m.mu.Lock()
	defer m.mu.Unlock()
	x := m.find(id)
	if x == nil {
		return notFound
	}
	switch x.Kind {
	case Counter:
		x.Value += value
	case Gauge:
		x.Value = value
	case Histogram:
		x.Value++
		x.Sum += value
		x.Buckets[bits.Len64(uint64(value))]++
	}
	return ok
}

func (m *Metrics) get(id uint32) (int64, status) {
	m.mu.Lock()
	defer m.mu.Unlock()
	switch x := m.find(id); {
	case x == nil:
		return 0, notFound
	case x.Kind == Histogram:
		return 0, badArgument
	default:
		return x.Value, ok
	}
}

func defineMetric(in *instance, a arguments) uint32 {
	name, good := in.text(a.u32(1), a.u32(2))
	switch {
	case a.u32(0) > uint32(Histogram):
		return uint32(badArgument)
	case !good:
		return uint32(invalidMemoryAccess)
	}
	id, s := in.plugin.Metrics.define(MetricKind(a.u32(0)), name)
	if s != ok {
		return uint32(s)
	}
	return in.write32(a.u32(3), id)
}

func incrementMetric(in *instance, a arguments) uint32 {
	return uint32(in.plugin.Metrics.increment(a.u32(0), int64(a[1])))
}

func recordMetric(in *instance, a arguments) uint32 {
	return uint32(in.plugin.Metrics.record(a.u32(0), int64(a[1])))
}

func getMetric(in *instance, a arguments) uint32 {
	value, s := in.plugin.Metrics.get(a.u32(0))
	if s != ok {
		return uint32(s)
	}
	if !in.put64(a.u32(1), uint64(value)) {
		return uint32(invalidMemoryAccess)
	}
	return uint32(ok)
}
