package config

import (
	"fmt"
	"testing"

	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
	"github.com/spillway-lb/spillway/internal/proxy/balance"
	"github.com/spillway-lb/spillway/internal/proxy/message"
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

// serveOne is what a request does between its head and its connection: frontend to rule to backend service to endpoint.
func serveOne(r *Root, req *message.Request, in *balance.PickInput) bool {
	rule := r.TargetProxy("proxy").Map.Match(req)
	e, err := r.Service(rule.Choose().Service).Pick(in)
	if err != nil {
		return false
	}
	e.Acquire()
	e.Observe(balance.Success, in.Now)
	e.Release()
	return true
}

func routedRoot(t testing.TB, rules int) (*Root, *message.Request, *balance.PickInput) {
	r := apply(t, New(west), manyRules(rules))
	setHealth(r, "all", lbv1.HealthState_HEALTHY, 1, 2, 11, 12)
	path := fmt.Sprintf("/api/%d/x?q=1", rules/2)
	req := &message.Request{Method: []byte("GET"), Authority: []byte("many.example.com"), Path: []byte(path)}
	return r, req, &balance.PickInput{Request: req}
}

// BenchmarkRequest is the routing and balancing of one request.
func BenchmarkRequest(b *testing.B) {
	for _, n := range []int{1, 100, 10000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			r, req, in := routedRoot(b, n)
			b.ReportAllocs()
			for b.Loop() {
				if !serveOne(r, req, in) {
					b.Fatal("no endpoint")
				}
			}
		})
	}
}

func TestRequestAllocatesNothing(t *testing.T) {
	r, req, in := routedRoot(t, 100)
	if n := testing.AllocsPerRun(100, func() { serveOne(r, req, in) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
