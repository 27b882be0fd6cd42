package main

import (
	"math"
	"strings"
	"testing"
	"time"

	"github.com/spillway-lb/spillway/internal/proxy/chains"
	"github.com/spillway-lb/spillway/internal/proxy/config"

	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
)

func TestQuantilesAreWithinABucket(t *testing.T) {
	l := new(latencies)
	for us := 1; us <= 10_000; us++ {
		l.add(time.Duration(us) * time.Microsecond)
	}
	for q, want := range map[float64]time.Duration{0.5: 5 * time.Millisecond, 0.99: 9900 * time.Microsecond} {
		if got := l.quantile(q); math.Abs(float64(got-want)) > 0.04*float64(want) {
			t.Errorf("quantile %v is %v, want %v", q, got, want)
		}
	}
}

func TestParseH2load(t *testing.T) {
	out := "finished in 2.00s, 100.00 req/s, 1MB/s\n" +
		"requests: 200 total, 200 started, 200 done, 198 succeeded, 2 failed, 0 errored, 0 timeout\n" +
		"                     min         max         mean         sd        +/- sd\n" +
		"time for request:     1ms       2ms       1ms       1ms    80.00%\n"
	r, err := parseH2load(out)
	if err != nil || r.requests != 198 || r.failures != 2 || r.elapsed != 2*time.Second {
		t.Errorf("got %+v, %v", r, err)
	}
	if _, err := parseH2load("something else"); err == nil {
		t.Error("nonsense was understood")
	}
}

// TestSummary: a peer that failed leaves gaps, and ratios are Spillway's cost to the peer's.
func TestSummary(t *testing.T) {
	peers := []peer{{name: "spillway"}, {name: "one"}, {name: "gone"}}
	field := []*contestant{
		{peer: peers[0], samples: []sample{{cpuMicros: 9, p99: time.Millisecond}, {cpuMicros: 10}, {cpuMicros: 30}}},
		{peer: peers[1], samples: []sample{{cpuMicros: 20}}},
		{peer: peers[2], problem: "not here"},
	}
	var s summary
	s.add(benchCase{name: "n", about: "about"}, field)
	var out strings.Builder
	s.print(&out, peers)
	if want := "| about (n) | 10.0 | 20.0 | - | 0.50 | - |\n"; !strings.Contains(out.String(), want) {
		t.Errorf("got\n%s\nwant %s", out.String(), want)
	}
}

// TestModelsCompile puts every case's model through the data plane's own compiler.
func TestModelsCompile(t *testing.T) {
	for _, c := range cases {
		s := setup{benchCase: c, Listen: 8080, Backend: 8081, Callout: 8082, Dir: t.TempDir()}
		if c.tls {
			var err error
			if s.Pair, err = writeKeyPair(s.Dir, c.rsa); err != nil {
				t.Fatal(err)
			}
		}
		m, err := spillwayModel(s)
		if err != nil {
			t.Fatal(err)
		}
		root, err := config.NewWith(config.Location{}, chains.Compiler{}.Provider()).Apply(&lbv1.Transaction{Seq: 1, Upserts: m.GetResources()})
		if err != nil || len(root.Frontends()) != 1 {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}
