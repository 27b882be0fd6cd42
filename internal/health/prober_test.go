package health

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"

	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
	"github.com/spillway-lb/spillway/internal/proxy/balance"
	"github.com/spillway-lb/spillway/internal/proxy/config"
	"github.com/spillway-lb/spillway/internal/proxy/message"
)

// app is a backend that can be told to fail.
type app struct {
	*httptest.Server
	bad atomic.Bool
}

func newApp(t *testing.T) *app {
	a := &app{}
	a.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if a.bad.Load() || r.URL.Path != "/" {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
	}))
	t.Cleanup(a.Close)
	return a
}

func (a *app) addr() netip.AddrPort { return netip.MustParseAddrPort(a.Listener.Addr().String()) }

// transaction is a backend service `svc` with these endpoints, checked every 100 ms. No probe
// is ever overdue: a slow machine is not a bad endpoint.
func transaction(path string, endpoints ...netip.AddrPort) *lbv1.Transaction {
	shard := &lbv1.EndpointShard{Group: "neg"}
	for _, e := range endpoints {
		shard.Endpoints = append(shard.Endpoints, &lbv1.Endpoint{Address: e.Addr().String(), Port: uint32(e.Port())})
	}
	return &lbv1.Transaction{Upserts: []*lbv1.Resource{
		{Name: "svc", Body: &lbv1.Resource_BackendService{BackendService: &lbv1.BackendService{
			HealthCheck: "hc", Backends: []*lbv1.Backend{{Group: "neg"}},
		}}},
		{Name: "hc", Body: &lbv1.Resource_HealthCheck{HealthCheck: &lbv1.HealthCheck{
			Type: lbv1.HealthCheck_HTTP, RequestPath: path, CheckInterval: durationpb.New(100 * time.Millisecond),
			Timeout: durationpb.New(time.Hour), UnhealthyThreshold: 2, HealthyThreshold: 1,
		}}},
		{Name: "neg", Body: &lbv1.Resource_NetworkEndpointGroup{NetworkEndpointGroup: &lbv1.NetworkEndpointGroup{Shards: 1}}},
		{Name: "neg/0", Body: &lbv1.Resource_EndpointShard{EndpointShard: shard}},
	}}
}

func apply(t *testing.T, r *config.Root, tx *lbv1.Transaction) *config.Root {
	t.Helper()
	next, err := r.Apply(tx)
	if err != nil {
		t.Fatal(err)
	}
	return next
}

// running starts a prober that stops with the test.
func running(t *testing.T, opts Options) *Prober {
	p := NewProber(opts)
	ctx, cancel := context.WithCancel(t.Context())
	var group sync.WaitGroup
	group.Go(func() { p.Run(ctx) })
	t.Cleanup(func() {
		cancel()
		group.Wait()
	})
	return p
}

// eventually waits for a condition, at most as long as the test is meant to take.
func eventually(t *testing.T, what string, within time.Duration, ok func() bool) {
	t.Helper()
	ticker := time.NewTicker(time.Millisecond)
	defer ticker.Stop()
	for end := time.Now().Add(within); ; <-ticker.C {
		if ok() {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("not within %v: %s", within, what)
		}
	}
}

func picks(r *config.Root) string {
	e, err := r.ServiceByName("svc").Pick(&balance.PickInput{Request: &message.Request{}})
	if err != nil {
		return err.Error()
	}
	return e.Address
}

// An endpoint that turns bad is out within the unhealthy threshold times the interval, and comes back.
func TestFollowARoot(t *testing.T) {
	a := newApp(t)
	var told atomic.Int32
	p := running(t, Options{OnVerdict: func(Verdict) { told.Add(1) }})
	r := apply(t, config.New(config.Location{}), transaction("/", a.addr()))
	p.Follow(r)
	eventually(t, "the first verdict", 5*time.Second, func() bool { return len(r.Awaiting()) == 0 })
	if got := picks(r); got != a.addr().String() {
		t.Fatal(got)
	}
	a.bad.Store(true)
	eventually(t, "it is out", 5*time.Second, func() bool { return picks(r) == balance.ErrNoHealthyUpstream.Error() })
	a.bad.Store(false)
	eventually(t, "it is back", 5*time.Second, func() bool { return picks(r) == a.addr().String() })
	eventually(t, "the callback", 5*time.Second, func() bool { return told.Load() == 3 })
	if s := p.Stats(); s.Probes < 4 || s.Failures < 2 || s.Targets != 1 {
		t.Errorf("%+v", s)
	}
}

