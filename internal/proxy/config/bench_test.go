package config

import (
	"fmt"
	"testing"

	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
)

// manyRules is the store with n more rules on one host.
func manyRules(n int) *lbv1.Transaction {
	tx := upsert(store()...)
	for i := range n {
		tx.Upserts = append(tx.Upserts, rule("many.example.com", fmt.Sprintf("%06d", i), fmt.Sprintf("/api/%d", i), "all"))
	}
	return tx
}

// BenchmarkApply changes one resource of a load balancer with n rules on one host.
func BenchmarkApply(b *testing.B) {
	for _, n := range []int{300, 3000, 30000} {
		r := apply(b, New(west), manyRules(n))
		for _, c := range []struct {
			name string
			make func(i int) *lbv1.Resource
		}{
			{"rule", func(i int) *lbv1.Resource {
				return rule("many.example.com", fmt.Sprintf("%06d", n/2), fmt.Sprintf("/new/%d", i), "west")
			}},
			{"shard", func(i int) *lbv1.Resource { return shard("neg-west", 0, 1, 2+i%200) }},
			{"service", func(i int) *lbv1.Resource { return abort("serve404", uint32(404+i%2)) }},
		} {
			b.Run(fmt.Sprintf("%s/%d", c.name, n), func(b *testing.B) {
				b.ReportAllocs()
				for i := 0; b.Loop(); i++ {
					r = apply(b, r, upsert(c.make(i)))
				}
			})
		}
	}
}

func BenchmarkLoad(b *testing.B) {
	tx := manyRules(30000)
	b.ReportAllocs()
	for b.Loop() {
		apply(b, New(west), tx)
	}
}

// BenchmarkRoute is what a request does with its root before it has an endpoint.
func BenchmarkRoute(b *testing.B) {
	r := apply(b, New(west), manyRules(10000))
	b.ReportAllocs()
	for b.Loop() {
		route(r, "many.example.com", "/api/5000/x")
	}
}
