package translate_test

import (
	"fmt"
	"runtime"
	"testing"

	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/spillway-lb/spillway/internal/recompute"
	"github.com/spillway-lb/spillway/internal/store"
	"github.com/spillway-lb/spillway/internal/translate"
)

// shapes are how routes spread over hosts.
func shapes() map[string]func(i int) []gatewayv1.Hostname {
	return map[string]func(i int) []gatewayv1.Hostname{
		"1000hosts": func(i int) []gatewayv1.Hostname {
			return []gatewayv1.Hostname{gatewayv1.Hostname(fmt.Sprintf("h%d.example.com", i%1000))}
		},
		"1host":  func(int) []gatewayv1.Hostname { return []gatewayv1.Hostname{"www.example.com"} },
		"nohost": func(int) []gatewayv1.Hostname { return nil },
	}
}

const (
	benchServices = 100
	benchClass    = "gke-l7-global-external-managed"
)

func benchRoute(i int, hosts []gatewayv1.Hostname, shift int) *gatewayv1.HTTPRoute {
	name := func(j int) string { return fmt.Sprintf("svc-%d", (i+j+shift)%benchServices) }
	return route(fmt.Sprintf("r%05d", i), hosts, name(0), name(1), name(2))
}

func loadRoutes(b *testing.B, w *world, routes int, hosts func(int) []gatewayv1.Hostname) recompute.Round {
	b.Helper()
	return w.commit(b, func(tx *store.Tx) {
		tx.Put("c", cluster("c", "us-west1"), "")
		tx.Put("c", gatewayOf(benchClass, httpListener("http", "", 80)), "")
		for i := range benchServices {
			tx.Put("c", service("store", fmt.Sprintf("svc-%d", i), 80), "")
		}
		for i := range routes {
			tx.Put("c", benchRoute(i, hosts(i), 0), "")
		}
	})
}

// BenchmarkEdit is one route's edit through store, recompute and the check of what is published: it must not depend on
// how many other routes the Gateway has.
func BenchmarkEdit(b *testing.B) {
	for name, hosts := range shapes() {
		for _, routes := range []int{300, 3000, 30000} {
			b.Run(fmt.Sprintf("%s/%d", name, routes), func(b *testing.B) {
				w := newWorld()
				loadRoutes(b, w, routes, hosts)
				i := 0
				for b.Loop() {
					i++
					r := benchRoute(routes/2, hosts(routes/2), i)
					round := w.commit(b, func(tx *store.Tx) { tx.Put("c", r, "") })
					if n := len(round.Tx.GetUpserts()); n != 3 {
						b.Fatalf("%d upserts", n)
					}
				}
			})
		}
	}
}

// BenchmarkLoad is the first round of a Gateway with three rules a route.
func BenchmarkLoad(b *testing.B) {
	for _, routes := range []int{300, 3000, 30000} {
		b.Run(fmt.Sprint(routes), func(b *testing.B) {
			var before, after runtime.MemStats
			for b.Loop() {
				runtime.GC()
				runtime.ReadMemStats(&before)
				w := newWorld()
				loadRoutes(b, w, routes, shapes()["1000hosts"])
				b.StopTimer()
				runtime.GC()
				runtime.ReadMemStats(&after)
				b.ReportMetric(float64(after.HeapAlloc-before.HeapAlloc)/float64(routes), "B/route")
				if got := len(w.engine.Resources()); got < 3*routes {
					b.Fatal(got)
				}
				b.StartTimer()
			}
		})
	}
}

// BenchmarkPublisher is the compiler's share of an edit.
func BenchmarkPublisher(b *testing.B) {
	for _, routes := range []int{300, 30000} {
		b.Run(fmt.Sprint(routes), func(b *testing.B) {
			w, p := newWorld(), translate.NewPublisher()
			if _, refusals := p.Check(loadRoutes(b, w, routes, shapes()["nohost"]).Tx); len(refusals) > 0 {
				b.Fatal(refusals)
			}
			i := 0
			for b.Loop() {
				i++
				r := benchRoute(routes/2, nil, i)
				round := w.commit(b, func(tx *store.Tx) { tx.Put("c", r, "") })
				if _, refusals := p.Check(round.Tx); len(refusals) > 0 {
					b.Fatal(refusals)
				}
			}
		})
	}
}
