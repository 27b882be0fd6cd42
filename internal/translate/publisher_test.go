package translate_test

import (
	"testing"

	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
	"github.com/spillway-lb/spillway/internal/translate"
)

func backendService(name, check string) *lbv1.Resource {
	return &lbv1.Resource{Name: name, Body: &lbv1.Resource_BackendService{BackendService: &lbv1.BackendService{HealthCheck: check}}}
}

func healthCheck(name string) *lbv1.Resource {
	return &lbv1.Resource{Name: name, Body: &lbv1.Resource_HealthCheck{HealthCheck: &lbv1.HealthCheck{Type: lbv1.HealthCheck_TCP}}}
}

func names(tx *lbv1.Transaction) (upserts, deletes []string) {
	for _, r := range tx.GetUpserts() {
		upserts = append(upserts, r.GetName())
	}
	for _, k := range tx.GetDeletes() {
		deletes = append(deletes, k.GetName())
	}
	return upserts, deletes
}

func TestThePublisherWithholdsWhatAProxyWouldRefuse(t *testing.T) {
	p := translate.NewPublisher()
	tx, refusals := p.Check(&lbv1.Transaction{Seq: 1, Upserts: []*lbv1.Resource{
		backendService("good", "check"), backendService("dangling", "nothing"), healthCheck("check"),
	}})
	if upserts, _ := names(tx); len(upserts) != 2 || tx.GetSeq() != 1 || len(refusals) != 1 || refusals[0].Name != "dangling" {
		t.Fatalf("published %v, refused %v", upserts, refusals)
	}
	// A delete of what is in use waits, and what waited goes out once it can.
	tx, refusals = p.Check(&lbv1.Transaction{
		Seq: 2, Upserts: []*lbv1.Resource{healthCheck("nothing")}, Deletes: []*lbv1.ResourceKey{{Kind: "health_check", Name: "check"}},
	})
	upserts, deletes := names(tx)
	if len(upserts) != 2 || len(deletes) != 0 || len(refusals) != 1 || refusals[0].Name != "check" {
		t.Fatalf("published %v, deleted %v, refused %v", upserts, deletes, refusals)
	}
	tx, refusals = p.Check(&lbv1.Transaction{Seq: 3, Deletes: []*lbv1.ResourceKey{{Kind: "backend_service", Name: "good"}}})
	if _, deletes = names(tx); len(deletes) != 2 || len(refusals) != 0 {
		t.Fatalf("deleted %v, refused %v", deletes, refusals)
	}
	if tx, refusals = p.Check(nil); tx != nil || refusals != nil {
		t.Errorf("nothing became %v, %v", tx, refusals)
	}
}

// TestADeletedBackendOfAHeldRuleAnswers500: the rule stays as it was published, and names it.
func TestADeletedBackendOfAHeldRuleAnswers500(t *testing.T) {
	p := translate.NewPublisher()
	rule := &lbv1.Resource{Name: "map/*/*/1", Body: &lbv1.Resource_RouteRule{RouteRule: &lbv1.RouteRule{
		UrlMap: "map", ListenerHost: "*", Host: "*", Precedence: "1", Match: &lbv1.RouteMatch{Path: &lbv1.RouteMatch_Prefix{Prefix: "/"}},
		Action: &lbv1.RouteRule_Forward{Forward: &lbv1.Forward{Backends: []*lbv1.WeightedBackend{{BackendService: "store", Weight: 1}}}},
	}}}
	urlMap := &lbv1.UrlMap{DefaultService: "default", ListenerHosts: []string{"*"}}
	publish := func(tx *lbv1.Transaction) *lbv1.Transaction {
		t.Helper()
		out, refusals := p.Check(tx)
		if len(refusals) > 0 {
			t.Fatalf("refused %v", refusals)
		}
		return out
	}
	publish(&lbv1.Transaction{Seq: 1, Upserts: []*lbv1.Resource{
		{Name: "map", Body: &lbv1.Resource_UrlMap{UrlMap: urlMap}},
		backendService("default", "other"), healthCheck("other"),
		backendService("store", "check"), healthCheck("check"), rule,
	}})
	gone := &lbv1.Transaction{Seq: 2, Deletes: []*lbv1.ResourceKey{
		{Kind: "backend_service", Name: "store"}, {Kind: "health_check", Name: "check"},
	}}
	tx := publish(gone)
	upserts, deletes := names(tx)
	if len(upserts) != 1 || tx.GetUpserts()[0].GetBackendService().GetAbortStatus() != 500 || len(deletes) != 1 {
		t.Fatalf("published %v, deleted %v", upserts, deletes)
	}
	if upserts, _ := names(publish(&lbv1.Transaction{Seq: 3, Upserts: []*lbv1.Resource{healthCheck("third")}})); len(upserts) != 1 {
		t.Errorf("what was left behind is published again: %v", upserts)
	}
	if _, deletes := names(publish(&lbv1.Transaction{Seq: 4, Deletes: []*lbv1.ResourceKey{{Kind: "route_rule", Name: "map/*/*/1"}}})); len(deletes) != 2 {
		t.Errorf("deleted %v", deletes)
	}
}
