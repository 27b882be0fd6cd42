package view

import (
	"slices"
	"testing"

	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
)

// TestUsersFollowTransactions: who refers to a resource is what the newest transactions say, and endpoints do not count as routing.
func TestUsersFollowTransactions(t *testing.T) {
	m := NewModel()
	service := func(group string) *lbv1.Resource {
		return &lbv1.Resource{Name: "b", Body: &lbv1.Resource_BackendService{BackendService: &lbv1.BackendService{
			HealthCheck: "h", Backends: []*lbv1.Backend{{Group: group}},
		}}}
	}
	rule := &lbv1.Resource{Name: "r", Body: &lbv1.Resource_RouteRule{RouteRule: &lbv1.RouteRule{
		UrlMap: "u", Action: &lbv1.RouteRule_Forward{Forward: &lbv1.Forward{Backends: []*lbv1.WeightedBackend{{BackendService: "b"}}}},
	}}}
	shard := &lbv1.Resource{Name: "g/0", Body: &lbv1.Resource_EndpointShard{EndpointShard: &lbv1.EndpointShard{Group: "g"}}}
	for i, step := range []struct {
		tx      *lbv1.Transaction
		kind    string
		name    string
		users   []string
		routing uint64
	}{
		{&lbv1.Transaction{Upserts: []*lbv1.Resource{service("g"), rule}}, kindGroup, "g", []string{"b"}, 1},
		{&lbv1.Transaction{Upserts: []*lbv1.Resource{shard}}, kindBackendService, "b", []string{"r"}, 1},
		{&lbv1.Transaction{}, kindURLMap, "u", nil, 1}, // a rule is a part of its URL map
		{&lbv1.Transaction{Upserts: []*lbv1.Resource{service("g2")}}, kindGroup, "g", nil, 4},
		{&lbv1.Transaction{Deletes: []*lbv1.ResourceKey{lbv1.KeyOf(shard)}}, kindGroup, "g2", []string{"b"}, 4},
		{&lbv1.Transaction{Deletes: []*lbv1.ResourceKey{lbv1.KeyOf(rule)}}, kindBackendService, "b", nil, 6},
	} {
		step.tx.Seq = uint64(i + 1)
		m.Apply(step.tx)
		var users []string
		for _, r := range m.Users(step.kind, step.name) {
			users = append(users, r.GetName())
		}
		if !slices.Equal(users, step.users) || m.Routing() != step.routing {
			t.Errorf("step %d: %s %s is used by %v, routing %d", i+1, step.kind, step.name, users, m.Routing())
		}
	}
	m.Apply(&lbv1.Transaction{Seq: 7, Deletes: []*lbv1.ResourceKey{lbv1.KeyOf(service("g2"))}})
	if len(m.referrers) != 0 {
		t.Errorf("left over: %v", m.referrers)
	}
}
