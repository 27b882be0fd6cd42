package controlplane

import (
	"fmt"
	"net/netip"
	"slices"
	"testing"

	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
	"github.com/spillway-lb/spillway/internal/fact"
	"github.com/spillway-lb/spillway/internal/location"
)

var (
	healthy   = fact.Verdict{State: lbv1.HealthState_HEALTHY}
	unhealthy = fact.Verdict{State: lbv1.HealthState_UNHEALTHY}
)

func probeOf(endpoint string) probe { return probe{"hc", netip.MustParseAddrPort(endpoint)} }

// expectVerdicts compares what is new, "ENDPOINT STATE" each.
func expectVerdicts(t *testing.T, what string, f *feedback, want ...string) {
	t.Helper()
	var got []string
	for k, v := range f.takeVerdicts() {
		p, ok := fact.ProbeOf(k.Key)
		if !ok || p.Location != "r" {
			t.Errorf("%s: fact %v", what, k)
		}
		text := "none"
		if v != nil {
			text = v.(fact.Verdict).State.String()
		}
		got = append(got, fmt.Sprintf("%s %s", p.Endpoint, text))
	}
	slices.Sort(got)
	if !slices.Equal(got, want) {
		t.Errorf("%s: %q, want %q", what, got, want)
	}
}

// TestWhoIsGoneSaysNothing: what it says late would be known for ever.
func TestWhoIsGoneSaysNothing(t *testing.T) {
	f := newFeedback()
	f.report(location.Report{Location: "r/p"})
	f.open("r/p")
	f.report(location.Report{Location: "r/p", Seq: 1})
	if all := f.takeEvents(); len(all) != 2 || all[0].kind != opened || all[1].report.Seq != 1 {
		t.Errorf("of one that is there: %+v", all)
	}
	f.close("r/p")
	f.report(location.Report{Location: "r/p", Seq: 2})
	if all := f.takeEvents(); len(all) != 1 || all[0].kind != closed {
		t.Errorf("of one that is gone: %+v", all)
	}
}

// TestTheFirstOfARegionJudges, in this process or another, until it is gone: two that differ do not take turns.
func TestTheFirstOfARegionJudges(t *testing.T) {
	a, b, c := probeOf("10.0.0.1:80"), probeOf("10.0.0.2:80"), probeOf("10.0.0.3:80")
	f := newFeedback()
	f.judge("r", a, healthy, false)
	expectVerdicts(t, "nobody is there", f)
	f.open("r") // in this process
	f.open("r/p1")
	f.open("r/p2")
	f.judge("r/p1", a, unhealthy, false)
	f.judge("r/p2", c, healthy, false)
	expectVerdicts(t, "the first one has said nothing", f)
	f.judge("r", a, healthy, false)
	f.judge("r", b, healthy, false)
	f.judge("r/p1", a, unhealthy, false)
	expectVerdicts(t, "the first one's", f, "10.0.0.1:80 HEALTHY", "10.0.0.2:80 HEALTHY")
	f.close("r/p2")
	expectVerdicts(t, "another one went", f)
	f.close("r")
	expectVerdicts(t, "the second one's, as a whole", f, "10.0.0.1:80 UNHEALTHY", "10.0.0.2:80 none")
	f.open("r")
	f.judge("r", b, healthy, false)
	expectVerdicts(t, "who comes back is the last", f)
	f.judge("r/p1", b, healthy, false)
	f.judge("r/p1", b, healthy, true)
	expectVerdicts(t, "not probed any more", f, "10.0.0.2:80 none")
	f.judge("r/p1", c, healthy, false)
	f.close("r/p1")
	f.close("r")
	f.judge("r", a, healthy, false)
	expectVerdicts(t, "nobody is left", f, "10.0.0.1:80 none", "10.0.0.2:80 none", "10.0.0.3:80 none")
}

// TestWhatIsUntold is bounded by the data planes that there are, whatever they say while the loop is busy, and comes to the same.
func TestWhatIsUntold(t *testing.T) {
	f := newFeedback()
	say := func() (out []string) {
		for _, e := range f.takeEvents() {
			text := map[eventKind]string{opened: "+", closed: "-", reported: "="}[e.kind] + e.location
			if e.kind == reported {
				text += fmt.Sprint(e.report.Seq)
			}
			out = append(out, text)
		}
		return out
	}
	expect := func(what string, want ...string) {
		t.Helper()
		if got := say(); !slices.Equal(got, want) {
			t.Errorf("%s: %q, want %q", what, got, want)
		}
	}
	for i := range 1000 {
		f.open(fmt.Sprint("r/", i))
		f.report(location.Report{Location: fmt.Sprint("r/", i), Seq: 1})
		f.close(fmt.Sprint("r/", i))
	}
	expect("they came and went")
	f.open("r/1")
	for i := range 1000 {
		f.report(location.Report{Location: "r/1", Seq: uint64(i)})
	}
	expect("it came, and spoke", "+r/1", "=r/1999")
	f.report(location.Report{Location: "r/1", Seq: 1})
	f.close("r/1")
	f.open("r/1")
	f.report(location.Report{Location: "r/1", Seq: 2})
	expect("another one took its place", "-r/1", "+r/1", "=r/12")
	f.close("r/1")
	f.open("r/1")
	f.report(location.Report{Location: "r/1", Seq: 3})
	f.close("r/1")
	expect("and went", "-r/1")
}
