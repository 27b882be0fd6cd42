package metrics

import "github.com/prometheus/client_golang/prometheus"

// PluginEvents counts what becomes of versions of plugins.
type PluginEvents struct {
	limit    int
	counters table[pluginKey, *Counter]
}

type pluginKey struct{ plugin, version, event string }

var pluginsDesc = desc("wasm_plugin_events_total",
	"Streams of a version of a Wasm plugin, its local replies, crashes and other events.", "wasm_plugin", "wasm_plugin_version", "event")

// Inc adds one to an event of a version.
func (e *PluginEvents) Inc(plugin, version, event string) {
	other := pluginKey{Other, Other, Other}
	e.counters.get(pluginKey{plugin, version, event}, e.limit, other, func(pluginKey) *Counter { return new(Counter) }).Inc()
}

// Count is for tests.
func (e *PluginEvents) Count(plugin, version, event string) uint64 {
	if v, ok := e.counters.entries.Load(pluginKey{plugin, version, event}); ok {
		return v.(*Counter).Load()
	}
	return 0
}

func (e *PluginEvents) collect(out chan<- prometheus.Metric) {
	e.counters.each(func(k pluginKey, c *Counter) {
		out <- prometheus.MustNewConstMetric(pluginsDesc, prometheus.CounterValue, float64(c.Load()), k.plugin, k.version, k.event)
	})
}
