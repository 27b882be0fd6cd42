package config

import (
	"errors"
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

// callingStore is store with a traffic extension that calls the backend service "callout".
func callingStore() []*lbv1.Resource {
	proxy := targetProxy("proxy")
	proxy.GetTargetProxy().TrafficExtension = "x"
	list := append(store(), abort("callout", 500), trafficExtension("callout", "first"))
	for i, r := range list {
		if r.GetTargetProxy() != nil {
			list[i] = proxy
		}
	}
	return list
}

func trafficExtension(service, description string) *lbv1.Resource {
	return &lbv1.Resource{Name: "x", Body: &lbv1.Resource_LbTrafficExtension{LbTrafficExtension: &lbv1.LbExtension{
		Description: description,
		Chains: []*lbv1.ExtensionChain{{Name: "chain", Extensions: []*lbv1.Extension{{
			Name: "ext", Target: &lbv1.Extension_BackendService{BackendService: service},
		}}}},
	}}}
}

// TestCalloutsNeedReferences: a chain calls only what the target proxy's references hold, itself or through others.
func TestCalloutsNeedReferences(t *testing.T) {
	apply(t, NewWith(west, providing("callout")), upsert(callingStore()...))
	reasons := refused(t, NewWith(west, providing("all")), upsert(callingStore()...))
	if got := reasons["target_proxy proxy"]; len(reasons) != 1 || !strings.Contains(got, `"all"`) {
		t.Errorf("refused: %v", reasons)
	}
}

// TestCalloutServicesStayWhileTheyAreCalled: what a chain calls is in use, and Quarantine keeps it.
func TestCalloutServicesStayWhileTheyAreCalled(t *testing.T) {
	r := apply(t, NewWith(west, providing("callout")), upsert(callingStore()...))
	if got := refused(t, r, without(upsert(), "backend_service callout"))["backend_service callout"]; !strings.Contains(got, "lb_traffic_extension") {
		t.Errorf("refused: %q", got)
	}
	var q Quarantine
	next, _ := q.Apply(r, without(upsert(), "backend_service callout"))
	if next.ServiceByName("callout") == nil {
		t.Error("the callout's backend service is gone")
	}
}

// TestChangesSpread: a target proxy is compiled again when what its chains are made of changes, and a change that it cannot
// be compiled with is refused where it was made.
func TestChangesSpread(t *testing.T) {
	asked := 0
	provider := func(_ string, p *lbv1.TargetProxy, r extension.Resources) (*extension.Chains, error) {
		asked++
		x := r.Resource(kindTrafficExtension, p.GetTrafficExtension()).GetLbTrafficExtension()
		if x.GetDescription() == "bad" {
			return nil, errors.New("no chain can be made of it")
		}
		return chainsCalling(x.GetChains()[0].GetExtensions()[0].GetBackendService()), nil
	}
	r := apply(t, NewWith(west, provider), upsert(callingStore()...))
	before := r.TargetProxy("proxy").Chains
	r = apply(t, r, upsert(abort("callout", 410), urlMap("*", "b.example")))
	if asked != 1 || r.TargetProxy("proxy").Chains != before {
		t.Errorf("asked %d times before anything spread", asked)
	}
	r = apply(t, r, upsert(trafficExtension("serve404", "second")))
	if asked != 2 || r.TargetProxy("proxy").Chains.Traffic[0].Extensions[0].Service != "serve404" {
		t.Errorf("asked %d times", asked)
	}
	reasons := refused(t, r, upsert(trafficExtension("serve404", "bad")))
	if got := reasons["lb_traffic_extension x"]; len(reasons) != 1 || !strings.Contains(got, `target_proxy "proxy"`) {
		t.Errorf("refused: %v", reasons)
	}
}

// TestNoChainsNoExtensions: a proxy that runs none refuses them.
func TestNoChainsNoExtensions(t *testing.T) {
	if got := refused(t, New(west), upsert(callingStore()...))["lb_traffic_extension x"]; got != errNoExtensions.Error() {
		t.Errorf("refused: %q", got)
	}
}
