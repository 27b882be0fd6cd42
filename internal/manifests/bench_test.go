package manifests

import (
	"fmt"
	"runtime"
	"testing"
	"time"
)

// route is an HTTPRoute of three rules, much as the tutorials have them.
func route(i int) string {
	return fmt.Sprintf(`apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata:
  name: route-%d
  namespace: store
  labels:
    gateway: external-http
spec:
  parentRefs:
  - name: external-http
  hostnames:
  - host-%d.example.com
  rules:
  - matches:
    - path:
        type: PathPrefix
        value: /west
    backendRefs:
    - group: net.gke.io
      kind: ServiceImport
      name: store-west-1
      port: 8080
  - matches:
    - path:
        type: PathPrefix
        value: /east
    backendRefs:
    - group: net.gke.io
      kind: ServiceImport
      name: store-east-1
      port: 8080
  - backendRefs:
    - group: net.gke.io
      kind: ServiceImport
      name: store
      port: 8080
`, i, i%1000)
}

func routeEvents(n int) []Event {
	events := make([]Event, n)
	for i := range events {
		events[i] = Event{Path: fmt.Sprintf("routes/%06d.yaml", i), Data: []byte(route(i)), ModTime: time.Unix(1, 0)}
	}
	return events
}

// BenchmarkLoad loads routes, one a file, into an empty loader, and tells the time and memory of each.
func BenchmarkLoad(b *testing.B) {
	for _, n := range []int{300, 3000, 30000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			events := routeEvents(n)
			var before, after runtime.MemStats
			for b.Loop() {
				loader := NewLoader()
				runtime.GC()
				runtime.ReadMemStats(&before)
				start := time.Now()
				if d := loader.Load(events, time.Unix(1, 0)); len(d.Problems) > 0 || len(d.Upserts) < n {
					b.Fatal(d.Problems)
				}
				b.ReportMetric(float64(time.Since(start).Microseconds())/float64(n), "us/route")
				runtime.GC()
				runtime.ReadMemStats(&after)
				b.ReportMetric(float64(after.HeapAlloc-before.HeapAlloc)/float64(n), "heap-B/route")
				runtime.KeepAlive(loader)
			}
		})
	}
}

// BenchmarkEdit changes one route among many.
func BenchmarkEdit(b *testing.B) {
	for _, n := range []int{300, 30000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			loader := NewLoader()
			loader.Load(routeEvents(n), time.Unix(1, 0))
			i := 0
			b.ReportAllocs()
			for b.Loop() {
				i++
				text := route(7) + fmt.Sprintf("      weight: %d\n", 1+i%1000)
				d := loader.Load([]Event{{Path: "routes/000007.yaml", Data: []byte(text), ModTime: time.Unix(1, 0)}}, time.Unix(1, 0))
				if len(d.Upserts) != 1 {
					b.Fatal(d)
				}
			}
		})
	}
}
