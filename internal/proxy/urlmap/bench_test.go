package urlmap

import (
	"fmt"
	"testing"

	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
	"github.com/spillway-lb/spillway/internal/proxy/message"
)

// shapes are the ways in which the rules of one host differ, each with a request for the i-th.
var shapes = []struct {
	name    string
	match   func(i int) *lbv1.RouteMatch
	request func(i int) *message.Request
}{
	{
		"exact",
		func(i int) *lbv1.RouteMatch { return exact(fmt.Sprintf("/api/v1/things/%d/detail", i)) },
		func(i int) *message.Request {
			return request(fmt.Sprintf("www.example.com/api/v1/things/%d/detail?x=1", i))
		},
	},
	{
		"prefix",
		func(i int) *lbv1.RouteMatch { return prefix(fmt.Sprintf("/api/v1/things/%d", i)) },
		func(i int) *message.Request { return request(fmt.Sprintf("www.example.com/api/v1/things/%d/a/b/c", i)) },
	},
	{
		"header",
		func(i int) *lbv1.RouteMatch {
			return &lbv1.RouteMatch{Headers: []*lbv1.ValueMatch{valueIs("x-tenant", fmt.Sprint("tenant-", i)), valueIs("env", "canary")}}
		},
		func(i int) *message.Request {
			return request("www.example.com/api", "accept: */*", "user-agent: curl/8", "env: canary", fmt.Sprint("x-tenant: tenant-", i))
		},
	},
	{
		"regex",
		func(i int) *lbv1.RouteMatch { return regex(fmt.Sprintf("/api/v1/things/%d/[a-z]+", i)) },
		func(i int) *message.Request { return request(fmt.Sprintf("www.example.com/api/v1/things/%d/abc", i)) },
	},
}

func manyRules(b testing.TB, n int, match func(int) *lbv1.RouteMatch) *Map {
	e := New().Edit()
	e.SetListeners([]string{"*"})
	for i := range n {
		e.Put(compiled(b, spec("*", "www.example.com", fmt.Sprintf("%06d", i), match(i))))
	}
	return e.Commit()
}

func BenchmarkMatch(b *testing.B) {
	for _, s := range shapes {
		for _, n := range []int{1, 100, 10000} {
			b.Run(fmt.Sprintf("%s/%d", s.name, n), func(b *testing.B) {
				m := manyRules(b, n, s.match)
				var requests []*message.Request
				for i := range min(n, 64) {
					requests = append(requests, s.request(i*(n/min(n, 64))))
				}
				b.ReportAllocs()
				for i := 0; b.Loop(); i++ {
					if m.Match(requests[i%len(requests)]) == nil {
						b.Fatal("no rule")
					}
				}
			})
		}
	}
}

// BenchmarkEdit replaces one rule of many.
func BenchmarkEdit(b *testing.B) {
	for _, s := range shapes[:3] {
		for _, n := range []int{100, 30000} {
			b.Run(fmt.Sprintf("%s/%d", s.name, n), func(b *testing.B) {
				m := manyRules(b, n, s.match)
				r := m.Match(s.request(n / 2))
				for b.Loop() {
					e := m.Edit()
					e.Delete(r)
					e.Put(r)
					m = e.Commit()
				}
			})
		}
	}
}

func TestMatchAllocatesNothing(t *testing.T) {
	for _, s := range shapes {
		m := manyRules(t, 100, s.match)
		req := s.request(50)
		if n := testing.AllocsPerRun(100, func() { m.Match(req) }); n != 0 {
			t.Errorf("%s: %v allocations", s.name, n)
		}
	}
}
