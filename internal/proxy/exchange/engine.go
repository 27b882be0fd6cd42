package exchange

import (
	"log/slog"
	"time"

	"github.com/spillway-lb/spillway/internal/guard"
	"github.com/spillway-lb/spillway/internal/proxy/accesslog"
	"github.com/spillway-lb/spillway/internal/proxy/balance"
	"github.com/spillway-lb/spillway/internal/proxy/call"
	"github.com/spillway-lb/spillway/internal/proxy/config"
	"github.com/spillway-lb/spillway/internal/proxy/geo"
	"github.com/spillway-lb/spillway/internal/proxy/metrics"
	"github.com/spillway-lb/spillway/internal/proxy/trace"
)

// Engine is what all exchanges of a proxy share. Root and Caller are required.
type Engine struct {
	// Root is the current configuration.
	Root func() *config.Root
	// Caller reaches backends. Its clock drives deadlines.
	Caller *call.Caller
	// Log takes access log records; nil logs none.
	Log *accesslog.Writer
	// LogAll logs every request, whatever backend services' policies say.
	LogAll bool
	// Metrics counts.
	Metrics *metrics.Registry
	// Tracer may be nil.
	Tracer *trace.Tracer
	// Logger is for events that concern operators.
	Logger *slog.Logger
	// Places tells where addresses are, by the databases that target proxies name. It may be nil.
	Places *geo.Databases
	// Guard recovers what panics. It may be nil.
	Guard *guard.Guard

	mirrors mirrors
}

// in is the clock's time after d, 0 for none.
func (e *Engine) in(d time.Duration) int64 { return e.Caller.Clock.In(d) }

// CountEjected brings the gauges of ejected endpoints up to date.
func (e *Engine) CountEjected() {
	now := e.Caller.Now()
	e.Root().Services(func(v *balance.Service) bool {
		if counts := e.Metrics.FindService(v.Name); counts != nil {
			counts.Ejected.Store(int64(v.EjectedEndpoints(now)))
		}
		return true
	})
}
