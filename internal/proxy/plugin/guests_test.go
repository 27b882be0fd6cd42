package plugin

import (
	"fmt"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
	"github.com/spillway-lb/spillway/internal/proxy/metrics"
	"github.com/spillway-lb/spillway/internal/wasm"
	"github.com/spillway-lb/spillway/internal/wasm/wat"
)

// counting defines a metric of each kind when it starts, and many more; it refuses to start where it may not.
func counting(more int32) []byte {
	const id, counter = 512, 520
	b := wat.New()
	define := b.Import("env", "proxy_define_metric", "iiii>i")
	record := b.Import("env", "proxy_record_metric", "il>i")
	b.Plugin()
	var code wat.Code
	for kind, name := range []string{"requests", "depth", "size"} {
		code = wat.Cat(code, wat.I32(int32(kind)), b.Text(name), wat.I32(id), wat.Call(define), wat.If(wat.I32(0), wat.Return),
			wat.LoadFrom(id), wat.I64(5), wat.Call(record), wat.Drop)
	}
	// The name of the others is a word that counts.
	code = wat.Cat(code, wat.StoreAt(counter, 0x20202020), wat.I32(more), wat.SetLocal(2), wat.Loop(
		wat.AddTo(counter, 1), wat.I32(0), wat.I32(counter), wat.I32(4), wat.I32(id), wat.Call(define), wat.Drop,
		wat.Local(2), wat.I32(-1), wat.Add, wat.Code{0x22, 0x02}, wat.Code{0x0d, 0x00}), wat.I32(1))
	b.Function("proxy_on_configure", "ii>i", 1, code)
	return b.Module()
}

func guestsOf(t *testing.T, profile lbv1.WasmPluginVersion_Profile, more int32) (list []string, err error) {
	t.Helper()
	registry := metrics.New(metrics.Options{})
	p := New(Config{Modules: NewModules(func(string, string) ([]byte, error) { return counting(more), nil }, wasm.Options{}), Metrics: registry, Timeout: patience})
	v, err := p.Version("v", &lbv1.WasmPluginVersion{Plugin: "plugin", Image: "image", ImageDigest: "sha256:1", Profile: profile})
	if err != nil {
		return nil, err
	}
	all := prometheus.NewRegistry()
	all.MustRegister(registry)
	families, err := all.Gather()
	for _, f := range families {
		for _, m := range f.GetMetric() {
			if strings.HasPrefix(f.GetName(), "spillway_wasm_plugin_") {
				list = append(list, fmt.Sprint(f.GetName(), " ", m))
			}
		}
	}
	_ = v.Name
	return list, err
}

// What a plugin of the full profile counts is on the proxy's metrics.
func TestMetricsOfPlugins(t *testing.T) {
	list, err := guestsOf(t, lbv1.WasmPluginVersion_FULL, 1)
	if err != nil || len(list) != 4 {
		t.Fatalf("%q, %v", list, err)
	}
	all := strings.Join(list, "\n")
	for _, want := range []string{"spillway_wasm_plugin_counter_total", "requests", "spillway_wasm_plugin_gauge", "spillway_wasm_plugin_histogram", "sample_sum:5", "plugin"} {
		if !strings.Contains(all, want) {
			t.Errorf("no %s in %s", want, all)
		}
	}
	if _, err := guestsOf(t, lbv1.WasmPluginVersion_GCP, 1); err == nil {
		t.Error("Google's profile has metrics")
	}
}

// A plugin that defines ever more does not make a scrape grow.
func TestMetricsOfPluginsAreBounded(t *testing.T) {
	list, err := guestsOf(t, lbv1.WasmPluginVersion_FULL, 3000)
	if err != nil || len(list) != 1000 {
		t.Errorf("%d, %v", len(list), err)
	}
}
