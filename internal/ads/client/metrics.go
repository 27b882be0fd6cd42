package client

import "github.com/prometheus/client_golang/prometheus"

// Metrics are what the client counts.
type Metrics struct {
	// connected is 1 while a controller answers.
	connected prometheus.Gauge
	responses *prometheus.CounterVec
}

func newMetrics() *Metrics {
	opts := func(name, help string) prometheus.Opts {
		return prometheus.Opts{Namespace: "spillway", Subsystem: "fleet", Name: name, Help: help}
	}
	return &Metrics{
		connected: prometheus.NewGauge(prometheus.GaugeOpts(opts("controller_connected", "1 while a controller answers."))),
		responses: prometheus.NewCounterVec(prometheus.CounterOpts(
			opts("responses_total", "Responses of controllers: in force as a whole (ack), or but for what is refused (nack).")), []string{"answer"}),
	}
}

// Collectors are for a registry.
func (m *Metrics) Collectors() []prometheus.Collector {
	return []prometheus.Collector{m.connected, m.responses}
}
