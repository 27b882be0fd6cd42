package wasm

import (
	"testing"
	"time"
)

// The calls of a start share its time: what one has used the next ones don't have.
func TestCallsOfAStartShareItsTime(t *testing.T) {
	in := &instance{watch: newWatchdog(time.Hour, func() { t.Error("expired") }), startTimes: 4}
	defer in.watch.timer.Stop()
	for _, c := range []struct {
		looks int
		want  int32
	}{{6, 3}, {11, 1}, {3, 1}} {
		in.watch.begin(in.startTimes)
		for range c.looks {
			if c.looks < watchSteps*int(in.startTimes) {
				in.watch.tick()
			}
		}
		if late := in.endStart(); late || in.startTimes != c.want {
			t.Errorf("after %d looks %d are left, want %d; late %v", c.looks, in.startTimes, c.want, late)
		}
	}
}
