package controlplane

import (
	"net/netip"
	"testing"

	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
	"github.com/spillway-lb/spillway/internal/fact"
	"github.com/spillway-lb/spillway/internal/store"
)

func probeOf(endpoint string) store.Fact {
	return fact.Health(fact.Probe{Location: "r", Check: "hc", Endpoint: netip.MustParseAddrPort(endpoint)})
}

// TestVerdictsOfARegion last as long as one of its data planes is there.
func TestVerdictsOfARegion(t *testing.T) {
	before, after := probeOf("10.0.0.1:80"), probeOf("10.0.0.2:80")
	healthy := fact.Verdict{State: lbv1.HealthState_HEALTHY}
	f := newFeedback()
	f.judge("r", before, healthy)
	if f.anyVerdicts() {
		t.Error("a region without a data plane has a verdict")
	}
	f.add(event{kind: opened, location: "r/1"})
	f.add(event{kind: opened, location: "r/2"})
	f.judge("r", before, healthy)
	f.takeVerdicts()
	f.add(event{kind: closed, location: "r/1"})
	if e := f.takeEvents()[2]; e.last {
		t.Error("the last of two went with the first")
	}
	f.judge("r", before, healthy)
	f.add(event{kind: closed, location: "r/2"})
	if e := f.takeEvents()[0]; !e.last || f.anyVerdicts() {
		t.Errorf("last: %t, verdicts left: %t", e.last, f.anyVerdicts())
	}
	f.add(event{kind: opened, location: "r/3"})
	f.judge("r", after, healthy)
	f.forget("r", []string{before.Key, after.Key})
	if got := f.takeVerdicts(); got[before] != nil || got[after] != healthy || len(got) != 2 {
		t.Errorf("verdicts %v", got)
	}
}
