package plugin

import (
	"errors"
	"testing"
	"time"

	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
	"github.com/spillway-lb/spillway/internal/proxy/chains"
	"github.com/spillway-lb/spillway/internal/proxy/metrics"
	"github.com/spillway-lb/spillway/internal/wasm"
	"github.com/spillway-lb/spillway/internal/wasm/wat"
)

// picky refuses every configuration that is not empty.
func picky() []byte {
	b := wat.New()
	b.Plugin()
	b.Function("proxy_on_configure", "ii>i", 0, wat.Local(1), wat.Eqz)
	return b.Module()
}

// A version that does not start is not started again with each transaction, and the one that runs goes on.
func TestAVersionThatDoesNotStart(t *testing.T) {
	now := time.Unix(1000, 0)
	registry := metrics.New(metrics.Options{})
	p := New(Config{
		Modules: NewModules(func(string, string) ([]byte, error) { return picky(), nil }, wasm.Options{}),
		Metrics: registry, Now: func() time.Time { return now },
	})
	of, use := &lbv1.WasmPlugin{}, chains.Use{Extension: &lbv1.Extension{Name: "ext"}}
	bad := &lbv1.WasmPluginVersion{Plugin: "plugin", Image: "image", ImageDigest: "sha256:1", ConfigData: []byte("x")}
	if _, err := p.Plugin(use, of, "bad", bad); err == nil {
		t.Fatal("it runs")
	}
	_, first := p.Version("bad", bad)
	if _, again := p.Version("bad", bad); again == nil || !errors.Is(again, first) {
		t.Errorf("started again: %v", again)
	}
	var again interface{ Again() time.Time }
	if !errors.As(first, &again) || !again.Again().Equal(now.Add(firstRetry)) {
		t.Errorf("%v does not say when it is tried again", first)
	}
	now = now.Add(firstRetry)
	if _, later := p.Version("bad", bad); later == nil || errors.Is(later, first) {
		t.Errorf("not tried again: %v", later)
	}
	good, err := p.Version("good", &lbv1.WasmPluginVersion{Plugin: "plugin", Image: "image", ImageDigest: "sha256:1"})
	if err != nil {
		t.Fatal(err)
	}
	if instead, err := p.Plugin(use, of, "bad", bad); instead.New == nil || err == nil {
		t.Errorf("%s does not go on, or nobody is told: %v", good.Name, err)
	}
	if n := registry.Plugins.Count("plugin", "bad", eventRefused); n != 2 {
		t.Errorf("counted %d times", n)
	}
}

// Proxies of one process share a module and its pause: none of them makes that longer for itself.
func TestAPauseIsSharedAsItIs(t *testing.T) {
	now := time.Unix(1000, 0)
	clock := func() time.Time { return now }
	modules := NewModules(func(string, string) ([]byte, error) { return []byte("no module"), nil }, wasm.Options{})
	modules.now = clock
	spec := &lbv1.WasmPluginVersion{Plugin: "plugin", Image: "image", ImageDigest: "sha256:1"}
	one, two := New(Config{Modules: modules, Now: clock}), New(Config{Modules: modules, Now: clock})
	delay := firstRetry
	for range 3 {
		for i, p := range []*Plugins{one, two, one, two} {
			var again interface{ Again() time.Time }
			if _, err := p.Version("v", spec); !errors.As(err, &again) || !again.Again().Equal(now.Add(delay)) {
				t.Fatalf("%d: %v, not to be tried in %v", i, err, delay)
			}
		}
		now, delay = now.Add(delay), 2*delay
	}
}

// What is given up because the process ends is no plugin's fault.
func TestTheEndRefusesNobody(t *testing.T) {
	registry := metrics.New(metrics.Options{})
	modules := NewModules(func(string, string) ([]byte, error) { return picky(), nil }, wasm.Options{})
	modules.Close()
	p := New(Config{Modules: modules, Metrics: registry})
	spec := &lbv1.WasmPluginVersion{Plugin: "plugin", Image: "image", ImageDigest: "sha256:1"}
	_, err := p.Plugin(chains.Use{Extension: &lbv1.Extension{Name: "ext"}}, &lbv1.WasmPlugin{}, "v", spec)
	if n := registry.Plugins.Count("plugin", "v", eventRefused); err == nil || n != 0 || len(p.refused) != 0 {
		t.Errorf("%v, counted %d times, %d are not to be tried", err, n, len(p.refused))
	}
}

func TestRefusals(t *testing.T) {
	r, now := refusals{}, time.Unix(1000, 0)
	for _, want := range []time.Duration{10, 20, 40, 80, 160, 320, 600, 600} {
		r.add("k", errors.New("no"), now)
		if end := now.Add(want * time.Second); r.known("k", end.Add(-1)) == nil || r.known("k", end) != nil {
			t.Errorf("%v, want %v s", r["k"].delay, int(want))
		}
	}
	if r.add("other", errors.New("no"), now.Add(time.Hour)); len(r) != 1 {
		t.Errorf("%d are kept", len(r))
	}
}
