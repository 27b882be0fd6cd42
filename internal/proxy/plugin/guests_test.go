package plugin

import (
	"testing"

	"github.com/spillway-lb/spillway/internal/proxy/metrics"
)

// TestMetricsDoNotWaitForAStart: compiling takes up to a minute, and who scrapes waits ten seconds.
func TestMetricsDoNotWaitForAStart(t *testing.T) {
	p := New(Config{})
	p.starting.Lock()
	defer p.starting.Unlock()
	p.guests(func(metrics.Guest) bool { t.Error("nothing runs"); return true })
}
