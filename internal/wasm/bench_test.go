package wasm

import (
	"os"
	"testing"
	"time"

	"github.com/spillway-lb/spillway/internal/wasm/wat"
)

// BenchmarkHook is one header callback that makes one call to the host. WASM_FILE measures a plugin of one's own.
func BenchmarkHook(b *testing.B) {
	g := wat.New()
	log := host(g, "proxy_log")
	g.Plugin()
	g.Function("proxy_on_request_headers", "iii>i", 0, wat.I32(0), g.Text("x"), wat.Call(log), wat.Drop, wat.I32(0))
	code := g.Module()
	if file := os.Getenv("WASM_FILE"); file != "" {
		var err error
		if code, err = os.ReadFile(file); err != nil {
			b.Fatal(err)
		}
	}
	p, _ := start(b, code, Options{}, PluginConfig{Log: func(Record) {}, Timeout: 50 * time.Millisecond})
	p.SetMinLevel(Critical + 1)
	s := stream(b, p, properties{})
	defer func() { _ = s.Close() }()
	h := headersOf(":path: / | accept: a")
	b.ReportAllocs()
	for b.Loop() {
		if _, err := s.RequestHeaders(h, true); err != nil {
			b.Fatal(err)
		}
		h.list = h.list[:2]
	}
}

// BenchmarkStream is a stream without callbacks for messages.
func BenchmarkStream(b *testing.B) {
	p, _ := start(b, crashing(), Options{}, PluginConfig{Timeout: 50 * time.Millisecond})
	b.ReportAllocs()
	for b.Loop() {
		if err := stream(b, p, properties{}).Close(); err != nil {
			b.Fatal(err)
		}
	}
}
