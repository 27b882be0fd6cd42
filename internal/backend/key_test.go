package backend

import (
	"testing"

	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
	"github.com/spillway-lb/spillway/internal/scope"
)

func TestKeysAreReadBack(t *testing.T) {
	for _, k := range []Key{
		{Scope: scope.Scope{Cluster: "c", Scheme: lbv1.LoadBalancingScheme_EXTERNAL_MANAGED}, Namespace: "n", Name: "s", Port: 80},
		{Scope: scope.Scope{Cluster: "c", Scheme: lbv1.LoadBalancingScheme_EXTERNAL}, Namespace: "n", Name: "s", Port: 80, Ingress: true, Naming: GroupNames},
		{
			Scope: scope.Scope{
				Cluster: "gke-west-1", Multi: true, Scheme: lbv1.LoadBalancingScheme_INTERNAL_MANAGED, Region: "us-west1", Client: "n/g",
			},
			Imported: true, Namespace: "n", Name: "s|80|grpc", Port: 65535, GRPC: true, Naming: GroupNames,
		},
	} {
		if got, ok := ParseKey(k.String()); !ok || got != k {
			t.Errorf("%q is read back as %+v", k.String(), got)
		}
	}
	if _, ok := ParseKey("c|mc|EXTERNAL"); ok {
		t.Error("half a key is read")
	}
}
