package manifests

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"syscall"
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
				start, used := time.Now(), cpuTime(b)
				if d := loader.Load(events, time.Unix(1, 0)); len(d.Problems) > 0 || len(d.Upserts) < n {
					b.Fatal(d.Problems)
				}
				b.ReportMetric(float64(time.Since(start).Microseconds())/float64(n), "us/route")
				b.ReportMetric(float64((cpuTime(b)-used).Microseconds())/float64(n), "cpu-us/route")
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

// cpuTime is what the process has used so far: on a machine with other work, the only figure that means anything.
func cpuTime(b *testing.B) time.Duration {
	b.Helper()
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		b.Fatal(err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

// BenchmarkWatch edits one file among many, and tells how long its delta takes beyond the time that a file must be
// stable.
func BenchmarkWatch(b *testing.B) {
	for _, n := range []int{300, 3000, 30000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			dir := b.TempDir()
			past := time.Now().Add(-time.Hour)
			for i := range n {
				name := filepath.Join(dir, fmt.Sprintf("%06d.yaml", i))
				if err := os.WriteFile(name, []byte(route(i)), 0o644); err != nil {
					b.Fatal(err)
				}
				if err := os.Chtimes(name, past, past); err != nil {
					b.Fatal(err)
				}
			}
			start := time.Now()
			watcher, first, err := Open(dir, "")
			if err != nil || len(first.Upserts) < n {
				b.Fatal(len(first.Upserts), err)
			}
			b.ReportMetric(time.Since(start).Seconds(), "open-s")
			ctx, cancel := context.WithCancel(context.Background())
			defer cancel()
			go watcher.Run(ctx)
			var beyond []time.Duration
			for i := 0; b.Loop(); i++ {
				text := route(7) + fmt.Sprintf("      weight: %d\n", 2+i)
				start := time.Now()
				if err := os.WriteFile(filepath.Join(dir, "000007.yaml"), []byte(text), 0o644); err != nil {
					b.Fatal(err)
				}
				<-watcher.Deltas()
				beyond = append(beyond, time.Since(start)-SettleTime)
			}
			slices.Sort(beyond)
			b.ReportMetric(float64(beyond[len(beyond)/2].Microseconds()), "p50-us-beyond")
			b.ReportMetric(float64(beyond[len(beyond)*99/100].Microseconds()), "p99-us-beyond")
		})
	}
}
