package health

import "github.com/prometheus/client_golang/prometheus"

func desc(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc("spillway_prober_"+name, help, labels, nil)
}

var (
	probesDesc    = desc("probes_total", "Probes that have ended.")
	failuresDesc  = desc("failures_total", "Probes that failed.")
	inFlightDesc  = desc("in_flight", "Probes under way.")
	endpointsDesc = desc("endpoints", "Probed endpoints, by their last verdict.", "state")
)

// Describe implements prometheus.Collector.
func (p *Prober) Describe(out chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{probesDesc, failuresDesc, inFlightDesc, endpointsDesc} {
		out <- d
	}
}

// Collect implements prometheus.Collector.
func (p *Prober) Collect(out chan<- prometheus.Metric) {
	stats := p.Stats()
	out <- prometheus.MustNewConstMetric(probesDesc, prometheus.CounterValue, float64(stats.Probes))
	out <- prometheus.MustNewConstMetric(failuresDesc, prometheus.CounterValue, float64(stats.Failures))
	out <- prometheus.MustNewConstMetric(inFlightDesc, prometheus.GaugeValue, float64(stats.InFlight))
	states := map[string]int{}
	for _, v := range p.Verdicts() {
		states[v.State.String()]++
	}
	for state, n := range states {
		out <- prometheus.MustNewConstMetric(endpointsDesc, prometheus.GaugeValue, float64(n), state)
	}
}
