package traffic

import (
	"fmt"
	"math"
	"testing"
	"time"

	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
)

// region is a backend with n healthy endpoints of target x each; its group and zone are named after the region.
func region(name string, n int, x float64) Backend {
	return Backend{Group: name, Region: name, Zone: name + "-a", Endpoints: n, Healthy: n, RatePerEndpoint: x, Scaler: 1}
}

// zone is the same for a zone of region us.
func zone(name string, n int, x float64) Backend {
	b := region("us", n, x)
	b.Group, b.Zone = name, name
	return b
}

// near is a table in which us, eu, as are ever farther from us.
func near() *RTT {
	return DefaultRTT().With("us", "eu", 80*time.Millisecond).With("us", "as", 120*time.Millisecond).
		With("eu", "as", 200*time.Millisecond).With("west", "east", 60*time.Millisecond)
}

// allocated is the rate of each backend, in order, with all demand at one origin.
func allocated(in Input, from Location, demand float64) []float64 {
	in.RTT = near()
	in.Demand = []Demand{{Origin: from, Rate: demand}}
	rates := map[string]float64{}
	for _, f := range Allocate(in) {
		rates[f.Group] += f.Rate
	}
	out := make([]float64, len(in.Backends))
	for i, b := range in.Backends {
		out[i] = rates[b.Group]
	}
	return out
}

func wantRates(t *testing.T, what string, got []float64, want ...float64) {
	t.Helper()
	for i := range want {
		if math.Abs(got[i]-want[i]) > 0.06 {
			t.Errorf("%s: %.1f, want %.1f", what, got, want)
			return
		}
	}
}

func TestV1Overflow(t *testing.T) {
	in := Input{Backends: []Backend{region("west", 2, 10), region("east", 2, 10)}}
	for _, c := range [][3]float64{{10, 10, 0}, {20, 20, 0}, {30, 20, 10}, {40, 20, 20}, {60, 30, 30}} {
		wantRates(t, fmt.Sprint("demand ", c[0]), allocated(in, Location{Region: "west"}, c[0]), c[1], c[2])
	}
}

func TestV2ThreeRegions(t *testing.T) {
	usA, usB := region("us", 6, 10), region("us", 3, 10)
	usA.Group, usB.Group = "us-a", "us-b"
	in := Input{Backends: []Backend{usA, usB, region("eu", 10, 10), region("as", 1, 10)}}
	for _, c := range [][5]float64{
		{50, 33.3, 16.7, 0, 0}, {150, 60, 30, 60, 0}, {250, 75, 37.5, 125, 12.5}, {400, 120, 60, 200, 20},
	} {
		wantRates(t, fmt.Sprint("demand ", c[0]), allocated(in, Location{Region: "us"}, c[0]), c[1:]...)
	}
}

func TestV3WaterfallByZone(t *testing.T) {
	zones := []Backend{zone("z1", 3, 10), zone("z2", 6, 10)}
	for _, c := range []struct {
		algorithm lbv1.ServiceLbAlgorithm
		want      [][3]float64
	}{
		{lbv1.ServiceLbAlgorithm_WATERFALL_BY_ZONE, [][3]float64{{20, 20, 0}, {45, 30, 15}, {90, 30, 60}, {120, 40, 80}}},
		{lbv1.ServiceLbAlgorithm_WATERFALL_BY_REGION, [][3]float64{{20, 6.7, 13.3}, {45, 15, 30}, {90, 30, 60}, {120, 40, 80}}},
		{lbv1.ServiceLbAlgorithm_SPRAY_TO_REGION, [][3]float64{{20, 6.7, 13.3}, {45, 15, 30}, {90, 30, 60}, {120, 40, 80}}},
	} {
		for _, w := range c.want {
			got := allocated(Input{Algorithm: c.algorithm, Backends: zones}, Location{"us", "z1"}, w[0])
			wantRates(t, fmt.Sprint(c.algorithm, " demand ", w[0]), got, w[1:]...)
		}
	}
}

