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
