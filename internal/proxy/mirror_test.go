package proxy_test

import (
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"runtime"
	"strings"
	"testing"

	dto "github.com/prometheus/client_model/go"

	"github.com/prometheus/client_golang/prometheus"

	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
)

// mirrorRig has a backend that answers when it has read the request, and one mirror.
func mirrorRig(t *testing.T, mirror string) *rig {
	main := httpBackend(t, func(w http.ResponseWriter, q *http.Request) {
		body, _ := io.ReadAll(q.Body)
		_, _ = w.Write(body)
	})
	return newRig(t, []string{main}, func(m *model) {
		m.addService("mirror", []string{mirror})
		m.route.Mirrors = []*lbv1.Mirror{{BackendService: "mirror"}}
	})
}

// counter is the sum of a metric's series.
func counter(t *testing.T, from prometheus.Collector, name string) float64 {
	t.Helper()
	registry := prometheus.NewPedanticRegistry()
	if err := registry.Register(from); err != nil {
		t.Fatal(err)
	}
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	sum := 0.0
	for _, f := range families {
		if f.GetName() == name && f.GetType() == dto.MetricType_COUNTER {
			for _, m := range f.GetMetric() {
				sum += m.GetCounter().GetValue()
			}
		}
	}
	return sum
}

// TestMirrorsOfBodiesThatComeLate: a body behind its head, or in pieces, is copied up to a bound; past that the copy is
// dropped, and counted. The request itself never notices.
func TestMirrorsOfBodiesThatComeLate(t *testing.T) {
	copies := make(chan string, 10)
	mirror := httpBackend(t, func(_ http.ResponseWriter, q *http.Request) {
		body, err := io.ReadAll(q.Body)
		if err != nil {
			t.Error(err)
		}
		copies <- string(body)
	})
	r := mirrorRig(t, mirror)
	c := r.dial()
	c.say("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n")
	eventually(t, "the head is on its way", func() bool { return counter(t, r.Metrics(), "spillway_backend_connects_total") >= 1 })
	c.say("0123456789")
	if res, body := c.answer(t, "POST"); res.StatusCode != 200 || body != "0123456789" {
		t.Fatalf("%v %q", res, body)
	}
	if got := <-copies; got != "0123456789" {
		t.Errorf("mirror got %q", got)
	}
	c.say("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n")
	c.say("5\r\nworld\r\n0\r\n\r\n")
	if res, body := c.answer(t, "POST"); res.StatusCode != 200 || body != "helloworld" {
		t.Fatalf("%v %q", res, body)
	}
	if got := <-copies; got != "helloworld" {
		t.Errorf("mirror got %q", got)
	}
	big := strings.Repeat("x", 60<<10)
	for _, tt := range []struct {
		body     string
		mirrored bool
	}{{big, true}, {big + big, false}} {
		failures := counter(t, r.Metrics(), "spillway_backend_mirror_failures_total")
		res, err := http.Post("http://"+r.addr+"/", "text/plain", bytes.NewReader([]byte(tt.body)))
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(res.Body)
		_ = res.Body.Close()
		if err != nil || string(body) != tt.body {
			t.Fatalf("%d bytes, %v", len(body), err)
		}
		if tt.mirrored {
			if got := <-copies; got != tt.body {
				t.Errorf("mirror got %d bytes", len(got))
			}
			continue
		}
		eventually(t, "the drop is counted", func() bool {
			return counter(t, r.Metrics(), "spillway_backend_mirror_failures_total") == failures+1
		})
	}
}

// TestMirrorsEndWithTheirProxy: copies that wait for an answer that never comes do not outlive the proxy, nor hold up its
// end.
func TestMirrorsEndWithTheirProxy(t *testing.T) {
	before := runtime.NumGoroutine()
	t.Run("life", func(t *testing.T) {
		held := rawBackend(t, func(c *rawConn) {
			_ = c.head()
			c.gone()
		})
		r := mirrorRig(t, held)
		c := r.dial()
		for range 30 {
			c.say("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
			if res, _ := c.answer(t, "GET"); res.StatusCode != 200 {
				t.Fatal(res.Status)
			}
		}
		eventually(t, "copies are under way", func() bool { return counter(t, r.Metrics(), "spillway_backend_mirrored_total") == 30 })
		_ = c.Close()
		_ = r.Close()
	})
	eventually(t, "all goroutines have ended", func() bool { return runtime.NumGoroutine() <= before+2 })
}

// TestDrainLetsMirrorsEnd: a copy whose answer is awaited gets the drain's time, as a request does, and no more.
func TestDrainLetsMirrorsEnd(t *testing.T) {
	for name, given := range map[string]bool{"in time": true, "too late": false} {
		t.Run(name, func(t *testing.T) {
			reached, release := make(chan struct{}), make(chan struct{})
			r := mirrorRig(t, rawBackend(t, func(c *rawConn) {
				_ = c.head()
				close(reached)
				<-release
				c.say("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
				c.gone()
			}))
			c := r.dial()
			c.say("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
			c.answer(t, "GET")
			c.ended(t)
			<-reached
			ctx, cancel := context.WithCancel(context.Background())
			defer cancel()
			drained := make(chan error, 1)
			go func() { drained <- r.Drain(ctx) }()
			eventually(t, "it listens no more", func() bool {
				nc, err := net.Dial("tcp", r.addr)
				if err == nil {
					_ = nc.Close()
				}
				return err != nil
			})
			if given {
				close(release)
			} else {
				defer close(release)
				cancel()
			}
			if err := <-drained; err != nil && given {
				t.Errorf("drain: %v", err)
			}
			if got := counter(t, r.Metrics(), "spillway_backend_mirror_failures_total"); (got == 0) != given {
				t.Errorf("%v copies failed", got)
			}
		})
	}
}
