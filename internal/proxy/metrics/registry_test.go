package metrics

import (
	"fmt"
	"math"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
)

func expect(t *testing.T, r *Registry, name, want string) {
	t.Helper()
	if err := testutil.CollectAndCompare(r, strings.NewReader(want), name); err != nil {
		t.Error(err)
	}
}

func TestRequestsAreCountedByRouteAndClass(t *testing.T) {
	r := New(Options{Shards: 4})
	var wait sync.WaitGroup
	for range 8 {
		wait.Go(func() {
			s := r.Shard()
			for i := range 100 {
				s.Request(s.Route("bs", "ns/a"), &Sample{Status: 200, Total: time.Millisecond, Backend: time.Millisecond})
				if i%10 == 0 {
					s.Request(s.Route("bs", "ns/b"), &Sample{Status: 503, Total: time.Millisecond})
				}
			}
		})
	}
	wait.Wait()
	expect(t, r, "spillway_requests_total", `
# HELP spillway_requests_total Finished requests.
# TYPE spillway_requests_total counter
spillway_requests_total{backend_service="bs",response_code_class="2xx",route="ns/a"} 800
spillway_requests_total{backend_service="bs",response_code_class="5xx",route="ns/b"} 80
`)
	totals := r.Service("bs").totals()
	if totals.total.count != 880 || totals.backend.count != 800 {
		t.Errorf("%d total, %d backend observations", totals.total.count, totals.backend.count)
	}
}

func TestActiveRequests(t *testing.T) {
	r := New(Options{})
	s := r.Shard()
	v := r.Service("bs")
	s.Begin(v)
	s.Begin(v)
	s.End(v)
	expect(t, r, "spillway_backend_active_requests", `
# HELP spillway_backend_active_requests Attempts in progress at a backend service.
# TYPE spillway_backend_active_requests gauge
spillway_backend_active_requests{backend_service="bs"} 1
`)
}

func TestLabelsAreBounded(t *testing.T) {
	r := New(Options{MaxRoutes: 2, MaxServices: 2, MaxReasons: 1})
	s := r.Shard()
	for _, route := range []string{"a", "b", "c", "d", "a"} {
		s.Request(s.Route("bs-"+route, route), &Sample{Status: 204})
	}
	expect(t, r, "spillway_requests_total", `
# HELP spillway_requests_total Finished requests.
# TYPE spillway_requests_total counter
spillway_requests_total{backend_service="(other)",response_code_class="2xx",route="(other)"} 2
spillway_requests_total{backend_service="bs-a",response_code_class="2xx",route="a"} 2
spillway_requests_total{backend_service="bs-b",response_code_class="2xx",route="b"} 1
`)
	r.Refused.Inc("x")
	r.Refused.Inc("y")
	r.Refused.Inc("z")
	expect(t, r, "spillway_refused_requests_total", `
# HELP spillway_refused_requests_total Requests answered by the proxy without routing.
# TYPE spillway_refused_requests_total counter
spillway_refused_requests_total{reason="(other)"} 2
spillway_refused_requests_total{reason="x"} 1
`)
}

func TestSweepForgets(t *testing.T) {
	r := New(Options{MaxRoutes: 2})
	s := r.Shard()
	for _, route := range []string{"a", "b"} {
		s.Request(s.Route("bs", route), &Sample{Status: 200})
	}
	all, none := func(string) bool { return true }, func(string) bool { return false }
	r.Sweep(Names{Service: all, Route: func(route string) bool { return route == "a" }, Frontend: all})
	s.Request(s.Route("bs", "b"), &Sample{Status: 200})
	s.Request(s.Route("bs", "c"), &Sample{Status: 200})
	expect(t, r, "spillway_requests_total", `
# HELP spillway_requests_total Finished requests.
# TYPE spillway_requests_total counter
spillway_requests_total{backend_service="(other)",response_code_class="2xx",route="(other)"} 1
spillway_requests_total{backend_service="bs",response_code_class="2xx",route="a"} 1
spillway_requests_total{backend_service="bs",response_code_class="2xx",route="b"} 1
`)
	r.Frontend("fr")
	r.Sweep(Names{Service: none, Route: all, Frontend: none})
	if r.FindService("bs") != nil || r.frontends.size != 0 || r.routes.size != 1 {
		t.Errorf("still there: %d services, %d frontends, %d routes", r.services.size, r.frontends.size, r.routes.size)
	}
}

