package scope_test

import (
	"slices"
	"testing"

	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
	"github.com/spillway-lb/spillway/internal/scope"
)

func TestAScopeIsReadBack(t *testing.T) {
	for _, s := range []scope.Scope{
		{Cluster: "west", Scheme: lbv1.LoadBalancingScheme_EXTERNAL_MANAGED},
		{Cluster: "west", Multi: true, Scheme: lbv1.LoadBalancingScheme_INTERNAL_MANAGED, Region: "us|x", Client: "store/web"},
	} {
		if got, ok := scope.Parse(s.String()); !ok || got != s {
			t.Errorf("%+v became %+v, %v", s, got, ok)
		}
	}
	for _, text := range []string{"", "west", "west||NO_SCHEME||", "west||EXTERNAL|||"} {
		if _, ok := scope.Parse(text); ok {
			t.Errorf("%q is a scope", text)
		}
	}
}

func TestHomeComesFirst(t *testing.T) {
	regions := []string{"us-east1", "us-west1"}
	global, regional := scope.Scope{Cluster: "west"}, scope.Scope{Cluster: "west", Region: "us-east1"}
	for _, c := range []struct {
		scope     scope.Scope
		preferred string
		want      []string
	}{
		{global, "", []string{"us-west1", "us-east1"}},
		{global, "us-east1", []string{"us-east1", "us-west1"}},
		{global, "asia-east1", []string{"asia-east1", "us-east1", "us-west1"}},
		{regional, "us-west1", []string{"us-east1"}},
	} {
		if got := c.scope.Locations(c.preferred, "us-west1", regions); !slices.Equal(got, c.want) {
			t.Errorf("%+v from %q: %v, want %v", c.scope, c.preferred, got, c.want)
		}
	}
}
