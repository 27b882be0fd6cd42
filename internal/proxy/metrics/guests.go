package metrics

import (
	"strings"
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"
)

// Guest is a metric that a Wasm plugin has defined.
type Guest struct {
	Plugin, Version, Name string
	Kind                  GuestKind
	// Value is a counter's or a gauge's.
	Value int64
	// Count, Sum and Buckets are a histogram's: the i-th bucket counts the values below 2^i that are in none before.
	Count   uint64
	Sum     int64
	Buckets []uint64
}

// GuestKind is a counter, a gauge or a histogram.
type GuestKind uint8

// The kinds.
const (
	GuestCounter GuestKind = iota
	GuestGauge
	GuestHistogram
)

// Limits of what plugins may have a scrape carry.
const (
	maxGuests    = 1000
	maxGuestName = 200
)

// Guests are the metrics of plugins. They are read when they are asked for.
type Guests struct {
	read atomic.Pointer[func(yield func(Guest) bool)]
}

// From says where they are.
func (g *Guests) From(read func(yield func(Guest) bool)) { g.read.Store(&read) }

var (
	guestLabels    = []string{"wasm_plugin", "wasm_plugin_version", "name"}
	guestCounter   = desc("wasm_plugin_counter_total", "Counters that Wasm plugins define.", guestLabels...)
	guestGauge     = desc("wasm_plugin_gauge", "Gauges that Wasm plugins define.", guestLabels...)
	guestHistogram = desc("wasm_plugin_histogram", "Histograms that Wasm plugins define.", guestLabels...)
)

// collect gives each once: names are the plugins', and two of them may become the same.
func (g *Guests) collect(out chan<- prometheus.Metric) {
	read := g.read.Load()
	if read == nil {
		return
	}
	type series struct {
		plugin, version, name string
		kind                  GuestKind
	}
	seen := map[series]bool{}
	(*read)(func(x Guest) bool {
		x.Name = strings.ToValidUTF8(x.Name[:min(len(x.Name), maxGuestName)], "\uFFFD")
		key := series{x.Plugin, x.Version, x.Name, x.Kind}
		if !seen[key] {
			seen[key] = true
			out <- x.metric()
		}
		return len(seen) < maxGuests
	})
}

func (x Guest) metric() prometheus.Metric {
	switch x.Kind {
	case GuestCounter:
		return prometheus.MustNewConstMetric(guestCounter, prometheus.CounterValue, float64(x.Value), x.Plugin, x.Version, x.Name)
	case GuestGauge:
		return prometheus.MustNewConstMetric(guestGauge, prometheus.GaugeValue, float64(x.Value), x.Plugin, x.Version, x.Name)
	}
	below, all := map[float64]uint64{}, uint64(0)
	for i, n := range x.Buckets {
		if all += n; n > 0 {
			below[float64(uint64(1)<<i-1)] = all
		}
	}
	return prometheus.MustNewConstHistogram(guestHistogram, x.Count, float64(x.Sum), below, x.Plugin, x.Version, x.Name)
}
