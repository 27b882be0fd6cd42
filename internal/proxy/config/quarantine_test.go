package config

import (
	"math/rand"
	"testing"

	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
)

// TestARefusedResourceStopsItsDependantsOnly: a rule that cannot be compiled, and one that names a service which was refused.
func TestARefusedResourceStopsItsDependantsOnly(t *testing.T) {
	var q Quarantine
	root, _ := q.Apply(New(west), upsert(store()...))
	broken := service("broken", "neg-none")
	next, applied := q.Apply(root, upsert(rule("bad.example", "1", "/", "broken"), broken, rule("good.example", "1", "/", "west")))
	if applied == nil || route(next, "good.example", "/") != "west" || route(next, "bad.example", "/") == "broken" {
		t.Fatalf("applied %v", applied)
	}
	if got := q.Refusals(); len(got) != 2 || got[0].Name != "broken" || got[1].Kind != kindRouteRule {
		t.Fatalf("refused %v", got)
	}
	// A resource that is refused stays as it was.
	next, _ = q.Apply(next, upsert(service("west", "neg-none")))
	if route(next, "store.example.com", "/west") != "west" || len(q.Refusals()) != 3 {
		t.Fatalf("refused %v", q.Refusals())
	}
	// What waits is tried again when what it misses comes, and forgotten when it is deleted.
	next, applied = q.Apply(next, upsert(group("neg-none", 0), check("broken")))
	if len(q.Refusals()) != 0 || route(next, "bad.example", "/") != "broken" {
		t.Errorf("applied %v, refused %v", applied, q.Refusals())
	}
}

// TestQuarantineEndsLikeAWholeTransaction: whatever the order in which the resources of a sound model come, one by one, the end is
// the same as if they had come together, and nothing waits.
func TestQuarantineEndsLikeAWholeTransaction(t *testing.T) {
	res := store()
	want := apply(t, New(west), upsert(res...))
	for range 50 {
		rand.Shuffle(len(res), func(i, j int) { res[i], res[j] = res[j], res[i] })
		var q Quarantine
		root := New(west)
		for i, r := range res {
			root, _ = q.Apply(root, &lbv1.Transaction{Seq: uint64(i + 1), Upserts: []*lbv1.Resource{r}})
		}
		if len(q.Refusals()) > 0 || root.entries.Len() != want.entries.Len() || route(root, "store.example.com", "/west/x") != "west" {
			t.Fatalf("refused %v", q.Refusals())
		}
	}
}
