package syncer_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/spillway-lb/spillway/internal/fact"
	"github.com/spillway-lb/spillway/internal/neg"
	"github.com/spillway-lb/spillway/internal/neg/syncer"
	"github.com/spillway-lb/spillway/internal/store"
)

var start = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

func report(edit ...func(*neg.Report)) *neg.Report {
	r := &neg.Report{
		Service: store.Ref{Cluster: "c", Kind: "Service", Namespace: "n", Name: "s"}, Unit: "c|n|s|80", Name: "g", Key: "n/s-g-http/80-8080-GCE_VM_IP_PORT-L7",
		Zones: []neg.ReportZone{{Zone: "a"}, {Zone: "b"}},
	}
	for _, f := range edit {
		f(r)
	}
	return r
}

func members(zone, n int) func(*neg.Report) {
	return func(r *neg.Report) {
		for i := range n {
			r.Zones[zone].Endpoints = append(r.Zones[zone].Endpoints, neg.ReportEndpoint{Address: fmt.Sprintf("10.%d.%d.%d:80", zone, i/250, i%250)})
		}
	}
}

func told(out syncer.Output) (all []string) {
	for _, e := range out.Events {
		all = append(all, e.Type+" "+e.Reason+" "+e.Message)
	}
	return all
}

func expect(t *testing.T, out syncer.Output, want ...string) {
	t.Helper()
	if got := told(out); !slices.Equal(got, want) {
		t.Errorf("told\n%q\nwant\n%q", got, want)
	}
}

func none() float64 { return 0 }

// TestBatches: no event speaks of more than a call of the Compute API takes; what comes is told before what leaves.
func TestBatches(t *testing.T) {
	c := syncer.New(none, map[string][]string{"a/g": nil, "b/g": {"10.1.0.0:80", "10.1.0.1:80"}})
	expect(t, c.Observe(start, report(members(0, 1201))),
		`Normal Attach Attach 500 network endpoint(s) (NEG "g" in zone "a")`,
		`Normal Attach Attach 500 network endpoint(s) (NEG "g" in zone "a")`,
		`Normal Attach Attach 201 network endpoint(s) (NEG "g" in zone "a")`,
		`Normal Detach Detach 2 network endpoint(s) (NEG "g" in zone "b")`)
	expect(t, c.Observe(start, report(members(0, 1201))))
	expect(t, c.Observe(start, report(members(0, 1200), members(1, 1))),
		`Normal Attach Attach 1 network endpoint(s) (NEG "g" in zone "b")`,
		`Normal Detach Detach 1 network endpoint(s) (NEG "g" in zone "a")`)
}

// TestBackOff: a failure is told after 5 s, then later and later, up to ten minutes, and never given up.
func TestBackOff(t *testing.T) {
	c := syncer.New(func() float64 { return 0.5 }, map[string][]string{"a/g": nil, "b/g": nil})
	failed := `Warning SyncNetworkEndpointGroupFailed Failed to sync NEG "mine" (will retry): failed to get NEG for service: found conflicting description in neg "mine": it is that of Service b/c port 80 of cluster x`
	taken := func(r *neg.Report) { r.Asked, r.Holder = "mine", "Service b/c port 80 of cluster x" }
	now := start
	expect(t, c.Observe(now, report(taken)), failed)
	var pauses []float64
	for range 14 {
		due, ok := c.Next()
		if !ok {
			t.Fatal("given up")
		}
		expect(t, c.Tick(due.Add(-time.Millisecond)))
		expect(t, c.Observe(due.Add(-time.Millisecond), report(taken))) // what else happens tells nothing sooner
		expect(t, c.Tick(due), failed)
		pauses = append(pauses, due.Sub(now).Seconds())
		now = due
	}
	if pauses[0] != 5 || pauses[1] != 7.5 || pauses[13] != 600 {
		t.Errorf("pauses %v", pauses)
	}
	expect(t, c.Observe(now, report()))
	if _, ok := c.Next(); ok {
		t.Error("something is due, and nothing fails")
	}
	expect(t, c.Observe(now, report(taken)), failed)
	if due, _ := c.Next(); due.Sub(now) != 5*time.Second {
		t.Errorf("after it was in order, the pause begins with %v", due.Sub(now))
	}
}

// TestDegradedMode is entered with an error and left when both modes agree, not when the error is gone.
func TestDegradedMode(t *testing.T) {
	c := syncer.New(none, map[string][]string{"a/g": nil, "b/g": nil})
	key := fact.Degraded("c|n|s|80")
	enter := "Warning EnterDegradedMode Entering degraded mode for NEG n/s-g-http/80-8080-GCE_VM_IP_PORT-L7 due to sync err: endpoint has missing nodeName field"
	leave := "Normal ExitDegradedMode NEG n/s-g-http/80-8080-GCE_VM_IP_PORT-L7 is no longer in degraded mode"
	fails := func(r *neg.Report) { r.Reason, r.Differs = neg.EPNodeMissing, true }
	differs := func(r *neg.Report) { r.Differs = true }
	for i, step := range []struct {
		report *neg.Report
		told   []string
		fact   any
		set    bool
	}{
		{report(differs), nil, nil, false},
		{report(fails), []string{enter}, true, true},
		{report(fails, members(0, 1)), []string{`Normal Attach Attach 1 network endpoint(s) (NEG "g" in zone "a")`}, nil, false},
		{report(differs, members(0, 1)), nil, nil, false},
		{report(members(0, 1)), []string{leave}, nil, true},
		{report(fails, members(0, 1)), []string{enter}, true, true},
	} {
		out := c.Observe(start, step.report)
		expect(t, out, step.told...)
		if value, set := out.Facts[key]; set != step.set || value != step.fact {
			t.Errorf("step %d: the fact is %v, set %t", i, value, set)
		}
	}
	if !c.Degraded("c|n|s|80") {
		t.Error("not in degraded mode")
	}
	if out := c.Gone("c|n|s|80"); len(out.Facts) != 2 || out.Facts[key] != nil {
		t.Errorf("what is gone leaves %v", out.Facts)
	}
}

// TestSettleForgets: what an earlier process had published counts until everybody has reported, and no longer.
func TestSettleForgets(t *testing.T) {
	c := syncer.New(none, map[string][]string{"a/g": {"10.0.0.0:80"}, "b/g": nil})
	c.Settle()
	expect(t, c.Observe(start, report(members(0, 1))),
		`Normal Create Created NEG "g" for n/s-g-http/80-8080-GCE_VM_IP_PORT-L7 in "a".`,
		`Normal Create Created NEG "g" for n/s-g-http/80-8080-GCE_VM_IP_PORT-L7 in "b".`,
		`Normal Attach Attach 1 network endpoint(s) (NEG "g" in zone "a")`)
}
