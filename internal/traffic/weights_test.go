package traffic

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
)

// show is "group priority weight" of each group.
func show(w *lbv1.Weights) []string {
	var out []string
	for _, g := range w.GetGroups() {
		out = append(out, fmt.Sprint(g.GetGroup(), " ", g.GetPriority(), " ", g.GetWeight()))
	}
	return out
}

func TestWeights(t *testing.T) {
	drained := region("eu", 2, 0)
	drained.Scaler = 0
	empty := zone("z3", 0, 0)
	preferred := region("as", 2, 0)
	preferred.Preferred = true
	for _, c := range []struct {
		name string
		in   Input
		from Location
		want []string
	}{
		{
			"nearest first, others stand by",
			Input{Backends: []Backend{region("us", 2, 0), region("eu", 2, 0), region("as", 2, 0)}},
			Location{Region: "us"},
			[]string{"us 0 10000", "eu 1 10000", "as 2 10000"},
		},
		{
			"as seen from elsewhere",
			Input{Backends: []Backend{region("us", 2, 0), region("eu", 2, 0), region("as", 2, 0)}},
			Location{Region: "eu"},
			[]string{"eu 0 10000", "us 1 10000", "as 2 10000"},
		},
		{
			"zones by capacity",
			Input{Backends: []Backend{zone("z1", 1, 0), zone("z2", 3, 0)}},
			Location{"us", "z1"},
			[]string{"z1 0 2500", "z2 0 7500"},
		},
		{
			"zone by zone",
			Input{Algorithm: lbv1.ServiceLbAlgorithm_WATERFALL_BY_ZONE, Backends: []Backend{zone("z1", 1, 0), zone("z2", 3, 0)}},
			Location{"us", "z2"},
			[]string{"z2 0 10000", "z1 1 10000"},
		},
		{
			"drained is left out",
			Input{Backends: []Backend{drained, region("us", 2, 0)}},
			Location{Region: "eu"},
			[]string{"us 0 10000"},
		},
		{
			"an empty group has its place",
			Input{Backends: []Backend{zone("z1", 2, 0), zone("z2", 2, 0), empty}},
			Location{Region: "us"},
			[]string{"z1 0 5000", "z2 0 5000", "z3 0 2500"},
		},
		{
			"preferred before near",
			Input{Backends: []Backend{region("us", 2, 0), preferred}},
			Location{Region: "us"},
			[]string{"as 0 10000", "us 1 10000"},
		},
		{
			"overflow by load",
			Input{
				Backends: []Backend{region("us", 2, 10), region("eu", 2, 10), region("as", 2, 10)},
				Demand:   []Demand{{Location{Region: "us"}, 30}},
			},
			Location{Region: "us"},
			[]string{"us 0 6667", "eu 0 3333", "as 1 10000"},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.in.RTT = near()
			w := Weights("svc", c.from, c.in)
			if got := show(w); !slices.Equal(got, c.want) {
				t.Errorf("got %q, want %q", got, c.want)
			}
			if w.GetBackendService() != "svc" || w.GetLocation() != c.from.Name() {
				t.Errorf("%v", w)
			}
		})
	}
}

