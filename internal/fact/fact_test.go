package fact_test

import (
	"net/netip"
	"testing"

	"github.com/spillway-lb/spillway/internal/fact"
)

func TestProgressSaysHowFarItIs(t *testing.T) {
	unbound := []fact.Unbound{{Location: "us-west1", Address: "127.0.0.1", Port: 80, Text: "permission denied"}}
	cannot := "the proxy in us-west1 cannot listen on 127.0.0.1 port 80: permission denied"
	for name, c := range map[string]struct {
		progress    fact.Progress
		done, taken bool
		text        string
	}{
		"nothing":   {fact.Progress{}, false, false, "no proxy serves its locations"},
		"all":       {fact.Progress{Ready: 2, Total: 2}, true, true, "2 of 2 proxies have it"},
		"one":       {fact.Progress{Ready: 0, Total: 1}, false, false, "0 of 1 proxy has it"},
		"elsewhere": {fact.Progress{Ready: 1, Total: 1, Elsewhere: []fact.Elsewhere{{"b", 80, "127.0.0.1:10080", "permission denied"}}}, true, true, "1 of 1 proxy has it"},
		"slow":      {fact.Progress{Ready: 2, Total: 3}, false, false, "2 of 3 proxies have it"},
		"unbound":   {fact.Progress{Ready: 2, Total: 2, Unbound: unbound}, false, true, cannot},
		"both":      {fact.Progress{Ready: 1, Total: 3, Unbound: unbound}, false, false, cannot + "; 1 of 3 proxies have it"},
		"refused":   {fact.Progress{Ready: 1, Total: 2, Refused: []fact.Refusal{{"b", "url_map x", "no"}}}, false, false, "the proxy in b refuses it: url_map x: no"},
		"held back": {fact.Progress{Ready: 2, Total: 2, Refused: []fact.Refusal{{"", "route_rule x", "path: a space"}}}, false, false, "not published: route_rule x: path: a space"},
	} {
		if c.progress.Done() != c.done || c.progress.Taken() != c.taken || c.progress.String() != c.text {
			t.Errorf("%s: done %t, taken %t, %q", name, c.progress.Done(), c.progress.Taken(), c.progress)
		}
	}
}

func TestAnAddressElsewhere(t *testing.T) {
	e := fact.Elsewhere{Location: "b", Port: 80, At: "127.0.0.1:10080"}
	const want = "the proxy in b listens on 127.0.0.1:10080 instead of port 80"
	if e.String() != want {
		t.Errorf("%q", e)
	}
	if e.Text = "permission denied"; e.String() != want+": permission denied" {
		t.Errorf("%q", e)
	}
	if (fact.Progress{Elsewhere: []fact.Elsewhere{e}}).Equal(fact.Progress{}) {
		t.Error("equal to none")
	}
}

func TestAProbeIsReadBack(t *testing.T) {
	for _, endpoint := range []string{"127.0.0.1:80", "[::1]:8080"} {
		want := fact.Probe{Location: "us-west1", Check: "gkegw1-x", Endpoint: netip.MustParseAddrPort(endpoint)}
		f := fact.Health(want)
		if got, ok := fact.ProbeOf(f.Key); !ok || got != want || f.Kind != fact.KindHealth {
			t.Errorf("%v became %v, %t", want, got, ok)
		}
	}
	for _, key := range []string{"", "x", "127.0.0.1:80\ncheck", "x\ny\nz"} {
		if _, ok := fact.ProbeOf(key); ok {
			t.Errorf("%q is a probe", key)
		}
	}
}
