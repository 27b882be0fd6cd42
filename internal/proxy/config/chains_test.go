package config

import (
	"errors"
	"slices"
	"strings"
	"testing"

	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
	"github.com/spillway-lb/spillway/internal/proxy/extension"
)

// chainsCalling has a traffic chain that calls a backend service.
func chainsCalling(service string) *extension.Chains {
	return &extension.Chains{Traffic: []extension.Chain{{Extensions: []extension.Extension{{Name: "ext", Service: service}}}}}
}

func providing(service string) extension.Provider {
	return func(string, *lbv1.TargetProxy, extension.Resources) (*extension.Chains, error) {
		return chainsCalling(service), nil
	}
}

// TestCalloutsNeedReferences: a chain calls only what the target proxy's references hold, itself or through others.
func TestCalloutsNeedReferences(t *testing.T) {
	apply(t, NewWith(west, providing("serve404")), upsert(store()...)) // by way of the URL map
	reasons := refused(t, NewWith(west, providing("all")), upsert(store()...))
	if got := reasons["target_proxy proxy"]; len(reasons) != 1 || !strings.Contains(got, `"all"`) {
		t.Errorf("refused: %v", reasons)
	}
}

// TestCalloutServicesStayWhileTheyAreCalled: what a chain calls is in use.
func TestCalloutServicesStayWhileTheyAreCalled(t *testing.T) {
	r := apply(t, NewWith(west, providing("serve404")), upsert(store()...))
	if got := refused(t, r, without(upsert(), "backend_service serve404")); len(got) == 0 {
		t.Error("it was deleted")
	}
}

// TestChangesSpread: a target proxy whose chains are made of another resource is compiled again when that one changes, and
// a change that it cannot be compiled with is refused where it was made.
func TestChangesSpread(t *testing.T) {
	row := kinds[kindURLMap]
	t.Cleanup(func() { kinds[kindURLMap] = row })
	spreading := row
	spreading.spreads = true
	kinds[kindURLMap] = spreading

	asked := 0
	provider := func(_ string, p *lbv1.TargetProxy, r extension.Resources) (*extension.Chains, error) {
		asked++
		if slices.Contains(r.Resource(kindURLMap, p.GetUrlMap()).GetUrlMap().GetListenerHosts(), "bad.example") {
			return nil, errors.New("no chain can be made of it")
		}
		return chainsCalling(""), nil
	}
	r := apply(t, NewWith(west, provider), upsert(store()...))
	before := r.TargetProxy("proxy").Chains
	r = apply(t, r, upsert(abort("serve404", 410)))
	if asked != 1 || r.TargetProxy("proxy").Chains != before {
		t.Errorf("asked %d times before anything spread", asked)
	}
	r = apply(t, r, upsert(urlMap("*", "b.example")))
	if asked != 2 || r.TargetProxy("proxy").Chains == before {
		t.Errorf("asked %d times", asked)
	}
	reasons := refused(t, r, upsert(urlMap("*", "bad.example")))
	if got := reasons["url_map map"]; len(reasons) != 1 || !strings.Contains(got, `target_proxy "proxy"`) {
		t.Errorf("refused: %v", reasons)
	}
}
