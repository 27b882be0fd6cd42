package callout

import (
	"testing"
	"time"

	"github.com/spillway-lb/spillway/internal/guard"
)

// panicking is a pipe whose peer's bytes nobody foresaw.
type panicking struct{ pipe }

func (panicking) Receive() ([]byte, error) { panic("a frame that nobody foresaw") }

// A panic of the goroutine that reads while others send ends its session, is counted, and ends nothing else.
func TestAPanicOfTheHelperIsCounted(t *testing.T) {
	counted := 0
	s := newSession(nil, time.Minute, core{})
	s.guard = guard.New(nil, func(place string) {
		if place == "callout" {
			counted++
		}
	})
	s.pipe, s.blocked = panicking{}, 1
	s.help()
	if counted != 1 || s.end == nil {
		t.Errorf("counted %d times, and the session's end is %v", counted, s.end)
	}
}