// Whatever the input: all demand is placed while an endpoint is healthy, nothing is negative, no unhealthy backend gets
// anything, and weights name every backend with capacity once.
func TestAllocationIsSound(t *testing.T) {
	regions := []string{"us", "eu", "as"}
	rapid.Check(t, func(rt *rapid.T) {
		in := Input{RTT: near(), FailoverThreshold: rapid.Uint32Range(0, 99).Draw(rt, "threshold")}
		in.Algorithm = lbv1.ServiceLbAlgorithm(rapid.IntRange(0, 3).Draw(rt, "algorithm"))
		anyHealthy, withCapacity := false, 0
		healthy := map[string]int{}
		for i := range rapid.IntRange(1, 6).Draw(rt, "backends") {
			n := rapid.IntRange(0, 5).Draw(rt, "n")
			b := region(rapid.SampledFrom(regions).Draw(rt, "region"), n, rapid.SampledFrom([]float64{0, 1, 10}).Draw(rt, "x"))
			b.Group, b.Zone = fmt.Sprint("g", i), fmt.Sprint("z", i%3)
			b.Healthy = rapid.IntRange(0, n).Draw(rt, "healthy")
			b.Scaler = rapid.SampledFrom([]float64{0, 0.5, 1}).Draw(rt, "scaler")
			b.Preferred = rapid.Bool().Draw(rt, "preferred")
			anyHealthy = anyHealthy || (b.Healthy > 0 && b.Scaler > 0)
			healthy[b.Group] = b.Healthy
			if b.Scaler > 0 {
				withCapacity++
			}
			in.Backends = append(in.Backends, b)
		}
		want := 0.0
		for _, r := range regions {
			rate := rapid.Float64Range(0, 200).Draw(rt, "demand")
			in.Demand = append(in.Demand, Demand{Location{Region: r}, rate})
			want += rate
		}
		got := 0.0
		for _, f := range Allocate(in) {
			if f.Rate < 0 || healthy[f.Group] == 0 {
				rt.Fatalf("%+v to a group with %d healthy endpoints", f, healthy[f.Group])
			}
			got += f.Rate
		}
		if anyHealthy && (got < want-1e-6 || got > want+1e-6) {
			rt.Fatalf("placed %v of %v", got, want)
		}
		if w := Weights("svc", Location{Region: "us"}, in); len(w.GetGroups()) != withCapacity {
			rt.Fatalf("%d groups with capacity, weights %q", withCapacity, show(w))
		}
	})
}

func TestRTT(t *testing.T) {
	table := DefaultRTT()
	for _, c := range []struct {
		from, nearer, farther string
	}{
		{"us-west1", "us-west2", "us-east1"},
		{"us-east1", "us-central1", "us-west1"},
		{"europe-west1", "europe-west3", "us-east4"},
		{"asia-northeast1", "asia-northeast3", "asia-south1"},
		{"asia-southeast1", "australia-southeast1", "europe-west1"},
		{"dc-one", "dc-two", "us-west1"},
	} {
		if a, b := table.Between(c.from, c.nearer), table.Between(c.from, c.farther); a >= b {
			t.Errorf("from %s: %s at %v, %s at %v", c.from, c.nearer, a, c.farther, b)
		}
	}
	if d := table.Between("us-west1", "us-east1"); d < 50*time.Millisecond || d > 80*time.Millisecond {
		t.Errorf("us-west1 to us-east1: %v", d)
	}
	if table.Between("x", "x") != 0 || len(table.Regions()) < 40 {
		t.Error("within one region, or too few regions")
	}
}

func TestParseRTT(t *testing.T) {
	table, err := DefaultRTT().Parse("us-west1/us-east1=5ms, home/office = 2ms")
	if err != nil {
		t.Fatal(err)
	}
	if table.Between("us-east1", "us-west1") != 5*time.Millisecond || table.Between("office", "home") != 2*time.Millisecond {
		t.Error("not set in both directions")
	}
	for _, bad := range []string{"a=1ms", "a/b", "a/b=x", "/b=1ms", "a/b=-1ms"} {
		if _, err := DefaultRTT().Parse(bad); err == nil {
			t.Errorf("%q was accepted", bad)
		}
	}
}

func BenchmarkWeights(b *testing.B) {
	in := Input{RTT: DefaultRTT()}
	for i, name := range in.RTT.Regions()[:30] {
		in.Backends = append(in.Backends, region(name, i+1, 10))
		in.Demand = append(in.Demand, Demand{Location{Region: name}, float64(i * 13 % 300)})
	}
	for b.Loop() {
		Weights("svc", in.Demand[0].Origin, in)
	}
}
