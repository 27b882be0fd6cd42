package controller

import (
	"testing"

	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
	"github.com/spillway-lb/spillway/internal/view"
)

// TestReach: a backend service is reached by a rule, as a default, as a mirror and as a callout, if a forwarding rule is at the end.
func TestReach(t *testing.T) {
	m := view.NewModel()
	m.Apply(&lbv1.Transaction{Seq: 1, Upserts: []*lbv1.Resource{
		{Name: "f", Body: &lbv1.Resource_ForwardingRule{ForwardingRule: &lbv1.ForwardingRule{TargetProxy: "t"}}},
		{Name: "t", Body: &lbv1.Resource_TargetProxy{TargetProxy: &lbv1.TargetProxy{UrlMap: "u", TrafficExtension: "x"}}},
		{Name: "u", Body: &lbv1.Resource_UrlMap{UrlMap: &lbv1.UrlMap{DefaultService: "default"}}},
		rule("r1", "u", "forward", "mirror"),
		{Name: "t2", Body: &lbv1.Resource_TargetProxy{TargetProxy: &lbv1.TargetProxy{UrlMap: "u2"}}}, // nothing forwards to it
		{Name: "u2", Body: &lbv1.Resource_UrlMap{UrlMap: &lbv1.UrlMap{DefaultService: "idle"}}},
		rule("r2", "u2", "idle", "idle"),
		rule("r3", "gone", "stray", "stray"),
		{Name: "x", Body: &lbv1.Resource_LbTrafficExtension{LbTrafficExtension: &lbv1.LbExtension{Chains: []*lbv1.ExtensionChain{{
			Extensions: []*lbv1.Extension{{Target: &lbv1.Extension_BackendService{BackendService: "callout"}}},
		}}}}},
	}})
	r := newReach(m)
	if !r.moved() || r.moved() {
		t.Error("the first look is not the only one that anything moved before")
	}
	for service, want := range map[string]bool{
		"default": true, "forward": true, "mirror": true, "callout": true, "idle": false, "stray": false, "": false,
	} {
		if got := r.reaches(service); got != want {
			t.Errorf("%q is reached: %t", service, got)
		}
	}
	m.Apply(&lbv1.Transaction{Seq: 2, Upserts: []*lbv1.Resource{
		{Name: "f2", Body: &lbv1.Resource_ForwardingRule{ForwardingRule: &lbv1.ForwardingRule{TargetProxy: "t2"}}},
	}})
	if !r.moved() || !r.reaches("idle") {
		t.Error("a new forwarding rule leads nowhere")
	}
}

func rule(name, urlMap, forward, mirror string) *lbv1.Resource {
	return &lbv1.Resource{Name: name, Body: &lbv1.Resource_RouteRule{RouteRule: &lbv1.RouteRule{
		UrlMap: urlMap, Mirrors: []*lbv1.Mirror{{BackendService: mirror}},
		Action: &lbv1.RouteRule_Forward{Forward: &lbv1.Forward{Backends: []*lbv1.WeightedBackend{{BackendService: forward}}}},
	}}}
}
