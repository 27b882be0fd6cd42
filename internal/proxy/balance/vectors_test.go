package balance

import (
	"errors"
	"math"
	"testing"
)

// twoRegions is a service with 100 endpoints in each region, seen from the west.
func twoRegions(t *testing.T, threshold uint32) *world {
	w := newWorld(t).group("west", "us-west1", 100).group("east", "us-east1", 100)
	w.weight("west", 0, 10000).weight("east", 1, 10000)
	w.spec.FailoverThreshold = threshold
	w.build()
	w.health(1, 100)
	return w
}

// V7: the share of demand that a tier keeps at h percent healthy.
func TestV7ShareKeptByHealth(t *testing.T) {
	for _, c := range []struct {
		threshold uint32
		healthy   int
		keeps     float64
	}{
		{0, 100, 100},
		{70, 70, 100},
		{70, 60, 85.7},
		{70, 50, 71.4},
		{70, 40, 57.1},
		{70, 20, 28.6},
		{70, 0, 0},
		{50, 40, 80},
		{90, 80, 88.9},
	} {
		w := twoRegions(t, c.threshold)
		w.health(0, c.healthy)
		var west float64
		for _, s := range w.service.Shares(0) {
			if s.Group == "west" {
				west = s.Fraction * 100
			}
		}
		if math.Abs(west-c.keeps) > 0.15 { // the factor has two digits, as in Envoy
			t.Errorf("threshold %d, %d%% healthy: keeps %.1f%%, want %.1f%%", c.threshold, c.healthy, west, c.keeps)
		}
		if got := float64(count(t, w.service, 10000)["west"]) / 100; math.Abs(got-c.keeps) > 0.3 {
			t.Errorf("threshold %d, %d%% healthy: %.1f%% of the picks, want %.1f%%", c.threshold, c.healthy, got, c.keeps)
		}
	}
}

// V10: with the west unhealthy everything goes east at once, and with nothing healthy anywhere there is no upstream.
func TestV10AllOfOneRegionUnhealthy(t *testing.T) {
	w := twoRegions(t, 70)
	w.health(0, 100)
	if got := count(t, w.service, 100); got["west"] != 100 {
		t.Fatalf("healthy: %v", got)
	}
	w.health(0, 0)
	if got := count(t, w.service, 100); got["east"] != 100 {
		t.Errorf("west unhealthy: %v", got)
	}
	w.health(1, 0)
	if _, err := w.service.Pick(input()); !errors.Is(err, ErrNoHealthyUpstream) {
		t.Errorf("nothing healthy: %v", err)
	}
	w.health(0, 1)
	if got := count(t, w.service, 100); got["west"] != 100 {
		t.Errorf("one endpoint healthy: %v", got)
	}
}

// V11: the backend service is the boundary. One with endpoints in the west only does not fall over to the east.
func TestV11ServiceIsTheBoundary(t *testing.T) {
	w := newWorld(t).group("west", "us-west1", 2).weight("west", 0, 10000)
	w.build()
	w.health(0, 0)
	if _, err := w.service.Pick(input()); !errors.Is(err, ErrNoHealthyUpstream) {
		t.Errorf("got %v", err)
	}
}

// V12: a 90/10 split is within 2 % over 10,000 requests, and close over short stretches, too.
func TestV12WeightedSplit(t *testing.T) {
	s := NewSplit([]uint32{90, 0, 10})
	for _, c := range []struct{ n, slack int }{{10000, 5}, {1000, 3}, {100, 2}, {20, 2}} {
		var got [3]int
		for range c.n {
			got[s.Next()]++
		}
		want := c.n * 9 / 10
		if got[1] != 0 || got[0] < want-c.slack || got[0] > want+c.slack {
			t.Errorf("%d choices: %v", c.n, got)
		}
	}
}

func TestSampler(t *testing.T) {
	for _, c := range []struct {
		numerator, denominator uint32
		want                   int
	}{{0, 0, 1000}, {1, 1, 1000}, {0, 100, 0}, {1, 4, 250}, {42, 100, 420}} {
		s := NewSampler(c.numerator, c.denominator)
		got := 0
		for range 1000 {
			if s.Next() {
				got++
			}
		}
		if got < c.want-2 || got > c.want+2 {
			t.Errorf("%d/%d: %d of 1000", c.numerator, c.denominator, got)
		}
	}
}

// Locality weights and health multiply: a zone at 50 % takes 71.5 % of its weight.
func TestLocalityWeightsAndHealth(t *testing.T) {
	w := newWorld(t).group("a", "r", 10).group("b", "r", 10).weight("a", 0, 5000).weight("b", 0, 5000)
	w.build()
	w.health(0, 5)
	w.health(1, 10)
	want := 0.715 / 1.715
	if got := w.service.Shares(0)[0].Fraction; math.Abs(got-want) > 0.001 {
		t.Errorf("share of a is %.3f, want %.3f", got, want)
	}
}

func TestWithoutWeightsEvenlyByEndpoint(t *testing.T) {
	w := newWorld(t).group("a", "r", 1).group("b", "r", 3)
	w.build()
	w.health(0, 1)
	w.health(1, 3)
	if got := count(t, w.service, 4000); got["a"] < 990 || got["a"] > 1010 {
		t.Errorf("%v", got)
	}
}

// TestADrainedGroupGetsNothing holds also where there is no other group.
func TestADrainedGroupGetsNothing(t *testing.T) {
	w := newWorld(t).group("a", "r", 2)
	w.spec.Backends[0].CapacityScaler = new(float64)
	w.build()
	w.health(0, 2)
	if got := count(t, w.service, 100); got["none"] != 100 {
		t.Errorf("%v", got)
	}
}

// A group that the weights do not know yet gets requests only when nobody else can take them.
func TestLastResort(t *testing.T) {
	for name, prepare := range map[string]func(*world){
		"unknown to the weights": func(w *world) {
			w.weight("a", 0, 10000)
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t).group("a", "r", 2).group("b", "r", 2)
			prepare(w)
			w.build()
			w.health(0, 2)
			w.health(1, 2)
			if got := count(t, w.service, 100); got["a"] != 100 {
				t.Errorf("a healthy: %v", got)
			}
			w.health(0, 0)
			if got := count(t, w.service, 100); got["b"] != 100 {
				t.Errorf("a unhealthy: %v", got)
			}
		})
	}
}

func TestNoHealthCheckMeansHealthy(t *testing.T) {
	w := newWorld(t).group("a", "r", 2)
	w.check = nil
	if got := count(t, w.build(), 10); got["a"] != 10 {
		t.Errorf("%v", got)
	}
}
