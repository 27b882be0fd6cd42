package gateway

import (
	"net/netip"
	"testing"

	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
	"github.com/spillway-lb/spillway/internal/address"
	"github.com/spillway-lb/spillway/internal/store"
)

func TestBackendKeysAreReadBack(t *testing.T) {
	for _, k := range []backendKey{
		{scope: Scope{Cluster: "c", Scheme: lbv1.LoadBalancingScheme_EXTERNAL_MANAGED}, namespace: "n", name: "s", port: 80},
		{
			scope: Scope{
				Cluster: "gke-west-1", Multi: true, Scheme: lbv1.LoadBalancingScheme_INTERNAL_MANAGED, Region: "us-west1", Client: "n/g",
			},
			imported: true, namespace: "n", name: "s", port: 65535, grpc: true,
		},
	} {
		if got, ok := parseBackendKey(k.String()); !ok || got != k {
			t.Errorf("%q is read back as %+v", k.String(), got)
		}
	}
	if _, ok := parseBackendKey("c|mc|EXTERNAL"); ok {
		t.Error("half a key is read")
	}
}

func TestCandidateAddressesAreInRange(t *testing.T) {
	seen := map[string]bool{}
	for _, region := range []string{"us-west1", "us-east1"} {
		for _, candidate := range candidateAddresses(store.Ref{Cluster: "c", Namespace: "n", Name: "g"}, region, "") {
			a := netip.MustParseAddr(candidate)
			if !address.Gateways.Contains(a) || !a.IsLoopback() || a.As4()[3] == 0 || seen[candidate] {
				t.Errorf("candidate %s", candidate)
			}
			seen[candidate] = true
		}
	}
	other := candidateAddresses(store.Ref{Cluster: "d", Namespace: "m", Name: "h"}, "", "shared")
	if got := candidateAddresses(store.Ref{Cluster: "c", Namespace: "n", Name: "g"}, "", "shared"); got[0] != other[0] {
		t.Error("a named address depends on the Gateway that uses it")
	}
}
