package outage

import (
	"maps"
	"testing"
	"time"
)

func TestWhatIsSaidHoldsStill(t *testing.T) {
	s := NewSettled("Unknown")
	for _, c := range []struct {
		at        float64
		all, want map[string]string
		again     float64 // 0 is never
	}{
		{0, map[string]string{"a": "Unknown"}, map[string]string{"a": "Unknown"}, 0},
		{1, map[string]string{"a": "UNHEALTHY"}, map[string]string{"a": "UNHEALTHY"}, 0}, // the first that is known
		{2, map[string]string{"a": "HEALTHY"}, map[string]string{"a": "UNHEALTHY"}, 4},
		{3, map[string]string{"a": "UNHEALTHY"}, map[string]string{"a": "UNHEALTHY"}, 0}, // a flap
		{4, map[string]string{"a": "HEALTHY"}, map[string]string{"a": "UNHEALTHY"}, 6},
		{5, map[string]string{"a": "DRAINING"}, map[string]string{"a": "UNHEALTHY"}, 7},
		{7, map[string]string{"a": "DRAINING", "b": "HEALTHY"}, map[string]string{"a": "DRAINING", "b": "HEALTHY"}, 0},
		{8, map[string]string{"a": "Unknown", "b": "UNHEALTHY"}, map[string]string{"a": "DRAINING", "b": "HEALTHY"}, 10},
		{9, map[string]string{"b": "UNHEALTHY"}, map[string]string{"b": "HEALTHY"}, 10},
		{10, map[string]string{"a": "HEALTHY", "b": "UNHEALTHY"}, map[string]string{"a": "HEALTHY", "b": "UNHEALTHY"}, 0}, // a is forgotten
	} {
		got, again := s.Step(at(c.at), c.all)
		want := time.Time{}
		if c.again > 0 {
			want = at(c.again)
		}
		if !maps.Equal(got, c.want) || !again.Equal(want) {
			t.Errorf("at %v: %v, again at %v; want %v, %v", c.at, got, again, c.want, want)
		}
	}
	if len(s.waiting) != 0 {
		t.Errorf("%v wait", s.waiting)
	}
}