// A health check with the wrong path, and its repair.
func TestChangeOfTheCheckHeals(t *testing.T) {
	a := newApp(t)
	p := running(t, Options{})
	r := apply(t, config.New(config.Location{}), transaction("/wrong", a.addr()))
	p.Follow(r)
	eventually(t, "a verdict", 5*time.Second, func() bool { return len(r.Awaiting()) == 0 })
	if v := p.Verdicts(); len(v) != 1 || v[0].State != lbv1.HealthState_UNHEALTHY || v[0].Detail != "HTTP 503" {
		t.Fatalf("%+v", v)
	}
	r = apply(t, r, transaction("/", a.addr()))
	p.Follow(r)
	eventually(t, "healthy", 5*time.Second, func() bool { return picks(r) == a.addr().String() })
}

// Endpoints come and go from root to root; a root that does not follow the last one is taken as a whole.
func TestFollowRootByRoot(t *testing.T) {
	a, b := newApp(t), newApp(t)
	p := running(t, Options{})
	r := apply(t, config.New(config.Location{}), transaction("/", a.addr()))
	p.Follow(r)
	addresses := func() string {
		var out []netip.AddrPort
		for _, v := range p.Verdicts() {
			out = append(out, v.Address)
		}
		return fmt.Sprint(out)
	}
	for _, step := range []struct {
		skip bool
		has  []netip.AddrPort
	}{{false, []netip.AddrPort{b.addr()}}, {true, []netip.AddrPort{a.addr(), b.addr()}}, {true, nil}, {false, []netip.AddrPort{a.addr()}}} {
		r = apply(t, r, transaction("/", step.has...))
		if step.skip {
			r = apply(t, r, &lbv1.Transaction{})
		}
		p.Follow(r)
		p.Follow(r)
		want := append([]netip.AddrPort{}, step.has...)
		if len(want) == 2 && want[1].Compare(want[0]) < 0 {
			want[0], want[1] = want[1], want[0]
		}
		if got := addresses(); got != fmt.Sprint(want) && !(len(want) == 0 && got == "[]") {
			t.Errorf("probes %s, want %v", got, want)
		}
		if len(step.has) > 0 {
			eventually(t, "a verdict", 5*time.Second, func() bool { return len(r.Awaiting()) == 0 })
		}
	}
}

func TestConcurrencyIsBounded(t *testing.T) {
	var now atomic.Int32
	slow := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		if n := now.Add(1); n > 2 {
			t.Errorf("%d probes at once", n)
		}
		<-time.After(10 * time.Millisecond)
		now.Add(-1)
	}))
	defer slow.Close()
	port := netip.MustParseAddrPort(slow.Listener.Addr().String()).Port()
	p := running(t, Options{Concurrency: 2})
	tx := transaction("/", at(1), at(2), at(3), at(4), at(5), at(6))
	for i, e := range tx.Upserts[3].GetEndpointShard().Endpoints {
		e.Address = "127.0.0.1"
		e.Port = uint32(1000 + i)
	}
	tx.Upserts[1].GetHealthCheck().PortSpecification = lbv1.HealthCheck_USE_FIXED_PORT
	tx.Upserts[1].GetHealthCheck().Port = uint32(port)
	r := apply(t, config.New(config.Location{}), tx)
	p.Follow(r)
	eventually(t, "all have verdicts", 5*time.Second, func() bool {
		n := 0
		for _, v := range p.Verdicts() {
			if v.State == lbv1.HealthState_HEALTHY {
				n++
			}
		}
		return n == 6
	})
}
