package frontend

import (
	"net/netip"
	"testing"

	"github.com/spillway-lb/spillway/internal/address"
	"github.com/spillway-lb/spillway/internal/store"
)

func TestCandidatesAreInRange(t *testing.T) {
	seen := map[netip.Addr]bool{}
	mine := store.Ref{Cluster: "c", Namespace: "n", Name: "g"}
	for _, c := range []claim{{owner: mine, region: "us-west1"}, {owner: mine, region: "us-east1"}, {owner: mine, region: "us-west1", ordinal: 1}} {
		for _, a := range c.candidates(address.Gateways) {
			if !address.Gateways.Contains(a) || !a.IsLoopback() || a.As4()[3] == 0 || seen[a] {
				t.Errorf("candidate %s", a)
			}
			seen[a] = true
		}
	}
	other := claim{owner: store.Ref{Cluster: "d", Namespace: "m", Name: "h"}, name: "shared"}.candidates(address.Gateways)
	if got := (claim{owner: mine, name: "shared"}).candidates(address.Gateways); got[0] != other[0] {
		t.Error("a named address depends on who uses it")
	}
}

func TestCandidatesOfASmallPool(t *testing.T) {
	pool := netip.MustParsePrefix("10.200.3.16/28")
	for _, a := range (claim{owner: store.Ref{Cluster: "c", Namespace: "n", Name: "g"}, region: "us-west1"}).candidates(pool) {
		if !pool.Contains(a) || a == netip.MustParseAddr("10.200.3.16") || a == netip.MustParseAddr("10.200.3.31") {
			t.Errorf("candidate %s", a)
		}
	}
}

// TestClaimsAreReadBack holds for names that hold the separator: a name is never an address.
func TestClaimsAreReadBack(t *testing.T) {
	mine := store.Ref{Cluster: "c", Kind: "Gateway.gateway.networking.k8s.io", Namespace: "n", Name: "g"}
	for _, c := range []claim{
		{owner: mine, region: "us-west1"},
		{owner: mine, region: "us-west1", ordinal: 2},
		{owner: mine, name: "x|127.0.0.1"},
		{owner: mine, name: `x\|`},
		{owner: mine, literal: netip.MustParseAddr("::1")},
	} {
		if got, ok := parseClaim(c.String()); !ok || got != c {
			t.Errorf("%+v is read back as %+v, %v", c, got, ok)
		}
	}
}
