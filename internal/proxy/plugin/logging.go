package plugin

import (
	"context"
	"log/slog"
	"math/rand/v2"

	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
	"github.com/spillway-lb/spillway/internal/wasm"
)

// levels are the model's in the ABI's words.
var levels = map[lbv1.PluginLogging_Level]wasm.Level{
	lbv1.PluginLogging_LEVEL_UNSPECIFIED: wasm.Info,
	lbv1.PluginLogging_TRACE:             wasm.Trace,
	lbv1.PluginLogging_DEBUG:             wasm.Debug,
	lbv1.PluginLogging_INFO:              wasm.Info,
	lbv1.PluginLogging_WARN:              wasm.Warn,
	lbv1.PluginLogging_ERROR:             wasm.Error,
	lbv1.PluginLogging_CRITICAL:          wasm.Critical,
}

// slogLevels: trace is below slog's debug, critical above its error.
var slogLevels = [...]slog.Level{
	wasm.Trace: slog.LevelDebug - 4, wasm.Debug: slog.LevelDebug, wasm.Info: slog.LevelInfo, wasm.Warn: slog.LevelWarn,
	wasm.Error: slog.LevelError, wasm.Critical: slog.LevelError + 4,
}

// setLogging is what holds from now on: it belongs to the plugin, and changes without a new version.
func (v *Version) setLogging(l *lbv1.PluginLogging) {
	v.state.logging.Store(l)
	level := wasm.Critical + 1
	if l.GetEnabled() {
		level = levels[l.GetMinLevel()]
	}
	v.plugin.SetMinLevel(level)
}

// sampled decides for one exchange whether what the plugin says of it is logged.
func (s *state) sampled() bool {
	l := s.logging.Load()
	rate := l.GetSampleRate()
	return l.GetEnabled() && (rate >= 1 || rate > 0 && rand.Float64() < rate)
}

// log takes a record of an instance.
func (s *state) log(r wasm.Record) {
	if s.logger == nil {
		return
	}
	attributes := []any{"plugin", s.plugin, "version", s.version, "severity", r.Level.String()}
	if f, ok := r.Stream.(*filter); ok {
		if !f.sampled {
			return
		}
		attributes = append(attributes, "targetProxy", f.x.TargetProxy(), "extension", f.settings.name)
	}
	s.logger.Log(context.Background(), slogLevels[r.Level], r.Message, attributes...)
}