func TestV4Preferred(t *testing.T) {
	eu := region("eu", 4, 10)
	eu.Preferred = true
	in := Input{Backends: []Backend{eu, region("us", 2, 10), region("as", 2, 10)}}
	for _, c := range [][4]float64{{30, 30, 0, 0}, {50, 40, 10, 0}, {70, 40, 20, 10}, {100, 50, 25, 25}} {
		wantRates(t, fmt.Sprint("demand ", c[0]), allocated(in, Location{Region: "us"}, c[0]), c[1:]...)
	}
}

func TestV5CapacityScaler(t *testing.T) {
	us, eu := region("us", 2, 10), region("eu", 2, 10)
	us.Scaler = 0.5
	for _, c := range [][3]float64{{10, 10, 0}, {30, 10, 20}, {60, 20, 40}} {
		wantRates(t, fmt.Sprint("demand ", c[0]), allocated(Input{Backends: []Backend{us, eu}}, Location{Region: "us"}, c[0]), c[1:]...)
	}
	us.Scaler = 0
	for _, c := range [][3]float64{{10, 0, 10}, {30, 0, 30}} {
		wantRates(t, fmt.Sprint("drained, demand ", c[0]), allocated(Input{Backends: []Backend{us, eu}}, Location{Region: "us"}, c[0]), c[1:]...)
	}
}

// V6: the target counts all endpoints, so two healthy ones of four get twice their share.
func TestV6TargetCountsAllEndpoints(t *testing.T) {
	us := region("us", 4, 10)
	us.Healthy = 2
	in := Input{FailoverThreshold: 50, Backends: []Backend{us, region("eu", 4, 10)}}
	wantRates(t, "half healthy", allocated(in, Location{Region: "us"}, 40), 40, 0)
}

// V7: the share of demand that a region keeps at its health, load being low.
func TestV7ShareKept(t *testing.T) {
	for _, c := range []struct {
		threshold uint32
		healthy   int
		keeps     float64
	}{{70, 70, 100}, {70, 60, 85.7}, {70, 50, 71.4}, {70, 40, 57.1}, {70, 20, 28.6}, {70, 0, 0}, {50, 40, 80}, {90, 80, 88.9}} {
		us := region("us", 100, 0)
		us.Healthy = c.healthy
		in := Input{FailoverThreshold: c.threshold, Backends: []Backend{us, region("eu", 100, 0)}}
		got := allocated(in, Location{Region: "us"}, 100)
		wantRates(t, fmt.Sprintf("threshold %d, %d%% healthy", c.threshold, c.healthy), got, c.keeps, 100-c.keeps)
	}
}

// V9: without targets the nearest region gets everything, however much it is.
func TestV9NearestOnly(t *testing.T) {
	in := Input{Backends: []Backend{region("us", 1, 0), region("eu", 10, 0)}}
	wantRates(t, "a million", allocated(in, Location{Region: "us"}, 1e6), 1e6, 0)
}

// Two origins that want the same region share its room fairly.
func TestOriginsShareFairly(t *testing.T) {
	in := Input{
		RTT: near(), Backends: []Backend{region("us", 3, 10)},
		Demand: []Demand{{Location{Region: "eu"}, 60}, {Location{Region: "as"}, 30}},
	}
	got := map[string]float64{}
	for _, f := range Allocate(in) {
		got[f.Origin.Region] += f.Rate
	}
	if math.Abs(got["eu"]-60) > 0.01 || math.Abs(got["as"]-30) > 0.01 { // 30 by room, the rest by overfill
		t.Errorf("%v", got)
	}
	in.Backends = append(in.Backends, region("sa", 100, 10))
	in.RTT = in.RTT.With("eu", "sa", time.Second).With("as", "sa", time.Second)
	got = map[string]float64{}
	for _, f := range Allocate(in) {
		if f.Group == "us" {
			got[f.Origin.Region] += f.Rate
		}
	}
	if math.Abs(got["eu"]-20) > 0.01 || math.Abs(got["as"]-10) > 0.01 {
		t.Errorf("of 30 in us: %v, want 20 and 10", got)
	}
}

func TestNothingHasCapacityButSomethingIsHealthy(t *testing.T) {
	us, eu := region("us", 4, 10), region("eu", 2, 10)
	us.Scaler, eu.Scaler = 0, 0
	us.Healthy = 1
	wantRates(t, "all drained", allocated(Input{Backends: []Backend{us, eu}}, Location{Region: "us"}, 30), 10, 20)
}
