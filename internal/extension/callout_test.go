package extension_test

import (
	"strings"
	"testing"

	spillwayv1alpha1 "github.com/spillway-lb/spillway/api/spillway/v1alpha1"
	"github.com/spillway-lb/spillway/internal/fact"
	"github.com/spillway-lb/spillway/internal/kind"
	"github.com/spillway-lb/spillway/internal/store"
)

var calloutRef = store.Ref{Cluster: spillwayv1alpha1.DefaultClusterName, Kind: kind.Service, Namespace: "store", Name: "callout"}

// TestADeadCalloutIsTold: an extension whose callout has no healthy endpoint is not Programmed, and says why.
func TestADeadCalloutIsTold(t *testing.T) {
	w := newWorld(t, gatewayManifest, calloutManifest, trafficManifest)
	before := w.traffic("Programmed")
	if !strings.HasPrefix(before, "Unknown") {
		t.Fatalf("Programmed is %q", before)
	}
	outage := fact.Outage(calloutRef, 443)
	w.fact(fact.Outage(calloutRef, 444), "another port")
	w.fact(outage, "from us-west1: 1 endpoint, all unhealthy")
	const want = `False ProgrammingFailed no healthy endpoint for port 443 of service "callout": from us-west1: 1 endpoint, all unhealthy`
	if got := w.traffic("Programmed"); got != want {
		t.Errorf("Programmed is %q, want %q", got, want)
	}
	w.fact(outage, nil)
	if got := w.traffic("Programmed"); got != before {
		t.Errorf("Programmed is %q, was %q", got, before)
	}
	w.load("1.yaml", strings.Replace(calloutManifest, "endpoints: [{addresses: [10.0.0.1], zone: us-west1-a}]", "endpoints: []", 1))
	if got := w.traffic("Programmed"); got != `False ProgrammingFailed no network endpoints found for service "callout"` {
		t.Errorf("without endpoints Programmed is %q", got)
	}
}

// TestAnEndpointOfACalloutCompilesNothing: what an extension is served as does not depend on who answers.
func TestAnEndpointOfACalloutCompilesNothing(t *testing.T) {
	w := newWorld(t, gatewayManifest, calloutManifest, trafficManifest)
	if w.runs["extension.member"] == 0 {
		t.Fatal("nothing was compiled")
	}
	clear(w.runs)
	w.load("1.yaml", strings.Replace(calloutManifest, "[10.0.0.1]", "[10.0.0.2]", 1))
	w.fact(fact.Outage(calloutRef, 443), "nobody answers")
	for _, unit := range []string{"extension.member", "extension.attachment", "frontend.extensions"} {
		if n := w.runs[unit]; n > 0 {
			t.Errorf("%s ran %d times", unit, n)
		}
	}
}
