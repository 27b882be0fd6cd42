package config

import (
	"testing"

	"google.golang.org/protobuf/proto"

	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
	"github.com/spillway-lb/spillway/internal/proxy/balance"
)

// FuzzApply gives the compiler transactions of any content. It obeys or refuses; what was in force before a refusal stays.
func FuzzApply(f *testing.F) {
	for _, tx := range []*lbv1.Transaction{
		upsert(store()...), upsert(shard("neg-west", 0, 1, 7)), upsert(weights("west", "us-west1", &lbv1.GroupWeight{Group: "neg-west"})),
		without(upsert(rule("h", "0", "/x", "all")), "route_rule map/*/store.example.com/1"),
		upsert(health("us-west1", "west", 1, lbv1.HealthState_HEALTHY), urlMap("*", "b")),
	} {
		data, err := proto.Marshal(tx)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		tx := &lbv1.Transaction{}
		if proto.Unmarshal(data, tx) != nil {
			return
		}
		r := storeRoot(t)
		next, err := r.Apply(tx)
		if err != nil {
			if route(r, "store.example.com", "/west") != "west" {
				t.Error("a refused transaction changed the root")
			}
			return
		}
		next.Frontends()
		next.Services(func(s *balance.Service) bool {
			pick(s)
			return true
		})
	})
}
