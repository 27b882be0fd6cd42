package traffic

import (
	"fmt"
	"testing"
	"time"
)

// backends has one group for each "healthy of all".
func backends(healthy ...[2]int) []Backend {
	var out []Backend
	for i, h := range healthy {
		out = append(out, Backend{Group: fmt.Sprint(i), Healthy: h[0], Endpoints: h[1], Scaler: 1})
	}
	return out
}

// V8, as far as it does not need time.
func TestV8Candidates(t *testing.T) {
	well, dead := [2]int{4, 4}, [2]int{0, 4}
	for _, c := range []struct {
		name    string
		all     []Backend
		drained int
	}{
		{"two of four", backends(dead, dead, well, well), 0},
		{"two of five", backends(dead, dead, well, well, well), 2},
		{"three of five", backends(dead, dead, dead, well, well), 0},
		{"1/4 healthy is no candidate", backends([2]int{1, 4}, well, well), 0},
		{"2/9 healthy is one", backends([2]int{2, 9}, well, well), 1},
		{"without endpoints", backends([2]int{0, 0}, well, well), 0},
	} {
		var d Drainer
		if got := d.Update(0, c.all); len(got) != c.drained {
			t.Errorf("%s: drained %v, want %d", c.name, got, c.drained)
		}
	}
}

func TestV8BackendsWithoutCapacityDoNotCount(t *testing.T) {
	all := backends([2]int{0, 4}, [2]int{0, 4}, [2]int{4, 4}, [2]int{4, 4})
	all[0].Scaler = 0
	var d Drainer
	if got := d.Update(0, all); !got["1"] {
		t.Errorf("drained %v", got)
	}
}

// V8: back at 35 % held for 60 s.
func TestV8Undrain(t *testing.T) {
	well := [2]int{20, 20}
	for _, c := range []struct {
		name    string
		healthy func(second int) int
		undrain int // second; -1 never within 300 s
	}{
		{"7/20 held", func(int) int { return 7 }, 60},
		{"6/20", func(int) int { return 6 }, -1},
		{"flapping", func(s int) int {
			if s%60 == 59 {
				return 0
			}
			return 20
		}, -1},
	} {
		var d Drainer
		d.Update(0, backends([2]int{0, 20}, well, well))
		got := -1
		for s := range 300 {
			now := time.Second + time.Duration(s)*time.Second
			if !d.Update(now, backends([2]int{c.healthy(s), 20}, well, well))["0"] {
				got = s
				break
			}
		}
		if got != c.undrain {
			t.Errorf("%s: undrained at %d s, want %d", c.name, got, c.undrain)
		}
	}
}

func TestDrainedBackendHasNoCapacity(t *testing.T) {
	us := region("us", 4, 10)
	us.Drained = true
	wantRates(t, "drained", allocated(Input{Backends: []Backend{us, region("eu", 4, 10)}}, Location{Region: "us"}, 10), 0, 10)
}

func TestSmoother(t *testing.T) {
	var s Smoother
	at := func(rate float64) []Demand { return []Demand{{Location{Region: "us"}, rate}} }
	if d, changed := s.Update(at(100)); !changed || d[0].Rate != 100 {
		t.Errorf("first: %v %v", d, changed)
	}
	if d, changed := s.Update(at(110)); changed || d[0].Rate != 100 {
		t.Errorf("a small change: %v %v", d, changed)
	}
	var last []Demand
	for range 30 {
		last, _ = s.Update(at(1000))
	}
	if last[0].Rate < 900 {
		t.Errorf("after 30 s at 1000: %v", last)
	}
	for range 60 {
		s.Update(nil)
	}
	if d, _ := s.Update(at(0)); d[0].Rate > 1 {
		t.Errorf("without demand: %v", d)
	}
}