// TestSweepKeepsUpWithChurn: names that come and go never use up the bounds.
func TestSweepKeepsUpWithChurn(t *testing.T) {
	r := New(Options{MaxServices: 3, MaxRoutes: 4})
	s := r.Shard()
	for i := range 100 {
		service := fmt.Sprint("bs", i)
		s.Request(s.Route(service, ""), &Sample{Status: 404}) // a default backend service has no route
		s.Request(s.Route(service, "ns/a"), &Sample{Status: 200})
		is := func(name string) bool { return name == service || name == "ns/a" }
		r.Sweep(Names{Service: is, Route: is, Frontend: is})
	}
	if r.services.size != 1 || r.routes.size != 2 || r.FindService("bs99") == nil {
		t.Errorf("%d services, %d routes", r.services.size, r.routes.size)
	}
}

func TestEverythingCollectsInOneRegistry(t *testing.T) {
	r := New(Options{})
	f := r.Frontend("10.0.0.1:443")
	f.Accepted.Inc()
	f.Connections.Inc()
	f.Connections.Dec()
	r.Service("bs").Connects.Inc()
	r.Floods.Inc("rapid_reset")
	r.Limits.Inc("header_timeout")
	r.AddSource(Source{Name: "access_log_dropped_total", Help: "Lines dropped.", Read: func() float64 { return 3 }})
	s := r.Shard()
	s.Request(s.Route("bs", "a"), &Sample{Status: 200, Total: time.Second, Backend: time.Second})
	outer := prometheus.NewPedanticRegistry()
	if err := outer.Register(r); err != nil {
		t.Fatal(err)
	}
	families, err := outer.Gather()
	if err != nil {
		t.Fatal(err)
	}
	if len(families) < 25 {
		t.Errorf("%d families", len(families))
	}
	if problems, err := testutil.GatherAndLint(outer); err != nil || len(problems) > 0 {
		t.Errorf("%v, %v", problems, err)
	}
}

func TestBucketsAreContiguousAndNarrow(t *testing.T) {
	previous := 0
	for us := uint64(0); us < 1<<20; us++ {
		i := bucketOf(us)
		if i != previous && i != previous+1 {
			t.Fatalf("%d us: bucket %d after %d", us, i, previous)
		}
		if us >= upperBound(i) || i > 0 && us < upperBound(i-1) {
			t.Fatalf("%d us is not in bucket %d [%d, %d)", us, i, upperBound(i-1), upperBound(i))
		}
		previous = i
	}
	if bucketOf(1<<maxOctave) != numBuckets-1 || bucketOf(math.MaxUint64) != numBuckets-1 {
		t.Error("the last bucket does not take the rest")
	}
	if bucketOf(1<<maxOctave-1) != numBuckets-2 {
		t.Error("a bucket is wasted")
	}
}

func TestHistogramExport(t *testing.T) {
	var h histogram
	for _, d := range []time.Duration{-time.Second, 10 * time.Microsecond, time.Millisecond, time.Hour} {
		h.observe(d)
	}
	var d distribution
	d.add(&h)
	buckets := d.cumulative()
	if d.count != 4 || buckets[64e-6] != 2 || buckets[float64(1<<maxOctave)/1e6] != 3 {
		t.Errorf("count %d, buckets %v", d.count, buckets)
	}
}

func TestCountingAllocatesNothing(t *testing.T) {
	r := New(Options{})
	s := r.Shard()
	m := &Sample{Status: 200, Total: time.Millisecond, Backend: time.Millisecond}
	if n := testing.AllocsPerRun(100, func() { s.Request(s.Route("bs", "a"), m) }); n > 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkRequest(b *testing.B) {
	r := New(Options{})
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		s := r.Shard()
		m := &Sample{Status: 200, Total: time.Millisecond, Backend: time.Millisecond, ResponseBytes: 100}
		for pb.Next() {
			s.Request(s.Route("bs", "a"), m)
		}
	})
}
