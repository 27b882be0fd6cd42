package plugin

import (
	"cmp"
	"slices"

	"github.com/spillway-lb/spillway/internal/proxy/metrics"
	"github.com/spillway-lb/spillway/internal/wasm"
)

var guestKinds = map[wasm.MetricKind]metrics.GuestKind{
	wasm.Counter: metrics.GuestCounter, wasm.Gauge: metrics.GuestGauge, wasm.Histogram: metrics.GuestHistogram,
}

// guests calls yield for each metric that a plugin has defined, until it returns false.
func (p *Plugins) guests(yield func(metrics.Guest) bool) {
	for _, v := range p.running() {
		for _, m := range v.plugin.Metrics.All() {
			g := metrics.Guest{Plugin: v.state.plugin, Version: v.Name, Name: m.Name, Kind: guestKinds[m.Kind], Value: m.Value}
			if m.Kind == wasm.Histogram {
				g.Count, g.Sum, g.Buckets = uint64(m.Value), m.Sum, m.Buckets[:]
			}
			if !yield(g) {
				return
			}
		}
	}
}

// running are the versions that are there, in order of plugin and name: what is cut off is the same each time.
func (p *Plugins) running() []*Version {
	p.mu.Lock()
	defer p.mu.Unlock()
	var all []*Version
	for _, w := range p.versions {
		if v := w.Value(); v != nil {
			all = append(all, v)
		}
	}
	slices.SortFunc(all, func(a, b *Version) int {
		return cmp.Or(cmp.Compare(a.state.plugin, b.state.plugin), cmp.Compare(a.Name, b.Name))
	})
	return all
}
